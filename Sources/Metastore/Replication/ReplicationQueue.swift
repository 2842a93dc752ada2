// Invariant: those who wait stand in the order of their revisions, so that whoever one revision satisfies stands in
// front.

internal import DequeModule
internal import MetastoreModel

/// Writes that wait for one kind of durability.
struct ReplicationQueue {
    struct Waiter {
        let revision: Revision
        let number: UInt64
        let deadline: Duration
        /// Answered with what the write lacks; nil for nothing.
        let continuation: CheckedContinuation<String?, Never>
    }

    private var waiting: Deque<Waiter> = []

    var isEmpty: Bool { waiting.isEmpty }
    var all: [Waiter] { Array(waiting) }

    /// Writes are answered about in the order of their revisions: the place is near the end.
    mutating func add(_ waiter: Waiter) {
        var place = waiting.count
        while place > 0, waiting[place - 1].revision > waiter.revision { place -= 1 }
        waiting.insert(waiter, at: place)
    }

    mutating func take(through revision: Revision) -> [Waiter] {
        var taken: [Waiter] = []
        while let first = waiting.first, first.revision <= revision {
            taken.append(first)
            waiting.removeFirst()
        }
        return taken
    }

    mutating func take(_ number: UInt64) -> Waiter? {
        guard let place = waiting.firstIndex(where: { $0.number == number }) else { return nil }
        return waiting.remove(at: place)
    }

    mutating func takeLate(_ now: Duration) -> [Waiter] {
        let late = waiting.filter { $0.deadline <= now }
        if !late.isEmpty { waiting.removeAll { $0.deadline <= now } }
        return Array(late)
    }
}
