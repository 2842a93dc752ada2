internal import Metrics

/// What an archiver tells the embedder's metrics system, if one was bootstrapped.
struct ArchiverMetrics: Sendable {
    private let revisions = Gauge(label: "metastore_archive_lag_revisions")
    private let bytes = Gauge(label: "metastore_archive_lag_bytes")
    private let seconds = Gauge(label: "metastore_archive_lag_seconds")
    private let alarm = Gauge(label: "metastore_archive_alarm")
    private let segments = Metrics.Counter(label: "metastore_archive_segments_total")
    private let retries = Metrics.Counter(label: "metastore_archive_retries_total")

    func lag(_ lag: ArchiveLag) {
        revisions.record(lag.revisions)
        bytes.record(lag.bytes)
        seconds.record(lag.age / .seconds(1))
    }

    /// 1 while nothing is archived for good, 0 otherwise.
    func alarm(_ isRaised: Bool) { alarm.record(isRaised ? 1 : 0) }
    func archived() { segments.increment() }
    func retried() { retries.increment() }
}
