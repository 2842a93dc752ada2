internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTerminal

/// What `info` says of an archive: all that `metastore-replicate status` does, what is damaged or missing, and which
/// state of it is shown.
struct ArchiveFacts: CommandReport {
    /// Where the state that is shown comes from.
    struct Shown: Encodable, Sendable {
        let revision: Int64
        /// When it was committed.
        let time: String
        /// The revision of the snapshot that it was rebuilt from; nil for the first revision.
        let snapshot: Int64?
        /// Revisions that were applied after it.
        let revisions: Int64
        /// It stands behind a break: that it goes on from what is before can't be proven.
        let isBeyondBreak: Bool
        /// What was read for it.
        let objects: Int
        let bytes: Int
    }

    /// Of the line up to where it breaks, or ends.
    let status: ArchiveStatusReport
    let shown: Shown
    let damages: [ObjectDamage]

    private enum Keys: String, CodingKey { case shown, damages }

    func encode(to encoder: any Encoder) throws {
        try status.encode(to: encoder)
        var container = encoder.container(keyedBy: Keys.self)
        try container.encode(shown, forKey: .shown)
        try container.encode(damages, forKey: .damages)
    }

    func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        status.add(to: &fields)
        let from = shown.snapshot.map { "the snapshot at revision \($0)" } ?? "the first revision"
        fields.add(
            "shown",
            "revision \(shown.revision), rebuilt from \(from) and "
                + "\(MetastoreTerminal.Shown.count(Int(shown.revisions), "revision")) after it; "
                + "\(MetastoreTerminal.Shown.count(shown.objects, "object")), "
                + "\(MetastoreTerminal.Shown.bytes(shown.bytes)) read")
        for damage in damages { fields.add("damaged", damage.description, .red) }
        return fields.lines(style)
    }
}

extension InspectedArchive {
    func facts() throws -> any CommandReport {
        do {
            let (survey, place) = (survey, archive.root)
            let status = try OneThread.run { try await survey.status(at: place) }
            screen.clear()
            let report = state.report
            return ArchiveFacts(
                status: status,
                shown: ArchiveFacts.Shown(
                    revision: report.state.revision.rawValue, time: report.state.time.description,
                    snapshot: report.snapshot?.revision.rawValue, revisions: report.revisions,
                    isBeyondBreak: state.isBeyondBreak, objects: read.objects, bytes: read.bytes),
                damages: survey.mended.damages)
        } catch {
            screen.clear()
            throw CommandFailure(replicating: error, at: archive.path)
        }
    }
}

extension ArchiveSurvey {
    /// As `metastore-replicate status` says it; of snapshots it is looked whether each part is what was written.
    fileprivate func status(at place: String) async throws -> ArchiveStatusReport {
        let (front, counted) = (front, WatchedTarget(mended) { _ in })
        _ = try await ArchiveHistory(ArchiveLine(counted, of: line.cluster, endsAtGaps: true))
        var status = try await mending { try await ArchiveStatusReport(front, at: place, counted.read) }
        for (index, snapshot) in status.snapshots.enumerated() {
            let id = SnapshotID(
                epoch: snapshot.epoch, revision: Revision(rawValue: snapshot.revision),
                form: SnapshotForm.allCases.first { $0.word == snapshot.form } ?? .portable)
            guard let damage = try await damage(of: id) else { continue }
            mended.note(damage)
            status.snapshots[index].state = "damaged"
        }
        return status
    }

    /// Again without each object that turns out to be damaged.
    func mending<Value>(_ body: () async throws -> Value) async throws -> Value {
        while true {
            do {
                return try await body()
            } catch let error as ArchiveError {
                guard mended.leaveOut(error) else { throw error }
            }
        }
    }
}
