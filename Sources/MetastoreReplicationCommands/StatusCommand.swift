package import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication

/// Says what an archive has, whether all of it is there, and how far it is behind its store. Writes nothing.
package struct StatusCommand: Sendable {
    private let archive: ArchiveURL
    private let cluster: UUID?
    private let screen: CommandScreen

    package init(_ archive: ArchiveURL, cluster: UUID?, screen: CommandScreen) {
        self.archive = archive
        self.cluster = cluster
        self.screen = screen
    }

    /// - Parameter url: the store to compare with.
    package func run(beside url: StoreURL?, _ password: Password) async throws(CommandFailure) -> ArchiveStatusReport {
        try await failing(screen, at: archive.description) {
            let line = try archive.line(of: cluster, screen.reading("read"))
            guard let history = try await ArchiveHistory(line) else { throw line.isEmpty }
            let walked = (line.target as? WatchedTarget)?.read ?? WatchedTarget.Reading()
            return try await ArchiveStatusReport(
                history, at: archive.description, walked, store: try await compare(history, url, password))
        }
    }

    private func compare(
        _ history: ArchiveHistory, _ url: StoreURL?, _ password: Password
    ) async throws -> ArchiveStatusReport.Store? {
        guard let url else { return nil }
        return try await ReplicatedStore(url, password).reading { store in
            let relation = try await ArchiveRelation(history, store)
            let revision = try await store.logHead().position.revision
            var lag: ArchiveLag?
            if relation == .current || relation == .behind {
                var meter = ArchiveLagMeter()
                lag = try await meter.measure(store, archived: history.end.revision)
            }
            let lacking = relation == .lagging ? history.end.revision.rawValue - revision.rawValue : nil
            return ArchiveStatusReport.Store(
                store: url.description, revision: revision.rawValue, relation: relation,
                lagRevisions: lacking ?? lag.map { Int64($0.revisions) }, lagBytes: lag?.bytes,
                lagSeconds: lag?.age.inSeconds)
        }
    }

}

extension ArchiveStatusReport {
    /// - Parameters:
    ///   - place: as the archive is shown.
    ///   - walked: what was read to follow the line.
    init(
        _ history: ArchiveHistory, at place: String, _ walked: WatchedTarget.Reading, store: Store? = nil
    ) async throws {
        let line = history.line
        let snapshots = try await line.snapshotSights(history)
        let labels = try await line.labelSights(history)
        let unreachable = try await line.unreachable(after: history.end)
        self.init(
            archive: place, cluster: line.cluster.text, after: history.start.revision.rawValue,
            revision: history.end.revision.rawValue, time: try await history.newestTime().map(\.description),
            chain: Hexadecimal.text(of: history.end.chain),
            epochs: history.stretches.map { stretch in
                Epoch(
                    number: stretch.record.epoch.number, holder: stretch.record.holder,
                    time: stretch.record.time.description, after: stretch.start.revision.rawValue,
                    through: stretch.last.rawValue)
            },
            segments: walked.segments, segmentBytes: walked.segmentBytes,
            mergedSegments: walked.merged > 0 ? walked.merged : nil, snapshots: snapshots, labels: labels,
            unreachable: unreachable.map(\.description), store: store,
            notes: Self.notes(history, snapshots, labels, unreachable, store))
    }

    private static func notes(
        _ history: ArchiveHistory, _ snapshots: [Snapshot], _ labels: [Label], _ unreachable: [ArchiveName],
        _ store: Store?
    ) -> [String] {
        var notes: [String] = []
        if !unreachable.isEmpty {
            notes.append(
                "the line of objects breaks off after revision \(history.end.revision): restore what is missing from a "
                    + "copy of the archive, and do not delete what comes after it")
        }
        if let advice = store?.relation.advice { notes.append(advice) }
        if history.start.revision > .absent, !snapshots.contains(where: { $0.state == "usable" }) {
            notes.append(
                "nothing can be restored: the history begins after revision \(history.start.revision), and there is no "
                    + "snapshot. Make one with metastore-replicate snapshot")
        }
        return notes
    }
}

extension ArchiveLine {
    /// Nothing was archived of the cluster whose folder is there.
    var isEmpty: CommandFailure {
        CommandFailure(
            .missing, "\(target.place): nothing of cluster \(cluster.text) was archived there yet.")
    }

    fileprivate func snapshotSights(_ history: ArchiveHistory) async throws -> [ArchiveStatusReport.Snapshot] {
        var sights: [ArchiveStatusReport.Snapshot] = []
        for id in try await snapshots() {
            var manifest: SnapshotManifest?
            var state = "usable"
            do throws(ArchiveError) {
                manifest = try await self.manifest(id)
                let isOfHistory = history.stretches.contains { $0.record.epoch == manifest?.head.epoch }
                if !isOfHistory || !history.contains(id.epoch, id.revision) {
                    state = "otherHistory"
                } else if try await history.link(at: id.revision) != manifest?.head.chain {
                    state = "otherHistory"
                }
            } catch {
                guard case .damaged = error else { throw error }
                state = "damaged"
            }
            sights.append(
                ArchiveStatusReport.Snapshot(
                    revision: id.revision.rawValue, epoch: id.epoch, state: state, form: id.form.word,
                    time: manifest?.head.time.description, rows: manifest?.tables.reduce(0) { $0 + $1.rows },
                    bytes: manifest?.storedBytes))
        }
        return sights
    }

    /// Labels, by name, and whether they still lead somewhere.
    func labelSights(_ history: ArchiveHistory) async throws -> [ArchiveStatusReport.Label] {
        var sights: [ArchiveStatusReport.Label] = []
        for label in try await Labels(self).all() {
            var isLost = label.revision < history.start.revision
            if !isLost { isLost = try await history.link(at: label.revision) != label.chain }
            sights.append(
                ArchiveStatusReport.Label(
                    name: label.name, revision: label.revision.rawValue, time: label.time.description, text: label.text,
                    isLost: isLost))
        }
        return sights
    }

    /// What lies beyond the end of the line: its names come later, and nothing leads there.
    ///
    /// A listing may lack what was made lately, and then shows a hole that isn't one: only what is there counts.
    func unreachable(after end: ArchivePlace) async throws(ArchiveError) -> [ArchiveName] {
        let next = name(after: end)
        let found = try await target.list(under: names.log, after: next, limit: Self.namesMost)
        // What was archived since the line was followed begins under the next name, and leads to the rest.
        guard !found.isEmpty else { return [] }
        return try await target.read(next, limit: Limits.segmentObjectBytes) == nil ? found : []
    }

    private static var namesMost: Int { 100 }
}

extension ArchiveHistory {
    /// When the last revision was committed.
    func newestTime() async throws -> Timestamp? {
        var time: Timestamp?
        guard end.revision > start.revision else { return nil }
        try await forEachPart(after: Revision(rawValue: end.revision.rawValue - 1)) { part in
            time = part.records.last?.time
        }
        return time
    }
}

extension String {
    /// Of a time's text: to the second, as people read it.
    var toTheSecond: String { prefix(19) + "Z" }
}

extension Duration {
    /// With three decimals.
    var inSeconds: Double { (self / .milliseconds(1)).rounded() / 1_000 }
}

extension CommandScreen {
    /// Shows how much of an archive was read.
    func reading(_ title: String) -> @Sendable (WatchedTarget.Reading) -> Void {
        { self.show(title, $0.objects, nil, "objects") }
    }
}
