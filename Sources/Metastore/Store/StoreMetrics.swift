internal import Metrics

/// What a store tells the embedder's metrics system, if one was bootstrapped.
struct StoreMetrics {
    private let revisions = Metrics.Counter(label: "metastore_revisions_total")
    private let closures = Recorder(label: "metastore_batch_closures")
    private let commit = Metrics.Timer(label: "metastore_commit_duration")
    private let unknown = Metrics.Counter(label: "metastore_unknown_outcomes_total")

    /// A batch was committed.
    func committed(closures: Int, revisions: Int) {
        self.closures.record(closures)
        self.revisions.increment(by: revisions)
    }

    /// The COMMIT alone, its flush included.
    func commitTook(_ duration: Duration) { commit.record(duration: duration) }

    /// The outcome of a commit was unknown.
    func unknownOutcome() { unknown.increment() }
}
