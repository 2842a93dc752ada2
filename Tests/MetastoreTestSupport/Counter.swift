internal import Synchronization

/// Counts across threads.
public final class Counter: Sendable {
    private let number = Atomic(0)

    public init() {}

    public func count() { number.add(1, ordering: .sequentiallyConsistent) }
    public var value: Int { number.load(ordering: .sequentiallyConsistent) }
}
