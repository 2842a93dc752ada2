internal import Synchronization

/// Counts across threads.
package final class Counter: Sendable {
    private let number = Atomic(0)

    package init() {}

    package func count() { number.add(1, ordering: .sequentiallyConsistent) }
    package var value: Int { number.load(ordering: .sequentiallyConsistent) }
}
