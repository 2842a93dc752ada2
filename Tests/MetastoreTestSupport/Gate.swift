internal import Synchronization

/// Holds threads back until a test lets them go on.
package final class Gate: Sendable {
    private let isOpen = Atomic(false)
    private let waiting = Atomic(0)

    package init() {}

    /// Blocks the calling thread, at most half a minute.
    package func pass() {
        waiting.add(1, ordering: .sequentiallyConsistent)
        let end = ContinuousClock.now + .seconds(30)
        while !isOpen.load(ordering: .sequentiallyConsistent), ContinuousClock.now < end { pause(.microseconds(200)) }
    }

    package func open() { isOpen.store(true, ordering: .sequentiallyConsistent) }

    /// How many came to the gate so far.
    package var arrivals: Int { waiting.load(ordering: .sequentiallyConsistent) }
}
