internal import Metrics

/// What a follower tells the embedder's metrics system, if one was bootstrapped.
struct FollowerMetrics {
    private let lagRevisions = Gauge(label: "metastore_follower_lag_revisions")
    private let lagSeconds = Gauge(label: "metastore_follower_lag_seconds")
    private let stalled = Gauge(label: "metastore_follower_stalled")
    private let differing = Gauge(label: "metastore_follower_differing_kinds")
    private let revisions = Counter(label: "metastore_follower_revisions_total")
    private let failures = Counter(label: "metastore_follower_failures_total")

    func came(forward count: Int64) { revisions.increment(by: count) }

    func failed() { failures.increment() }

    func stands(behind revisions: Int64, for seconds: Double, isStalled: Bool) {
        lagRevisions.record(revisions)
        lagSeconds.record(seconds)
        stalled.record(isStalled ? 1 : 0)
    }

    func compared(differing kinds: Int) { differing.record(kinds) }
}
