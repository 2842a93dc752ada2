// Invariants
// 1. `recent` holds consecutive revisions and ends at `head`; older ones are read from the log.
// 2. A commit only wakes those who wait for its kinds; it never waits for one, and holds at most Limits.feedCacheBytes
//    for them.
// 3. A lost wake-up costs at most one tick.
// 4. The head never goes back, unless a replica is rewound: whoever read further is told so before anything else.
// 5. What several readers want of the newest records is decoded once, when the first of them asks for it, and at most
//    about Limits.feedBatchBytes of that are kept for the others.

internal import DequeModule
internal import MetastoreModel
internal import Synchronization

/// The newest part of the log, shared by every reader of the feed in this process.
final class Tail: Sendable {
    fileprivate typealias Waiter = CheckedContinuation<Void, any Error>

    /// Those whom a commit concerns. They wait until they are resumed.
    struct Woken: ~Copyable {
        fileprivate let waiters: [Waiter]
        var count: Int { waiters.count }

        consuming func resume() {
            for waiter in waiters { waiter.resume() }
        }
    }

    fileprivate struct State {
        var head: Position
        var recent: Deque<LogRecord> = []
        var recentBytes = 0
        /// What was decoded of the newest of them, for whoever wants the same.
        var decoded = DecodedStretches()
        /// By what they wait for: there are many who wait, and few sets of kinds.
        var waiters: [RecordKinds: [UInt64: Waiter]] = [:]
        var nextWaiter: UInt64 = 0
        var kinds: KindRevisions
        var closed: StoreError?
        /// Where the store stood at the last tick.
        var tickedAt: Revision = .absent
        /// Where a replica was taken back to, each time.
        var rewinds: [Position] = []
    }

    private let state: Mutex<State>
    /// What readers have to find at a server; nil where nobody else could answer.
    let history: KnownHistory?

    init(head: Position, history: KnownHistory?) {
        state = Mutex(State(head: head, kinds: KindRevisions(since: head.revision)))
        self.history = history
    }

    var head: Position { state.withLock { $0.head } }

    /// After a commit: what it brought, and where the store stands now. Gives back those whom it concerns.
    ///
    /// Where several processes write, news of a later commit of another may have come before: then there is none here.
    func publish(_ records: [LogRecord], head: Position) -> Woken {
        if !records.isEmpty { history?.committed(head) }
        let woken = state.withLock { state -> [Waiter] in
            guard head.revision >= state.head.revision else { return [] }
            // Where these records begin, or without any where the store stands, nothing is known of what others
            // committed since the last news: it may be of any kind.
            let known = records.first.map { Revision(rawValue: $0.revision.rawValue - 1) } ?? head.revision
            let followsGap = known > state.head.revision || records.isEmpty && head != state.head
            if followsGap {
                state.recent.removeAll()
                state.recentBytes = 0
                state.decoded = DecodedStretches()
                state.kinds = KindRevisions(since: known)
            }
            var kinds: RecordKinds = []
            for record in records {
                state.recent.append(record)
                state.recentBytes += record.footprint
                kinds.formUnion(record.kinds)
                state.kinds.note(record.kinds, at: record.revision)
            }
            while state.recentBytes > Limits.feedCacheBytes, let first = state.recent.popFirst() {
                state.recentBytes -= first.footprint
            }
            state.head = head
            return state.takeWaiters { followsGap || !$0.isDisjoint(with: kinds) }
        }
        return Woken(waiters: woken)
    }

    /// A replica was taken back to this position.
    func rewound(to position: Position) {
        history?.rewound(to: position)
        let woken = state.withLock { state -> [Waiter] in
            state.recent.removeAll()
            state.recentBytes = 0
            state.decoded = DecodedStretches()
            state.kinds = KindRevisions(since: position.revision)
            state.head = position
            state.rewinds.append(position)
            return state.takeWaiters { _ in true }
        }
        for waiter in woken { waiter.resume() }
    }

    /// How often a replica was taken back: whoever begins to read asks for it before it makes sure of its position.
    var rewinds: Int { state.withLock { $0.rewinds.count } }

    /// Wakes everybody if something was committed since the last tick, so that filtered readers move on.
    func tick() {
        let woken = state.withLock { state -> [Waiter] in
            guard state.tickedAt != state.head.revision else { return [] }
            state.tickedAt = state.head.revision
            return state.takeWaiters { _ in true }
        }
        for waiter in woken { waiter.resume() }
    }

    /// Ends the feed: whoever waits, or will, gets this error. False when it had ended before.
    @discardableResult
    func close(_ error: StoreError) -> Bool {
        let (isFirst, woken) = state.withLock { state in
            let isFirst = state.closed != .closed
            state.closed = error
            state.recent.removeAll()
            state.decoded = DecodedStretches()
            return (isFirst, state.takeWaiters { _ in true })
        }
        for waiter in woken { waiter.resume(throwing: error) }
        return isFirst
    }

    /// What follows the position, up to about Limits.feedBatchBytes, or all of it where it is known that nothing of it
    /// is wanted; nil when the oldest of it isn't here any more.
    ///
    /// - Parameter rewinds: how many there had been when the position was made sure of.
    /// - Throws: ``StoreError/forked(lastCommon:)`` where the position was undone since.
    func stretch(
        after position: Position, since rewinds: Int = 0, _ filter: ChangeFilter
    ) throws(StoreError) -> Stretch? {
        switch state.withLock({ $0.find(after: position, since: rewinds, filter) }) {
        case .closed(let error): throw error
        case .older: return nil
        case .stretch(let stretch): return stretch
        case .records(let records):
            var stretch = Stretch(after: position)
            for record in records { try stretch.add(record, filter) }
            state.withLock { $0.decoded.keep(stretch, filter) }
            return stretch
        }
    }

    /// Returns when something of these kinds was committed after `revision`, or after a tick.
    func wait(after revision: Revision, for kinds: RecordKinds) async throws {
        let number = state.withLock { state in
            state.nextWaiter += 1
            return state.nextWaiter
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer: Result<Void, any Error>? = state.withLock { state in
                    if let closed = state.closed { return .failure(closed) }
                    if state.head.revision > revision, state.kinds.mayHave(kinds, after: revision) {
                        return .success(())
                    }
                    if Task.isCancelled { return .failure(CancellationError()) }
                    state.waiters[kinds, default: [:]][number] = continuation
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { $0.waiters[kinds]?.removeValue(forKey: number) }
            waiter?.resume(throwing: CancellationError())
        }
    }

    var hasWaiters: Bool { state.withLock { $0.waiters.values.contains { !$0.isEmpty } } }

    var isClosed: Bool { state.withLock { $0.closed != nil } }
}

extension Tail.State {
    enum Found {
        case closed(StoreError)
        case older
        case stretch(Stretch)
        case records([LogRecord])
    }

    fileprivate func find(after position: Position, since rewinds: Int, _ filter: ChangeFilter) -> Found {
        if let closed { return .closed(closed) }
        let undone = self.rewinds.dropFirst(rewinds).min { $0.revision < $1.revision }
        if let undone, undone.revision < position.revision { return .closed(.forked(lastCommon: undone)) }
        if position.revision >= head.revision { return .stretch(Stretch(after: position)) }
        if !kinds.mayHave(filter.kinds, after: position.revision) {
            return .stretch(Stretch(after: position, until: head))
        }
        guard let first = recent.first, first.revision.rawValue <= position.revision.rawValue + 1 else { return .older }
        // Only now: what left the memory may have left the log, too, and readers are told so.
        if let stretch = decoded.find(after: position, filter) { return .stretch(stretch) }
        var found: [LogRecord] = []
        var sum = 0
        for record in recent[Int(position.revision.rawValue + 1 - first.revision.rawValue)...] {
            sum += record.footprint
            if !found.isEmpty, sum > Limits.feedBatchBytes { break }
            found.append(record)
        }
        return .records(found)
    }

    fileprivate mutating func takeWaiters(where isConcerned: (RecordKinds) -> Bool) -> [Tail.Waiter] {
        guard !waiters.isEmpty else { return [] }
        var taken: [Tail.Waiter] = []
        for (kinds, waiting) in waiters where isConcerned(kinds) {
            taken.append(contentsOf: waiting.values)
            waiters[kinds] = nil
        }
        return taken
    }
}

/// The last revision of each kind, since a revision from which on all are known.
private struct KindRevisions {
    private let since: Revision
    /// By the bit of the kind.
    private var last: [64 of Revision]

    init(since: Revision) {
        self.since = since
        last = .init(repeating: .absent)
    }

    mutating func note(_ kinds: RecordKinds, at revision: Revision) {
        var rest = kinds.rawValue
        while rest != 0 {
            last[rest.trailingZeroBitCount] = revision
            rest &= rest - 1
        }
    }

    /// False when nothing of these kinds came after the revision.
    func mayHave(_ kinds: RecordKinds, after revision: Revision) -> Bool {
        guard revision >= since else { return true }
        var rest = kinds.rawValue
        while rest != 0 {
            if last[rest.trailingZeroBitCount] > revision { return true }
            rest &= rest - 1
        }
        return false
    }
}

/// What the feed's memory holds at the moment.
package struct FeedMemory: Sendable, Hashable {
    package let records: Int
    /// At most Limits.feedCacheBytes.
    package let bytes: Int
    /// Of the records that are also kept decoded: at most Limits.feedBatchBytes, or one stretch.
    package let decodedBytes: Int
    package let waiters: Int
}

extension Metastore {
    /// What the feed's memory holds at the moment.
    package var feedMemory: FeedMemory { tail.memory }
}

extension Tail {
    fileprivate var memory: FeedMemory {
        state.withLock { state in
            FeedMemory(
                records: state.recent.count, bytes: state.recentBytes, decodedBytes: state.decoded.bytes,
                waiters: state.waiters.values.reduce(0) { $0 + $1.count })
        }
    }
}

extension LogRecord {
    /// About how much memory it takes.
    var footprint: Int { body.count + actor.utf8.count + Self.headerFootprint }

    /// Of a record without its body.
    static let headerFootprint = 200
}
