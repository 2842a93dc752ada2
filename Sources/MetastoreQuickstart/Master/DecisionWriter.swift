internal import Metastore
internal import MetastoreModel

/// Writes what the simulation decided, in the transaction of the event it decided on.
struct DecisionWriter: Sendable {
    let context: ExperimentContext
    /// The report that led to the decisions, if one did.
    var report: AgentReport?

    /// Where checkpoints say they are stored.
    static let storage = "checkpoints"

    /// Writes one decision.
    func write(_ decision: Decision, _ tx: borrowing Transaction) throws {
        switch decision {
        case .createTrial(let request, _, let hyperparameters, let seed):
            _ = try tx.trials.create(
                NewTrial(
                    experiment: context.experiment, requestID: request.uuid,
                    hparams: JSONObject(hyperparameters.mapValues(\.json)), seed: Int64(seed)))
        case .start(let assignment): try write(assignment, .active, tx)
        case .complete(let assignment): try write(assignment, .completed, tx)
        case .fail(let assignment, _): try write(assignment, .error, tx)
        case .restart(let request, let generation, let restarts, let standing, _):
            try restart(request, generation, restarts, standing, tx)
        case .endTrial(let request, let ending, _):
            try tx.trials.transition(
                try trial(request, tx).id, to: ending == .completed ? .stoppingCompleted : .stoppingError)
        case .loseAgent(let agent, _, _): try tx.agents.transition(AgentName.of(agent), to: .gone)
        case .regainAgent: break  // it registered again: that is how it was noticed
        case .endExperiment(let ending, _):
            try tx.experiments.transition(
                context.experiment, to: ending == .completed ? .stoppingCompleted : .stoppingError)
        }
    }

    /// Writes the state the decisions lead to, and how far the search is.
    func write(_ state: SimulationState, _ tx: borrowing Transaction) throws {
        try tx.snapshots.put(
            context.experiment, version: Int64(SimulationState.version),
            content: JSONObject(parsing: state.snapshot()))
        let progress = state.searcher.progress(under: context.plan.search)
        try tx.experiments.update(context.experiment, ExperimentEdit(progress: progress))
    }

    private func trial(_ request: RequestID, _ tx: borrowing Transaction) throws -> Trial {
        try context.trial(request, try tx.trials.find(context.experiment, requestID: request.uuid))
    }

    private func write(
        _ assignment: Assignment, _ state: WorkloadState, _ tx: borrowing Transaction
    ) throws {
        let key = assignment.key
        let trial = try trial(key.request, tx)
        let report = state == .completed && key == self.report?.key ? self.report : nil
        let workload = try tx.workloads.report(
            WorkloadReport(
                trial: trial.id, generation: Int64(key.generation), step: Int64(key.step),
                kind: key.kind.stored, state: state, totalBatches: Int64(assignment.batches.upperBound),
                metrics: report?.metrics))
        guard key.kind == .checkpoint else { return }
        let checkpoint: CheckpointState =
            switch state {
            case .active: .active
            case .completed: .completed
            case .error: .error
            }
        try tx.checkpoints.report(
            CheckpointReport(
                uuid: context.checkpointID(key), trial: trial.id, generation: Int64(key.generation),
                workload: workload.id, state: checkpoint,
                totalBatches: Int64(assignment.batches.upperBound), storageID: Self.storage,
                resources: report?.files ?? [:],
                metadata: ["framework": "metastore-quickstart", "format": .string(ModelCheckpoint.format)]))
    }

    private func restart(
        _ request: RequestID, _ generation: Int, _ restarts: Int, _ standing: Standing,
        _ tx: borrowing Transaction
    ) throws {
        let restart = try tx.trials.restart(try trial(request, tx).id)
        let batches = restart.checkpoint?.totalBatches ?? 0
        guard restart.trial.generation == generation, restart.trial.restarts == restarts,
            batches == standing.batches
        else {
            throw MasterError.rowsDisagree(
                "trial \(request) restarts at \(batches) batches in generation \(restart.trial.generation), "
                    + "its snapshot says \(standing.batches) and \(generation)")
        }
    }
}
