// Invariants
// 1. Every change of state is a log line; lag, stalls and failures are metrics.
// 2. Whoever waits for a revision is resumed once: when it is there, when its time is over, or when it is cancelled.

internal import Logging
internal import Metastore
internal import MetastoreModel
internal import Synchronization

/// What a follower tells others, and who waits for it.
final class FollowerProgress: Sendable {
    fileprivate typealias Waiter = CheckedContinuation<Void, any Error>

    fileprivate struct State {
        var following: Following
        var store: Metastore
        var waiters: [UInt64: (revision: Revision, waiter: Waiter)] = [:]
        var listeners: [UInt64: AsyncStream<FollowerStatus>.Continuation] = [:]
        var next: UInt64 = 0
        var mayRewind: Bool
        var mayReplace = false
    }

    private let state: Mutex<State>
    private let time: TimeSource
    private let logger = Logger(label: "metastore.follower")
    private let metrics = FollowerMetrics()

    init(_ store: Metastore, at position: Position, _ options: FollowerOptions) {
        time = options.store.time
        state = Mutex(
            State(
                following: Following(at: position, options, now: options.store.time.monotonic()), store: store,
                mayRewind: options.onFork == .rewind))
    }

    var status: FollowerStatus {
        note(.tick)
        return state.withLock { $0.following.status }
    }

    var store: Metastore {
        get { state.withLock { $0.store } }
        set { state.withLock { $0.store = newValue } }
    }

    func note(_ event: Following.Event) {
        let (now, wall) = (time.monotonic(), time.now())
        if case .failed = event { metrics.failed() }
        if case .storeFailed = event { metrics.failed() }
        let (before, after, waiters) = state.withLock { state in
            let before = state.following.status
            state.following.note(event, now: now, time: wall)
            let after = state.following.status
            if before != after { for listener in state.listeners.values { listener.yield(after) } }
            return (before, after, state.takeWaiters())
        }
        for waiter in waiters { waiter.resume() }
        tell(before, after)
        if case .closed = event { end() }
    }

    private func tell(_ before: FollowerStatus, _ after: FollowerStatus) {
        let count = after.position.revision.rawValue - before.position.revision.rawValue
        if count > 0 { metrics.came(forward: count) }
        metrics.stands(
            behind: after.lagRevisions ?? 0, for: after.lag / .seconds(1), isStalled: after.state.isStall)
        guard before.state != after.state else { return }
        // Following and catching up take turns with every commit.
        guard before.state.isStall || after.state.isStall else {
            return logger.debug("\(after.state)", metadata: ["revision": "\(after.position.revision)"])
        }
        logger.info("the follower is \(after.state)", metadata: ["revision": "\(after.position.revision)"])
    }

    func compared(_ comparison: ReplicaComparison) {
        metrics.compared(differing: comparison.kinds.count)
        state.withLock { state in
            state.following.compared(comparison)
            for listener in state.listeners.values { listener.yield(state.following.status) }
        }
        guard !comparison.isEqual else { return }
        logger.info(
            "the follower's rows are not its source's",
            metadata: [
                "revision": "\(comparison.position.revision)",
                "kinds": "\(comparison.kinds.map(\.name).joined(separator: " "))",
                "first": "\(comparison.differences.first.map(\.description) ?? "not located")",
            ])
    }

    func takePause() -> Duration { state.withLock { $0.following.takePause() } }

    // MARK: Rewinding

    var mayRewind: Bool {
        get { state.withLock { $0.mayRewind } }
        set { state.withLock { $0.mayRewind = newValue } }
    }

    /// It was told, once, to replace what it has.
    var mayReplace: Bool {
        get { state.withLock { $0.mayReplace } }
        set { state.withLock { $0.mayReplace = newValue } }
    }

    /// What was here is kept.
    func tellReplaced(_ kept: String?) {
        logger.info("a snapshot of the source took the place of what was here", metadata: ["kept": "\(kept ?? "none")"])
    }

    // MARK: Waiting

    func wait(for revision: Revision, _ timeout: Duration) async throws {
        // What is known already takes no time, and none that is over takes it away.
        if let answer = state.withLock({ $0.answer(to: revision) }) { return try answer.get() }
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await self.wait(for: revision) }
            group.addTask {
                try await Task.sleep(for: timeout)
                throw FollowerError.notReached(revision: revision, status: self.status)
            }
            defer { group.cancelAll() }
            try await group.next()
        }
    }

    private func wait(for revision: Revision) async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (waiter: Waiter) in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if let answer = state.answer(to: revision) { return answer }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[number] = (revision, waiter)
                    return nil
                }
                if let answer { waiter.resume(with: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters.removeValue(forKey: number)?.waiter }
            waiter?.resume(throwing: CancellationError())
        }
    }

    /// Each status from now on; whoever is slow is told the newest.
    func statuses() -> AsyncStream<FollowerStatus> {
        let (stream, listener) = AsyncStream.makeStream(of: FollowerStatus.self, bufferingPolicy: .bufferingNewest(1))
        let number = state.withLock { state in
            state.next += 1
            listener.yield(state.following.status)
            if state.following.status.state == .closed {
                listener.finish()
            } else {
                state.listeners[state.next] = listener
            }
            return state.next
        }
        listener.onTermination = { [weak self] _ in
            _ = self?.state.withLock { $0.listeners.removeValue(forKey: number) }
        }
        return stream
    }

    private func end() {
        let (waiters, listeners) = state.withLock { state in
            defer { (state.waiters, state.listeners) = ([:], [:]) }
            return (state.waiters.values.map(\.waiter), Array(state.listeners.values))
        }
        for waiter in waiters { waiter.resume(throwing: StoreError.closed) }
        for listener in listeners { listener.finish() }
    }
}

extension FollowerProgress.State {
    /// What whoever waits for a revision is told at once; nil where there is something to wait for.
    fileprivate func answer(to revision: Revision) -> Result<Void, any Error>? {
        if following.status.position.revision >= revision { return .success(()) }
        return following.status.state == .closed ? .failure(StoreError.closed) : nil
    }

    /// Those whose revision is there.
    fileprivate mutating func takeWaiters() -> [FollowerProgress.Waiter] {
        guard !waiters.isEmpty else { return [] }
        let reached = following.status.position.revision
        let ready = waiters.filter { $0.value.revision <= reached }
        for number in ready.keys { waiters[number] = nil }
        return ready.values.map(\.waiter)
    }
}

extension FollowerState {
    /// True for every state in which nothing comes forward.
    var isStall: Bool {
        switch self {
        case .catchingUp, .following, .closed: false
        case .stalled, .forked, .needsNewerRelease, .needsSnapshot, .takingSnapshot: true
        }
    }
}
