public import Metastore
public import MetastoreModel
internal import Synchronization

/// Clocks that stand still until they are told, and randomness that a failing run can make again.
public final class ManualTime: Sendable {
    private struct State {
        var now = Timestamp(microseconds: 1_700_000_000_000_000)
        var monotonic = Duration.seconds(1_000)
        var random: Seeded
    }

    private let state: Mutex<State>

    public init(seed: UInt64 = Seeded.seed) {
        state = Mutex(State(random: Seeded(seed)))
    }

    public var now: Timestamp {
        get { state.withLock { $0.now } }
        set { state.withLock { $0.now = newValue } }
    }

    public var monotonic: Duration {
        get { state.withLock { $0.monotonic } }
        set { state.withLock { $0.monotonic = newValue } }
    }

    /// Both clocks go on.
    public func advance(_ duration: Duration) {
        state.withLock { state in
            state.now = state.now + duration
            state.monotonic += duration
        }
    }

    /// What a store is opened with.
    public var source: TimeSource {
        TimeSource(
            now: { self.now }, monotonic: { self.monotonic },
            random: { self.state.withLock { $0.random.next() } })
    }
}
