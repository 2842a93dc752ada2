public import FoundationEssentials
internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Checkpoint {
    /// The checkpoint.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ uuid: UUID) throws(StoreError) -> Checkpoint {
        guard let found = try find(uuid) else { throw .notFound(path: "checkpoint \(uuid.uuidString.lowercased())") }
        return found
    }

    /// The checkpoint, or nil.
    public func find(_ uuid: UUID) throws(StoreError) -> Checkpoint? {
        try session.record("WHERE uuid = \(uuid)")
    }

    /// The trial's latest COMPLETED checkpoint (by total batches, then report), or nil: where a restart goes on.
    public func latest(of trial: ID<Trial>) throws(StoreError) -> Checkpoint? {
        try session.record(
            "WHERE trial = \(trial) AND state = 2 ORDER BY total_batches DESC, number DESC LIMIT 1")
    }

    /// A trial's checkpoints, by total batches, then report.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        of trial: ID<Trial>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) throws(StoreError) -> Page<Checkpoint> {
        let key = try cursor?.key(for: "trialcheckpoints", count: 2)
        return try session.page("trialcheckpoints", limit: limit) { (checkpoint: Checkpoint) in
            [.integer(checkpoint.totalBatches), .integer(checkpoint.number)]
        } fetch: { (count) throws(StoreError) -> [Checkpoint] in
            var rest: SQL = "WHERE trial = \(trial)"
            if let key { rest += " AND (total_batches, number) > (\(key[0]), \(key[1]))" }
            return try session.records(rest + " ORDER BY total_batches, number LIMIT \(count)", most: count)
        }
    }

    /// An experiment's checkpoints, in the order they were reported.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        of experiment: ID<Experiment>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) throws(StoreError) -> Page<Checkpoint> {
        let key = try cursor?.key(for: "checkpoints", count: 1)
        return try session.page("checkpoints", limit: limit) { (checkpoint: Checkpoint) in
            [.integer(checkpoint.number)]
        } fetch: { (count) throws(StoreError) -> [Checkpoint] in
            var rest: SQL = "WHERE experiment = \(experiment)"
            if let key { rest += " AND number > \(key[0])" }
            return try session.records(rest + " ORDER BY number LIMIT \(count)", most: count)
        }
    }

    /// The experiment's checkpoints that its retention policy doesn't keep (DOMAIN 3.4), in the order they were
    /// reported. Agrees with `CheckpointRetention`, which is the same rule over plain values.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func collectable(_ id: ID<Experiment>) throws(StoreError) -> [Checkpoint] {
        let experiment = try Repository<Experiment, Reading>(session).get(id)
        let sign: Double = experiment.smallerIsBetter ? 1 : -1
        let policy = experiment.retention
        return try session.records(
            """
            WHERE experiment = \(id) AND (state = 4 OR number IN (SELECT number FROM (\
            SELECT number, uuid, is_pinned, is_live, best_order, latest_rank, \
            row_number() OVER (ORDER BY best_order IS NULL, best_order, total_batches, request_id, created_revision, \
            number) AS experiment_rank, \
            row_number() OVER (PARTITION BY trial ORDER BY best_order IS NULL, best_order, total_batches, \
            created_revision, number) AS trial_rank FROM (\
            SELECT checkpoints.number, checkpoints.uuid, checkpoints.is_pinned, checkpoints.trial, \
            checkpoints.total_batches, checkpoints.created_revision, trials.request_id, trials.state <= 6 AS is_live, \
            row_number() OVER (PARTITION BY checkpoints.trial ORDER BY checkpoints.total_batches DESC, \
            checkpoints.created_revision DESC, checkpoints.number DESC) AS latest_rank, \
            (SELECT min(workloads.searcher_metric * \(sign)) FROM workloads WHERE workloads.trial = checkpoints.trial \
            AND workloads.kind = 2 AND workloads.total_batches = checkpoints.total_batches AND workloads.state = 2 \
            AND workloads.is_rolled_back = 0) AS best_order \
            FROM checkpoints JOIN trials ON trials.id = checkpoints.trial \
            WHERE checkpoints.experiment = \(id) AND checkpoints.state = 2) AS completed) AS ranked \
            WHERE is_pinned = 0 AND latest_rank > \(policy.trialLatest) AND NOT (is_live AND latest_rank = 1) \
            AND (best_order IS NULL OR (experiment_rank > \(policy.experimentBest) \
            AND trial_rank > \(policy.trialBest))) \
            AND NOT EXISTS (SELECT 1 FROM trials AS warm WHERE warm.warm_start = ranked.uuid \
            AND warm.warm_start IS NOT NULL AND warm.state <= 6))) ORDER BY number
            """)
    }
}

extension AsyncRepository where Element == Checkpoint {
    /// The checkpoint.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ uuid: UUID) async throws -> Checkpoint {
        try await store.readOnce { try Repository<Checkpoint, Reading>($0).get(uuid) }
    }

    /// The trial's latest COMPLETED checkpoint, or nil.
    public func latest(of trial: ID<Trial>) async throws -> Checkpoint? {
        try await store.readOnce { try Repository<Checkpoint, Reading>($0).latest(of: trial) }
    }

    /// A trial's checkpoints, by total batches, then report.
    public func list(
        of trial: ID<Trial>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) async throws -> Page<Checkpoint> {
        try await store.read { try $0.checkpoints.list(of: trial, after: cursor, limit: limit) }
    }

    /// An experiment's checkpoints, in the order they were reported.
    public func list(
        of experiment: ID<Experiment>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) async throws -> Page<Checkpoint> {
        try await store.read { try $0.checkpoints.list(of: experiment, after: cursor, limit: limit) }
    }

    /// The experiment's checkpoints that its retention policy doesn't keep.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func collectable(_ experiment: ID<Experiment>) async throws -> [Checkpoint] {
        try await store.read { try $0.checkpoints.collectable(experiment) }
    }
}
