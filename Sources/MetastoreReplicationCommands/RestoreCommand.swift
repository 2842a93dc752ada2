// Invariant: it is as atomic as `Restore` is; nothing is done to a place before that, and nothing after.

package import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
package import MetastoreTerminal

/// What `restore` made.
package struct RestoreAnswer: CommandReport {
    package let archive: String
    package let cluster: String
    package let into: String
    /// As it was asked for.
    package let point: String
    /// The restored state: its revision, when that was committed, and its link.
    package let revision: Int64
    package let time: String
    package let chain: String
    /// Where the restored store stands: in an epoch of its own, or, as a replica, in its source's.
    package let position: String
    package let epoch: Int64
    package let isReplica: Bool
    /// The revision of the snapshot that it began with.
    package let snapshot: Int64?
    /// Revisions that were applied after it.
    package let revisions: Int64
    /// Snapshots that weren't taken, and why.
    package let passedOver: [String]
    package let seconds: Double

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("archive", archive)
        fields.add("cluster", cluster)
        fields.add("into", into)
        fields.add("restored", "revision \(revision), committed \(time.toTheSecond)", .green)
        fields.add(
            "from",
            (snapshot.map { "the snapshot at revision \($0)" } ?? "the first revision")
                + ", \(Shown.count(Int(revisions), "revision")) applied, " + Shown.duration(.seconds(seconds)))
        fields.add("verified", "every row, digest and link, before anybody could open it", .green)
        fields.add("epoch", isReplica ? "\(epoch), its source's: a replica, to follow with" : "\(epoch), its own")
        for reason in passedOver { fields.add("passed over", reason, .yellow) }
        return fields.lines(style)
    }
}

/// Makes a store from an archive, as it was, in an empty place.
package struct RestoreCommand: Sendable {
    /// What is restored, and how.
    package struct Options: Sendable {
        package var cluster: UUID?
        package var point = RestorePoint.newest
        /// Goes on as a replica of its source, and not as a store of its own.
        package var isReplica = false
        /// Where a snapshot is damaged, an earlier one is taken.
        package var takesEarlier = false
        /// Its log begins where it was restored to.
        package var leavesLog = false

        package init() {}
    }

    private let archive: ArchiveURL
    private let into: StoreURL
    private let options: Options
    private let screen: CommandScreen

    package init(_ archive: ArchiveURL, into: StoreURL, _ options: Options = Options(), screen: CommandScreen) {
        self.archive = archive
        self.into = into
        self.options = options
        self.screen = screen
    }

    package func run(_ password: Password) async throws(CommandFailure) -> RestoreAnswer {
        try await failing(screen, at: "\(archive) into \(into)") {
            let place = try ReplicatedStore(into, password)
            let line = try archive.line(of: options.cluster, screen.reading("read"))
            // Said before all of the archive is read; what restores looks again.
            if try await place.summary() != nil {
                throw CommandFailure(
                    .cannotCreate,
                    "\(into) holds a store, which was left as it is. Restore into an empty place; don't make room by "
                        + "deleting.")
            }
            var how = Restore.Options()
            how.purpose = options.isReplica ? .replica : .store
            how.damagedSnapshot = options.takesEarlier ? .takeEarlier : .end
            how.keepsLog = !options.leavesLog
            let restore = Restore(line, how)
            let report = try await line.naming(options.point.point, at: archive.description) {
                try await restore.run(to: place.source, at: options.point.point, screen.restoring("restore"))
            }
            return RestoreAnswer(
                archive: archive.description, cluster: line.cluster.text, into: into.description,
                point: options.point.description, revision: report.state.revision.rawValue,
                time: report.state.time.description, chain: Hexadecimal.text(of: report.state.chain),
                position: report.position.description, epoch: report.position.epoch.number,
                isReplica: options.isReplica, snapshot: report.snapshot?.revision.rawValue,
                revisions: report.revisions,
                passedOver: report.passedOver.sorted { $0.key.revision > $1.key.revision }.map { "\($0): \($1)" },
                seconds: report.duration.inSeconds)
        }
    }
}

extension CommandScreen {
    /// Shows how far a restore is.
    func restoring(_ title: String) -> @Sendable (RestoreProgress) -> Void {
        { progress in
            switch progress {
            case .rows(_, let parts, let all?): self.show("\(title): snapshot", parts, all, "parts")
            case .rows(let rows, _, nil): self.show("\(title): snapshot", Int(rows), nil, "rows")
            case .revisions(let revision, let last):
                self.show("\(title): log", Int(revision.rawValue), Int(last.rawValue), "revisions")
            }
        }
    }
}
