public import FoundationEssentials
internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Trial {
    /// The trial.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Trial>) throws(StoreError) -> Trial {
        guard let found = try session.find(Trial.self, .integer(id.rawValue)) else {
            throw .notFound(path: "trial \(id)")
        }
        return found
    }

    /// The experiment's trial with this request id, or nil.
    public func find(_ experiment: ID<Experiment>, requestID: UUID) throws(StoreError) -> Trial? {
        try session.record("WHERE experiment = \(experiment) AND request_id = \(requestID)")
    }

    /// Every trial of the experiment that hasn't ended, by id: what a master restores when it starts.
    public func unfinished(_ experiment: ID<Experiment>) throws(StoreError) -> [Trial] {
        try session.records("WHERE experiment = \(experiment) AND state <= 6 ORDER BY id")
    }

    /// An experiment's trials by best metric, in the experiment's direction; the earliest wins a tie (total batches,
    /// then request id), and those without a metric come last.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        of experiment: ID<Experiment>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) throws(StoreError) -> Page<Trial> {
        let key = try cursor?.key(for: "trials", count: 3)
        let smallerIsBetter = try Repository<Experiment, Reading>(session).get(experiment).smallerIsBetter
        return try session.page("trials", limit: limit) { (trial: Trial) in
            [
                trial.bestMetric.map { .real(smallerIsBetter ? $0 : -$0) } ?? .null,
                trial.bestTotalBatches.map { .integer($0) } ?? .null, .uuid(trial.requestID),
            ]
        } fetch: { (count) throws(StoreError) -> [Trial] in
            var found: [Trial] = []
            if key?[0] != .null {
                var ranked: SQL = "WHERE experiment = \(experiment) AND best_order IS NOT NULL"
                if let key {
                    ranked += " AND (best_order, best_total_batches, request_id) > (\(key[0]), \(key[1]), \(key[2]))"
                }
                found = try session.records(
                    ranked + " ORDER BY best_order, best_total_batches, request_id LIMIT \(count)")
            }
            guard found.count < count else { return found }
            var unranked: SQL = "WHERE experiment = \(experiment) AND best_order IS NULL AND best_total_batches IS NULL"
            if let key, key[0] == .null { unranked += " AND request_id > \(key[2])" }
            return try found + session.records(unranked + " ORDER BY request_id LIMIT \(count - found.count)")
        }
    }
}

extension Repository where Element == Trial, Access == Writing {
    /// Creates a trial, ACTIVE, under an experiment that hasn't ended.
    ///
    /// The request id is the searcher's idempotency key: the same request again answers with the trial that is there.
    /// - Throws: ``StoreError/refused(path:reason:)`` when the experiment has ended or the warm-start checkpoint isn't
    ///   COMPLETED or is being deleted; ``StoreError/exists(path:reason:)`` when the request id was used for
    ///   something else; ``StoreError/notFound(path:)``, ``StoreError/invalid(field:reason:)``.
    public func create(_ new: NewTrial) throws(StoreError) -> Trial {
        try validating { () throws(ModelError) in try new.hparams.validate(field: "hparams") }
        let experiment = try Repository<Experiment, Reading>(session).get(new.experiment)
        let requestID = new.requestID ?? .version7(writer.time, writer.randomness)
        if let existing = try find(new.experiment, requestID: requestID) {
            guard existing.hparams == new.hparams, existing.seed == new.seed, existing.warmStart == new.warmStart else {
                throw .exists(path: existing.recordKey.path, reason: "its request id was used for another request")
            }
            return existing
        }
        guard experiment.state.acceptsTrials else {
            throw .refused(
                path: experiment.recordKey.path, reason: "it is \(experiment.state.name) and takes no new trials.")
        }
        if let warmStart = new.warmStart {
            let checkpoint = try Repository<Checkpoint, Reading>(session).get(warmStart)
            guard checkpoint.state == .completed else {
                throw .refused(
                    path: checkpoint.recordKey.path,
                    reason: "it is \(checkpoint.state.name); a trial can only start from a COMPLETED checkpoint.")
            }
            try session.checkIsKept(checkpoint.experiment, for: checkpoint.recordKey.path)
        }
        return try writer.insert(
            Trial(
                id: ID(rawValue: writer.head.take(.trial)), experiment: new.experiment, requestID: requestID,
                state: .active, hparams: new.hparams, seed: new.seed, warmStart: new.warmStart, restarts: 0,
                generation: 0, totalBatches: 0, bestValidation: nil, latestValidation: nil, bestMetric: nil,
                bestTotalBatches: nil, lastActivity: nil, start: writer.time, end: nil, createdRevision: .absent,
                revision: .absent))
    }

    /// Makes the transition, if DOMAIN lists it; to the state it is in already, changes nothing.
    ///
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/notFound(path:)``, or what the
    ///   expectation says.
    @discardableResult
    public func transition(
        _ id: ID<Trial>, to state: TrialState, if expected: Expectation<TrialState> = .anything
    ) throws(StoreError) -> Trial {
        let current = try get(id)
        let path = current.recordKey.path
        try expected.check(path, current.revision, current.state)
        if try current.state.isNoChange(to: state, path: path) { return current }
        var next = current
        next.state = state
        if state.isTerminal { next.end = writer.time }
        return try writer.update(next, from: current)
    }

    /// Notes that the trial's process showed a sign of life. Not logged, and no new revision.
    public func touch(_ id: ID<Trial>) throws(StoreError) {
        let time = Value.timestamp(writer.time.microseconds)
        guard try writer.execute("UPDATE trials SET last_activity = \(time) WHERE id = \(id)") == 1 else {
            throw .notFound(path: "trial \(id)")
        }
    }
}

extension AsyncRepository where Element == Trial {
    /// The trial.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Trial>) async throws -> Trial {
        try await store.readOnce { try Repository<Trial, Reading>($0).get(id) }
    }

    /// The experiment's trial with this request id, or nil.
    public func find(_ experiment: ID<Experiment>, requestID: UUID) async throws -> Trial? {
        try await store.readOnce { try Repository<Trial, Reading>($0).find(experiment, requestID: requestID) }
    }

    /// Every trial of the experiment that hasn't ended, by id.
    public func unfinished(_ experiment: ID<Experiment>) async throws -> [Trial] {
        try await store.readOnce { try Repository<Trial, Reading>($0).unfinished(experiment) }
    }

    /// An experiment's trials by best metric; those without one come last.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        of experiment: ID<Experiment>, after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) async throws -> Page<Trial> {
        try await store.read { try $0.trials.list(of: experiment, after: cursor, limit: limit) }
    }
}
