internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Workload {
    /// The workload.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Workload>) throws(StoreError) -> Workload {
        guard let found = try session.find(Workload.self, .integer(id.rawValue)) else {
            throw .notFound(path: "workload \(id)")
        }
        return found
    }

    /// The workload under its unique key, or nil.
    public func find(
        _ trial: ID<Trial>, step: Int64, kind: WorkloadKind, generation: Int64
    ) throws(StoreError) -> Workload? {
        let key: [Value] = [trial.sqlValue, .integer(step), .integer(Int64(kind.rawValue)), .integer(generation)]
        return try session.first(SQL(trusted: Workload.byKeyText, values: key)) { try Workload(row: $0) }
    }

    /// A trial's workloads, rolled back ones included, by step, kind and generation.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        of trial: ID<Trial>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) throws(StoreError) -> Page<Workload> {
        let key = try cursor?.key(for: "workloads", count: 3)
        return try session.page("workloads", limit: limit) { (workload: Workload) in
            [.integer(workload.step), .integer(Int64(workload.kind.rawValue)), .integer(workload.generation)]
        } fetch: { (count) throws(StoreError) -> [Workload] in
            var rest: SQL = "WHERE trial = \(trial)"
            if let key { rest += " AND (step, kind, generation) > (\(key[0]), \(key[1]), \(key[2]))" }
            return try session.records(rest + " ORDER BY step, kind, generation LIMIT \(count)", most: count)
        }
    }

    /// The metrics of a workload, wherever they are kept; nil when it has none.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func metrics(_ id: ID<Workload>) throws(StoreError) -> Metrics? {
        let workload = try get(id)
        guard let hash = workload.metricsDocument else { return workload.metrics }
        return try session.metrics(hash)
    }

    /// The live COMPLETED validations of some trials, by trial and total batches: the curves to draw.
    ///
    /// - Parameter trials: at most 1,000.
    public func series(of trials: [ID<Trial>]) throws(StoreError) -> [MetricPoint] {
        guard trials.count <= Limits.pageLimit else {
            throw .invalid(field: "trials", reason: "a series covers at most \(Limits.pageLimit) trials")
        }
        var points: [MetricPoint] = []
        for trial in trials {
            points += try session.all(
                """
                SELECT id, total_batches, searcher_metric FROM workloads WHERE trial = \(trial) AND kind = 2 \
                AND state = 2 AND is_rolled_back = 0 ORDER BY total_batches, id
                """
            ) { row in
                MetricPoint(
                    trial: trial, workload: ID(rawValue: try row.integer(0)), totalBatches: try row.integer(1),
                    metric: row.isNull(2) ? nil : try row.real(2))
            }
        }
        return points
    }
}

/// One point of a trial's curve.
public struct MetricPoint: Sendable, Hashable {
    /// The trial whose curve it is on.
    public let trial: ID<Trial>
    /// The validation that measured it.
    public let workload: ID<Workload>
    /// How far the trial had come, in batches.
    public let totalBatches: Int64
    /// The searcher metric; nil when it wasn't a finite number.
    public let metric: Double?
}

extension AsyncRepository where Element == Workload {
    /// The workload.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Workload>) async throws -> Workload {
        try await store.readOnce { try Repository<Workload, Reading>($0).get(id) }
    }

    /// A trial's workloads, rolled back ones included, by step, kind and generation.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        of trial: ID<Trial>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) async throws -> Page<Workload> {
        try await store.read { try $0.workloads.list(of: trial, after: cursor, limit: limit) }
    }

    /// The live COMPLETED validations of some trials, by trial and total batches.
    public func series(of trials: [ID<Trial>]) async throws -> [MetricPoint] {
        try await store.read { try $0.workloads.series(of: trials) }
    }
}
