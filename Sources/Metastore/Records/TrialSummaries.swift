internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Trial {
    /// What the trial's live COMPLETED workloads measured, summed up by the metric's name.
    ///
    /// Always right, what this transaction itself reported included. It is one look-up, but for a trial that the
    /// backfill after an upgrade hasn't come to: there the workloads are read.
    ///
    /// - Throws: ``StoreError/notFound(path:)``, ``StoreError/damaged(place:reason:)``.
    public func summary(_ id: ID<Trial>) throws(StoreError) -> MetricSummaries {
        try session.settleSummaries()
        let stored = try session.first(
            """
            SELECT content, state, backfills.trial, first_new_trial FROM backfills LEFT JOIN trial_summaries \
            ON trial_summaries.trial = \(id) WHERE name = 'metric-summaries'
            """
        ) { row -> MetricSummaries? in
            let isFilled =
                try row.integer(1) == Backfill.State.done.rawValue || id.rawValue <= row.integer(2)
                || id.rawValue >= row.integer(3)
            guard isFilled, !row.isNull(0) else { return nil }
            return try row.withBytes(0) { try MetricSummaries($0, of: id) }
        }
        guard let stored else { throw Backfill.missing }
        if let stored { return stored }
        if let computed = try session.computeSummaries(of: id) { return computed.summaries }
        _ = try get(id)
        return MetricSummaries()
    }
}

extension AsyncRepository where Element == Trial {
    /// What the trial's live COMPLETED workloads measured, summed up by the metric's name.
    ///
    /// - Throws: ``StoreError/notFound(path:)``, ``StoreError/damaged(place:reason:)``.
    public func summary(_ id: ID<Trial>) async throws -> MetricSummaries {
        try await store.read { try $0.trials.summary(id) }
    }
}

/// A trial's summaries, and the last workload in them.
struct TrialSummaries: Sendable, Equatable {
    var summaries = MetricSummaries()
    private(set) var through = WorkloadPlace(step: -1, kind: 0)

    /// Of no workload.
    init() {}

    init(_ summaries: MetricSummaries, through: WorkloadPlace) {
        self.summaries = summaries
        self.through = through
    }

    /// No workload is in them.
    var isEmpty: Bool { through.step < 0 }

    mutating func fold(_ metrics: Metrics, at place: WorkloadPlace) {
        summaries.fold(metrics, step: place.step)
        through = place
    }
}

extension Session {
    /// The stored row, whatever the backfill has to say of it.
    func storedSummaries(of trial: ID<Trial>) throws(StoreError) -> TrialSummaries? {
        try first(
            SQL(
                trusted: "SELECT through_step, through_kind, content FROM trial_summaries WHERE trial = \u{1}",
                values: [trial.sqlValue])
        ) { row in
            let place = WorkloadPlace(step: try row.integer(0), kind: try row.integer(1))
            return TrialSummaries(try row.withBytes(2) { try MetricSummaries($0, of: trial) }, through: place)
        }
    }

    /// The summaries as the rows of the trial's workloads make them; nil when none of them measured anything.
    func computeSummaries(of trial: ID<Trial>) throws(StoreError) -> TrialSummaries? {
        var computed: TrialSummaries?
        try forEach(
            """
            SELECT step, kind, metrics, metrics_document FROM workloads WHERE trial = \(trial) AND state = 2 \
            AND is_rolled_back = 0 AND (metrics IS NOT NULL OR metrics_document IS NOT NULL) ORDER BY step, kind
            """
        ) { row in
            guard let metrics = try self.metrics(row, 2, 3) else { return true }
            var next = computed ?? TrialSummaries()
            computed = nil
            next.fold(metrics, at: WorkloadPlace(step: try row.integer(0), kind: try row.integer(1)))
            computed = next
            return true
        }
        return computed
    }

    /// The metrics of a row of a workload, wherever they are kept; nil when it has none.
    func metrics(_ row: borrowing Row, _ inline: Int, _ document: Int) throws -> Metrics? {
        if !row.isNull(inline) { return Metrics(canonical: try row.text(inline)) }
        guard !row.isNull(document), let hash = DocumentHash(bytes: try row.bytes(document)) else { return nil }
        return try metrics(hash)
    }

    func metrics(_ hash: DocumentHash) throws(StoreError) -> Metrics {
        guard let document = try document(hash) else { throw .notFound(path: RecordKey.document(hash).path) }
        return Metrics(canonical: String(decoding: document.content, as: UTF8.self))
    }
}
