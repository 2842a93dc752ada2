// Invariants
// 1. A write that waits is answered once: when what it waits for has its revision, or with what it lacks.
// 2. What was reached once stays reached: a revision that is archived or acknowledged never goes back.
// 3. Whoever waits can be answered at once for one of four reasons: its revision, its deadline, a cancelled task, or
//    that nobody is there any more who could bring what it waits for.

package import MetastoreModel
internal import Synchronization

/// How far the archive and the followers of a store have got, and who waits for them.
package final class ReplicationProgress: Sendable {
    /// What becomes of new writes that want to be archived.
    fileprivate enum Archiving {
        case none
        case going
        case refused(reason: String)
    }

    fileprivate struct State {
        var archiving = Archiving.none
        var archived: Revision?
        /// Tells the archiver that somebody waits.
        var wake: (@Sendable () -> Void)?
        var followers: [String: Revision] = [:]
        var admission = Admission.open
        var source: (any HistorySource)?
        var queues: [Durability: ReplicationQueue] = [:]
        var nextWaiter: UInt64 = 0
        var isClosed = false
    }

    private let state = Mutex(State())

    package init() {}

    // MARK: The archive

    /// An archiver is there from now on; false when there is one already.
    ///
    /// - Parameter wake: called, from any thread, when somebody begins to wait for the archive.
    package func beginArchiving(_ wake: @escaping @Sendable () -> Void) -> Bool {
        state.withLock { state in
            guard state.wake == nil, !state.isClosed else { return false }
            state.archiving = .going
            state.wake = wake
            return true
        }
    }

    /// Everything up to a revision is durable in the archive.
    package func archived(through revision: Revision) {
        answer { state in
            state.archived = max(revision, state.archived ?? revision)
            return state.satisfied(.archived)
        }
    }

    /// New writes that want to be archived are taken again.
    package func resumeArchiving() {
        state.withLock { state in
            if state.wake != nil, !state.isClosed { state.archiving = .going }
        }
    }

    /// Nothing is archived any more, for now or for good: whoever waits is told, and new ones are refused.
    package func refuseArchiving(_ reason: String) {
        answer { state in
            guard state.wake != nil else { return [] }
            state.archiving = .refused(reason: reason)
            return state.takeAll(.archived, lacking: reason)
        }
    }

    /// The archiver is gone.
    package func endArchiving(_ reason: String) {
        answer { state in
            (state.archiving, state.wake) = (.none, nil)
            return state.takeAll(.archived, lacking: reason)
        }
    }

    /// The last revision that is known to be archived.
    package var archived: Revision? { state.withLock { $0.archived } }

    /// Somebody waits for the archive.
    package var isArchiveAwaited: Bool { state.withLock { $0.queues[.archived]?.isEmpty == false } }

    /// Where history is read that the store's own log has no longer.
    package var source: (any HistorySource)? {
        get { state.withLock { $0.source } }
        set { state.withLock { $0.source = newValue } }
    }

    // MARK: Followers

    /// A follower has everything up to a revision, durably.
    package func acknowledged(by name: String, through revision: Revision) {
        answer { state in
            state.followers[name] = max(revision, state.followers[name] ?? revision)
            return state.queues.keys.flatMap { state.satisfied($0) }
        }
    }

    /// A follower is gone. Who waits goes on waiting: it may come back.
    package func forget(_ name: String) { state.withLock { $0.followers[name] = nil } }

    /// By name, how far each follower has got.
    package var followers: [String: Revision] { state.withLock { $0.followers } }

    // MARK: Clients

    package var admission: Admission {
        get { state.withLock { $0.admission } }
        set { state.withLock { $0.admission = newValue } }
    }

    /// Could a write be answered that asks for this?
    func check(_ durability: Durability) throws(StoreError) {
        let reason = state.withLock { $0.refusal(durability) }
        if let reason { throw .notReplicating(reason: reason) }
    }

    /// Returns once the revision is where it should be.
    func wait(for durability: Durability, at position: Position, until deadline: Duration) async throws(StoreError) {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        let lack: String? = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                enqueue(
                    ReplicationQueue.Waiter(
                        revision: position.revision, number: number, deadline: deadline, continuation: continuation),
                    durability)
            }
        } onCancel: {
            answer { state in
                guard let waiter = state.queues[durability]?.take(number) else { return [] }
                return [(waiter, Self.cancelled)]
            }
        }
        if let lack { throw .notReplicated(position: position, reason: lack) }
    }

    private func enqueue(_ waiter: ReplicationQueue.Waiter, _ durability: Durability) {
        let (answer, wake) = state.withLock { state -> (String??, (@Sendable () -> Void)?) in
            if state.reached(durability).map({ $0 >= waiter.revision }) == true { return (.some(nil), nil) }
            if let lack = state.refusal(durability) ?? (Task.isCancelled ? Self.cancelled : nil) { return (lack, nil) }
            state.queues[durability, default: ReplicationQueue()].add(waiter)
            return (nil, durability == .archived ? state.wake : nil)
        }
        if let answer { waiter.continuation.resume(returning: answer) }
        wake?()
    }

    private static let cancelled = "the wait was cancelled"

    /// Whoever has waited for too long is told. Called between batches, and at least every housekeeping interval.
    func expire(_ now: Duration) {
        answer { state in
            state.queues.keys.flatMap { durability in
                (state.queues[durability]?.takeLate(now) ?? []).map { ($0, state.lateness(durability, $0.revision)) }
            }
        }
    }

    /// The store closes: nobody is waited for any more.
    func close() {
        answer { state in
            state.isClosed = true
            state.source = nil
            return state.queues.keys.flatMap { state.takeAll($0, lacking: State.closed) }
        }
    }

    private func answer(_ take: (inout State) -> [(waiter: ReplicationQueue.Waiter, lack: String?)]) {
        let answered = state.withLock { take(&$0) }
        for (waiter, lack) in answered { waiter.continuation.resume(returning: lack) }
    }
}

extension ReplicationProgress.State {
    fileprivate static let closed = "the store was closed"

    /// Up to where everything has what this asks for.
    fileprivate func reached(_ durability: Durability) -> Revision? {
        switch durability {
        case .local: return Revision(rawValue: .max)
        case .archived: return archived
        case .replicas(let count):
            guard count > 0 else { return Revision(rawValue: .max) }
            guard followers.count >= count else { return nil }
            return followers.values.sorted(by: >)[count - 1]
        }
    }

    fileprivate mutating func satisfied(_ durability: Durability) -> [(ReplicationQueue.Waiter, String?)] {
        guard let reached = reached(durability) else { return [] }
        return (queues[durability]?.take(through: reached) ?? []).map { ($0, nil) }
    }

    fileprivate mutating func takeAll(
        _ durability: Durability, lacking reason: String
    ) -> [(ReplicationQueue.Waiter, String?)] {
        (queues.removeValue(forKey: durability)?.all ?? []).map { ($0, reason) }
    }

    /// Why nobody need wait for this; nil where it may come.
    fileprivate func refusal(_ durability: Durability) -> String? {
        if isClosed { return Self.closed }
        switch durability {
        case .local: return nil
        case .archived:
            switch archiving {
            case .none: return "no archiver runs in this process"
            case .going: return nil
            case .refused(let reason): return reason
            }
        case .replicas(let count):
            let found = followers.count
            return found >= count ? nil : "\(count) followers are asked for, and \(found) follow"
        }
    }

    fileprivate func lateness(_ durability: Durability, _ revision: Revision) -> String {
        let reached = reached(durability).map { "has got to revision \($0)" } ?? "has not answered yet"
        return switch durability {
        case .local, .archived: "the archive \(reached)"
        case .replicas(1): "the follower that is ahead \(reached)"
        case .replicas(let count): "the slowest of the \(count) followers that are ahead \(reached)"
        }
    }
}
