// Invariants
// 1. A row that something in it no longer fits is set right in a revision of its own, by the salvage, with the old
//    values in the log: what the lost store had is never written over silently.
// 2. Nothing is made up: a reference to what is lost becomes null, what is computed from other rows is computed anew,
//    and what later rows prove to be over is over.

internal import MetastoreEngine
internal import MetastoreModel

extension WriteSession {
    /// How many rows one revision sets right.
    private static let corrections = 1_000

    /// Sets right what no longer fits.
    ///
    /// - Parameter isWhole: every row is there: only the log may be shorter than it was.
    /// - Returns: how many rows.
    func correct(isWhole: Bool) throws -> Int {
        var count = 0
        func keep<R: StoredRecord>(_ record: R, _ before: R) throws(StoreError) {
            guard record != before else { return }
            try update(record, from: before)
            count += 1
            if count.isMultiple(of: Self.corrections) {
                _ = try seal()
                begin(actor: actor)
            }
        }
        try correctConsumers(keep)
        if isWhole {
            _ = try seal()
            return count
        }
        try correctDocuments(keep, keep)
        try correctTrials(keep)
        let checkpoints: [Checkpoint] = try records(
            """
            WHERE workload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM workloads WHERE workloads.id = \
            checkpoints.workload AND workloads.trial = checkpoints.trial AND workloads.kind = 3) ORDER BY number
            """)
        for checkpoint in checkpoints {
            var next = checkpoint
            next.workload = nil
            try keep(next, checkpoint)
        }
        let allocations: [Allocation] = try records(
            """
            WHERE state <= 7 AND EXISTS (SELECT 1 FROM tasks WHERE tasks.id = allocations.task \
            AND end_time IS NOT NULL) ORDER BY id
            """)
        for allocation in allocations {
            var next = allocation
            next.state = .terminated
            next.end = try find(ClusterTask.self, .integer(allocation.task.rawValue))?.end
            try keep(next, allocation)
        }
        try correctSlots(keep)
        let instances: [Instance] = try records(
            """
            WHERE spot_request IS NOT NULL AND NOT EXISTS (SELECT 1 FROM spot_requests \
            WHERE spot_requests.client_token = spot_request) ORDER BY client_token
            """)
        for instance in instances {
            var next = instance
            next.spotRequest = nil
            try keep(next, instance)
        }
        _ = try seal()
        return count
    }

    /// What may be without a document is without it once it is lost.
    private func correctDocuments(
        _ keepExperiment: (Experiment, Experiment) throws(StoreError) -> Void,
        _ keepWorkload: (Workload, Workload) throws(StoreError) -> Void
    ) throws {
        let experiments: [Experiment] = try records(
            """
            WHERE model_definition IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents \
            WHERE documents.hash = model_definition) ORDER BY id
            """)
        for experiment in experiments {
            var next = experiment
            next.modelDefinition = nil
            try keepExperiment(next, experiment)
        }
        let workloads: [Workload] = try records(
            """
            WHERE metrics_document IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents \
            WHERE documents.hash = metrics_document) ORDER BY id
            """)
        for workload in workloads {
            var next = workload
            next.metricsDocument = nil
            try keepWorkload(next, workload)
        }
    }

    private func correctTrials(_ keep: (Trial, Trial) throws(StoreError) -> Void) throws {
        let all = try self.all("SELECT id FROM trials ORDER BY id") { try $0.integer(0) }
        for id in all {
            guard let trial = try find(Trial.self, .integer(id)),
                let experiment = try find(Experiment.self, .integer(trial.experiment.rawValue))
            else { continue }
            var next = trial
            let reached = try first(
                """
                SELECT coalesce(max(CASE WHEN is_rolled_back = 0 AND state = 2 THEN total_batches END), 0), \
                coalesce(max(generation), 0), (SELECT coalesce(max(total_batches), 0) FROM checkpoints \
                WHERE checkpoints.trial = \(id) AND checkpoints.state = 2) FROM workloads WHERE trial = \(id)
                """
            ) { row in (batches: max(try row.integer(0), try row.integer(2)), generation: try row.integer(1)) }
            if let reached {
                next.totalBatches = max(next.totalBatches, reached.batches)
                next.generation = max(next.generation, reached.generation)
            }
            if !experiment.state.isBeingDeleted { try recomputeBest(&next) }
            if experiment.state.rawValue >= 7, next.state.rawValue <= 6 {
                next.state = .error
                next.end = experiment.end
            }
            try keep(next, trial)
        }
    }

    /// A slot whose container is gone, or lives elsewhere, is free.
    private func correctSlots(_ keep: (Slot, Slot) throws(StoreError) -> Void) throws {
        let held: [Slot] = try records("WHERE container IS NOT NULL ORDER BY agent, slot")
        for slot in held {
            guard let id = slot.container else { continue }
            if let container = try find(Container.self, .integer(id.rawValue)), container.state.rawValue <= 4,
                container.agent == slot.agent, container.slots.contains(Int64(slot.index))
            {
                continue
            }
            var next = slot
            next.container = nil
            try keep(next, slot)
        }
    }

    /// A consumer can't go on from where the log no longer is.
    private func correctConsumers(_ keep: (Consumer, Consumer) throws(StoreError) -> Void) throws {
        let (oldest, newest) = (head.compactedRevision.rawValue, head.revision.rawValue)
        let outside: [Consumer] = try records(
            """
            WHERE (is_expired = 0 AND position_revision < \(oldest)) OR position_revision > \(newest) ORDER BY name
            """)
        for consumer in outside {
            var next = consumer
            next.isExpired = true
            try keep(next, consumer)
        }
        try execute(
            """
            UPDATE consumers SET position_revision = \(oldest), \
            position_chain = \(Position.prefix(of: head.compactedChain)) \
            WHERE position_revision > \(newest)
            """)
    }
}
