// Invariants
// 1. The store is only read: whoever writes to it goes on, holds its lock, and is asked for nothing.
// 2. Told to end, it ends once what was committed by then is archived, or says what isn't.
// 3. An alarm ends it: somebody has to decide, and a supervisor that starts it again is told the same.

internal import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication

/// Ships a store's history into an archive, beside whoever writes to it.
package struct ArchiveCommand: Sendable {
    /// How it goes on.
    package struct Options: Sendable {
        /// End once what was committed when it began is archived.
        package var isOnce = false
        /// A segment is sealed after so long.
        package var segmentAge = Limits.segmentAge
        /// How often it says where it is, at most.
        package var interval = Duration.seconds(10)
        /// What the archive has more than the store is given up, where the store is in a later epoch: it was restored.
        package var leavesBehind = false
        /// How long an archive that doesn't answer is asked again before the end.
        package var patience = Duration.seconds(10)

        package init() {}
    }

    private let store: StoreURL
    private let archive: ArchiveURL
    private let options: Options
    private let screen: CommandScreen

    package init(_ store: StoreURL, to archive: ArchiveURL, _ options: Options = Options(), screen: CommandScreen) {
        self.store = store
        self.archive = archive
        self.options = options
        self.screen = screen
    }

    /// - Parameter tell: called with each change of state, and now and then.
    package func run(
        _ password: Password, _ tell: @escaping @Sendable (ArchiveMoment) -> Void = { _ in }
    ) async throws(CommandFailure) -> ArchiveReport {
        try await failing(screen, at: "\(store) to \(archive)") {
            let target = try archive.target()
            return try await ReplicatedStore(store, password).reading { store in
                var settings = ArchiverOptions()
                settings.segmentAge = options.segmentAge
                settings.ahead = options.leavesBehind ? .leaveBehind : .refuse
                settings.lagInterval = min(settings.lagInterval, options.interval)
                let archiver = try Archiver(beside: store, target, settings)
                let work = Task { try await archiver.run() }
                let goal = options.isOnce ? try await store.logHead().position.revision : nil
                let watch = ArchiveWatch(
                    store: store, archiver: archiver, options: options, goal: goal, screen: screen, tell: tell)
                let result: Result<ArchiveWatch.Ending, any Error>
                do {
                    result = .success(try await StopOrder.running { order in try await watch.run(until: order) })
                } catch {
                    result = .failure(error)
                }
                work.cancel()
                _ = await work.result
                return report(try result.get(), archiver.status, of: store)
            }
        }
    }

    private func report(_ ending: ArchiveWatch.Ending, _ status: ArchiverStatus, of store: Metastore) -> ArchiveReport {
        ArchiveReport(
            store: self.store.description, archive: archive.description, cluster: store.position.cluster.text,
            began: ending.began.rawValue, revision: ending.archived.rawValue, segments: status.segments,
            bytes: status.bytes, missing: max(0, ending.goal.rawValue - ending.archived.rawValue),
            seconds: ending.duration.inSeconds)
    }
}

/// Looks how an archiver fares, and when it is done.
private struct ArchiveWatch: Sendable {
    let store: Metastore
    let archiver: Archiver
    let options: ArchiveCommand.Options
    let goal: Revision?
    let screen: CommandScreen
    let tell: @Sendable (ArchiveMoment) -> Void

    struct Ending: Sendable {
        /// What was archived when it began, and now.
        let began: Revision
        let archived: Revision
        /// What was committed when it was to end.
        let goal: Revision
        let duration: Duration
    }

    private static let pause = Duration.milliseconds(20)

    /// - Throws: ``ArchiveError`` for an alarm; `CommandFailure` where the archive doesn't answer, and nobody waits any
    ///   longer.
    func run(until order: StopOrder) async throws -> Ending {
        let clock = ContinuousClock()
        let start = clock.now
        var (goal, deadline) = (goal, ContinuousClock.Instant?.none)
        var answered = start
        var lines = ChangedLines<ArchiveMoment.Sight>(options.interval)
        while true {
            let (status, now) = (archiver.status, clock.now)
            // Before its first look it says that it is stopped, as it does after its end.
            if status.state != .stopped, let sight = lines.next(ArchiveMoment.Sight(status), at: now) {
                tell(ArchiveMoment(sight))
            }
            if order.isStopping, deadline == nil {
                goal = min(try await store.logHead().position.revision, goal ?? Revision(rawValue: .max))
                deadline = now + options.patience
            }
            if let goal, let archived = status.archived, archived >= goal || deadline.map({ now > $0 }) == true {
                return Ending(began: status.began ?? archived, archived: archived, goal: goal, duration: now - start)
            }
            switch status.state {
            case .alarm(let error): throw error
            case .retrying(let reason):
                guard goal != nil, now > answered + options.patience else { break }
                throw CommandFailure(.tryLater, reason)
            case .stopped where status.began != nil: throw StoreError.closed
            default: answered = now
            }
            if let goal, let archived = status.archived, let began = status.began {
                screen.show(
                    "archive", Int(archived.rawValue - began.rawValue), Int(goal.rawValue - began.rawValue),
                    "revisions")
            }
            try await Task.sleep(for: Self.pause)
        }
    }
}
