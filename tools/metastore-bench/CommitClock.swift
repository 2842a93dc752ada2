import Metrics
import Synchronization

/// When each commit was done, as the store tells the metrics system of its embedder.
final class CommitClock: MetricsFactory, TimerHandler, Sendable {
    /// Bootstrapped once a process; stores opened from then on tell it.
    static let shared: CommitClock = {
        let clock = CommitClock()
        MetricsSystem.bootstrap(clock)
        return clock
    }()

    private let instants = Mutex<[ContinuousClock.Instant]>([])

    func begin() { instants.withLock { $0.removeAll(keepingCapacity: true) } }

    /// Since ``begin()``.
    var found: [ContinuousClock.Instant] { instants.withLock { $0 } }

    func recordNanoseconds(_ duration: Int64) { instants.withLock { $0.append(.now) } }

    func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        label == "metastore_commit_duration" ? self : NOOPMetricsHandler.instance
    }

    func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        NOOPMetricsHandler.instance
    }

    func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        NOOPMetricsHandler.instance
    }

    func destroyCounter(_ handler: any CounterHandler) {}
    func destroyRecorder(_ handler: any RecorderHandler) {}
    func destroyTimer(_ handler: any TimerHandler) {}
}
