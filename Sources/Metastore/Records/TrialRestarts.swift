// Invariants (DOMAIN 3.2)
// 1. A new run of a trial's process has a new generation; reports of older ones are refused from then on.
// 2. What lies beyond the checkpoint it goes on from is rolled back, and every ACTIVE workload: kept, never deleted.
// 3. Best, latest and the summaries are recomputed over what is still live, in the same transaction.

internal import MetastoreEngine
public import MetastoreModel

/// Where a restarted trial goes on.
public struct TrialRestart: Sendable, Hashable {
    /// The trial in its new generation.
    public let trial: Trial
    /// The checkpoint to load, or nil to begin from the start.
    public let checkpoint: Checkpoint?
    /// How many workloads were rolled back.
    public let rolledBack: Int
}

extension Repository where Element == Trial, Access == Writing {
    /// Starts the trial's process anew, from its latest COMPLETED checkpoint or from the start, in a new generation.
    ///
    /// For a trial that is ACTIVE (its process died), STOPPING_ERROR (the restart after an error) or PAUSED. Counts as
    /// one of its restarts unless it was PAUSED.
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/notFound(path:)``.
    public func restart(_ id: ID<Trial>) throws(StoreError) -> TrialRestart {
        let current = try get(id)
        if current.state != .active {
            _ = try current.state.isNoChange(to: .active, occasion: .restartOnly, path: current.recordKey.path)
        }
        return try rewind(current, restarts: current.restarts + (current.state == .paused ? 0 : 1))
    }

    /// Takes a terminal trial up again, like ``restart(_:)``, under an experiment that hasn't ended.
    ///
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/refused(path:reason:)``,
    ///   ``StoreError/notFound(path:)``.
    public func `continue`(_ id: ID<Trial>) throws(StoreError) -> TrialRestart {
        let current = try get(id)
        let path = current.recordKey.path
        guard current.state.isTerminal else {
            throw .transitionRefused(
                path: path, from: current.state.name, to: "ACTIVE by continue",
                allowed: current.state.allowed().map(\.name))
        }
        let experiment = try Repository<Experiment, Reading>(session).get(current.experiment)
        guard experiment.state.acceptsTrials else {
            throw .refused(path: path, reason: "its experiment is \(experiment.state.name); continue that first.")
        }
        return try rewind(current, restarts: current.restarts)
    }

    private func rewind(_ current: Trial, restarts: Int64) throws(StoreError) -> TrialRestart {
        let id = current.id
        let checkpoint = try Repository<Checkpoint, Reading>(session).latest(of: id)
        let point = checkpoint?.totalBatches ?? 0
        return try writer.atomically { () throws(StoreError) in
            let beyond: [Workload] = try session.records(
                """
                WHERE trial = \(id) AND is_rolled_back = 0 AND (total_batches > \(point) OR state = 1) \
                ORDER BY step, kind, generation
                """)
            for workload in beyond {
                var rolledBack = workload
                rolledBack.isRolledBack = true
                try writer.update(rolledBack, from: workload)
                writer.unsummarise(workload)
            }
            let unfinished: [Checkpoint] = try session.records(
                "WHERE trial = \(id) AND state = 1 ORDER BY total_batches, number")
            for lost in unfinished {
                var failed = lost
                failed.state = .error
                try writer.update(failed, from: lost)
            }
            var next = current
            next.state = .active
            next.end = nil
            next.restarts = restarts
            next.generation += 1
            next.totalBatches = point
            try writer.recomputeBest(&next)
            let trial = try writer.update(next, from: current)
            try writer.keepBestOrder(trial, before: current.bestMetric)
            return TrialRestart(trial: trial, checkpoint: checkpoint, rolledBack: beyond.count)
        }
    }
}

extension WriteSession {
    /// Best and latest validation over the live COMPLETED ones.
    func recomputeBest(_ trial: inout Trial) throws(StoreError) {
        let experiment = try Repository<Experiment, Reading>(self).get(trial.experiment)
        let live: SQL = "WHERE trial = \(trial.id) AND kind = 2 AND state = 2 AND is_rolled_back = 0"
        let best: Workload? = try record(
            experiment.smallerIsBetter
                ? live + " AND searcher_metric IS NOT NULL ORDER BY searcher_metric, total_batches, step LIMIT 1"
                : live + " AND searcher_metric IS NOT NULL ORDER BY searcher_metric DESC, total_batches, step LIMIT 1")
        trial.bestValidation = best?.id
        trial.bestMetric = best?.searcherMetric
        trial.bestTotalBatches = best?.totalBatches
        trial.latestValidation = try latestValidation(of: trial.id)
    }

    func latestValidation(of trial: ID<Trial>) throws(StoreError) -> ID<Workload>? {
        try first(
            """
            SELECT id FROM workloads WHERE trial = \(trial) AND kind = 2 AND state = 2 AND is_rolled_back = 0 \
            ORDER BY total_batches DESC, step DESC, id DESC LIMIT 1
            """
        ) { ID(rawValue: try $0.integer(0)) }
    }

    /// The derived column that the order by best metric goes by: smaller is always better there.
    func keepBestOrder(_ trial: Trial, before: Double?) throws(StoreError) {
        guard trial.bestMetric != before else { return }
        let experiment = try Repository<Experiment, Reading>(self).get(trial.experiment)
        let order = trial.bestMetric.map { experiment.smallerIsBetter ? $0 : 0 - $0 }
        try execute("UPDATE trials SET best_order = \(nullable: order) WHERE id = \(trial.id)")
    }

    /// Every trial that hasn't ended becomes ERROR: with the experiment, in its transaction.
    func failTrials(of experiment: ID<Experiment>) throws(StoreError) {
        let live: [Trial] = try records("WHERE experiment = \(experiment) AND state <= 6 ORDER BY id")
        for trial in live {
            var failed = trial
            failed.state = .error
            failed.end = time
            try update(failed, from: trial)
        }
    }
}
