// Invariants
// 1. An empty place gets what its source has in one step, verified; from then on records alone, unless it was told to
//    replace what it has.
// 2. What the follower is in is told with each change, and now and then; a state that nothing but a person gets it out
//    of ends a run that was to end, and is told of for ever by one that wasn't.

package import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
package import MetastoreReplication

/// Keeps a replica of a store, from its archive or from a server.
package struct FollowCommand: Sendable {
    /// Whom it follows.
    package enum Origin: Sendable {
        case archive(ArchiveURL, cluster: UUID?)
        /// A server, and how it is called.
        case server(FollowedSource, place: String)

        var place: String {
            switch self {
            case .archive(let url, _): url.description
            case .server(_, let place): place
            }
        }
    }

    /// How it follows.
    package struct Options: Sendable {
        /// End once it has everything that its source has.
        package var isOnce = false
        /// Compare all rows with the source's before the end.
        package var compares = false
        /// Where the source has another history, go back to the last revision that both have.
        package var rewinds = false
        /// Where it can't go on from what it has, replace that by a snapshot, once.
        package var resnapshots = false
        /// An empty place begins with the first revision, not with a snapshot.
        package var takesWholeLog = false
        /// How often it says where it is, at most.
        package var interval = Duration.seconds(10)
        /// How long a source that doesn't answer is asked again, where it is to end.
        package var patience = Duration.seconds(10)

        package init() {}
    }

    private let origin: Origin
    private let into: StoreURL
    private let options: Options
    private let screen: CommandScreen

    package init(_ origin: Origin, into: StoreURL, _ options: Options = Options(), screen: CommandScreen) {
        self.origin = origin
        self.into = into
        self.options = options
        self.screen = screen
    }

    /// - Parameter tell: called with each change of state, and now and then.
    package func run(
        _ password: Password, _ tell: @escaping @Sendable (FollowMoment) -> Void = { _ in }
    ) async throws(CommandFailure) -> FollowAnswer {
        try await failing(screen, at: "\(origin.place) into \(into)") {
            let began = ContinuousClock.now
            let place = try ReplicatedStore(into, password)
            let (source, cluster, isNew) = try await begin(in: place)
            var settings = FollowerOptions()
            settings.onFork = options.rewinds ? .rewind : .wait
            settings.waiting = waiting
            // An empty place has what it is to begin with by now.
            settings.beginning = .wholeLog
            let follower = try await Follower.open(place.source, following: source, of: cluster, settings)
            if options.resnapshots { follower.resnapshot() }
            let options = options
            let result: Result<FollowWatch.Ending, any Error>
            do {
                result = .success(
                    try await StopOrder.running { order in
                        try await FollowWatch(follower: follower, options: options, tell: tell).run(until: order)
                    })
            } catch {
                result = .failure(error)
            }
            await follower.close()
            let ending = try result.get()
            return FollowAnswer(
                from: origin.place, into: into.description, ending.status, isNew: isNew,
                isInterrupted: ending.isInterrupted, after: ContinuousClock.now - began)
        }
    }

    /// How long the source waits for news before it says that there are none: until then it isn't known to have none.
    private var waiting: Duration {
        switch origin {
        case _ where options.isOnce: .milliseconds(100)
        case .archive: .seconds(1)
        case .server: .seconds(10)
        }
    }

    /// Whom to follow, and the store that an empty place got.
    private func begin(in place: ReplicatedStore) async throws -> (FollowedSource, UUID, isNew: Bool) {
        let store = place.source
        // What a killed run had begun is carried through first.
        let isEmpty = try await BlockingThread.run(named: "metastore-look") {
            try StoreSuccession.isEmpty(store, StoreOptions())
        }
        let own = isEmpty ? nil : try await place.summary()?.cluster
        switch origin {
        case .server(let source, _):
            // Whose replica is there already needn't be asked: it goes on once the server is back.
            let cluster: UUID
            if let own { cluster = own } else { cluster = try await source.source.cluster() }
            if isEmpty, !options.takesWholeLog {
                _ = try await source.source.fill(store, of: cluster, StoreOptions(), screen.restoring("begin"))
                screen.clear()
            }
            return (source, cluster, isEmpty)
        case .archive(let url, let cluster):
            let line = try url.line(of: cluster, screen.reading("read"))
            if isEmpty, !options.takesWholeLog {
                var how = Restore.Options()
                how.purpose = .replica
                _ = try await Restore(line, how).run(to: place.source, at: .newest, screen.restoring("begin"))
            }
            screen.clear()
            return (.archive(try url.target(), of: line.cluster), line.cluster, isEmpty)
        }
    }
}

/// Looks how a follower fares, and when it is done.
private struct FollowWatch: Sendable {
    let follower: Follower
    let options: FollowCommand.Options
    let tell: @Sendable (FollowMoment) -> Void

    struct Ending: Sendable {
        let status: FollowerStatus
        let isInterrupted: Bool
    }

    private static let pause = Duration.milliseconds(20)

    /// - Throws: `CommandFailure` for a state that it can't get out of, where it was to end.
    func run(until order: StopOrder) async throws -> Ending {
        let clock = ContinuousClock()
        var lines = ChangedLines<FollowMoment.Sight>(options.interval)
        var healthy = clock.now
        while true {
            let (status, now) = (follower.status, clock.now)
            if let sight = lines.next(FollowMoment.Sight(status), at: now) { tell(FollowMoment(sight)) }
            if order.isStopping { return Ending(status: status, isInterrupted: true) }
            switch status.state {
            case .following where options.isOnce && status.isAtEnd:
                if options.compares { try await follower.compare() }
                return Ending(status: follower.status, isInterrupted: false)
            case .following, .catchingUp: healthy = now
            case .takingSnapshot: break
            case .stalled, .forked, .needsNewerRelease, .needsSnapshot, .closed:
                guard options.isOnce, status.state.isLasting || now > healthy + options.patience else { break }
                throw CommandFailure(status.state.exitStatus, "\(status.state)")
            }
            try await Task.sleep(for: Self.pause)
        }
    }
}

extension FollowerState {
    /// Only somebody's decision gets it out of it.
    fileprivate var isLasting: Bool {
        switch self {
        case .needsNewerRelease, .needsSnapshot, .stalled(.refused, _), .stalled(.otherCluster, _): true
        case .catchingUp, .following, .stalled, .forked, .takingSnapshot, .closed: false
        }
    }

    fileprivate var exitStatus: ExitStatus {
        switch self {
        case .catchingUp, .following, .takingSnapshot, .closed: .tryLater
        case .stalled(let stall, _):
            switch stall {
            case .unavailable, .silent: .tryLater
            case .refused: .permission
            case .damaged: .damaged
            case .ahead, .otherCluster: .no
            case .store: .inputOutput
            }
        case .forked, .needsSnapshot: .no
        case .needsNewerRelease: .newerSchema
        }
    }
}
