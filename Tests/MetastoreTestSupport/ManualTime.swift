package import Metastore
package import MetastoreModel
internal import Synchronization

/// Clocks that stand still until they are told, and randomness that a failing run can make again.
package final class ManualTime: Sendable {
    private struct State {
        var now = Timestamp(microseconds: 1_700_000_000_000_000)
        var monotonic = Duration.seconds(1_000)
        var random: Seeded
    }

    private let state: Mutex<State>

    package init(seed: UInt64 = Seeded.seed) {
        state = Mutex(State(random: Seeded(seed)))
    }

    package var now: Timestamp {
        get { state.withLock { $0.now } }
        set { state.withLock { $0.now = newValue } }
    }

    package var monotonic: Duration {
        get { state.withLock { $0.monotonic } }
        set { state.withLock { $0.monotonic = newValue } }
    }

    /// Both clocks go on.
    package func advance(_ duration: Duration) {
        state.withLock { state in
            state.now = state.now + duration
            state.monotonic += duration
        }
    }

    /// What a store is opened with.
    package var source: TimeSource {
        TimeSource(
            now: { self.now }, monotonic: { self.monotonic },
            random: { self.state.withLock { $0.random.next() } })
    }
}
