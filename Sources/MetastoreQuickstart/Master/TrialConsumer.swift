internal import Metastore
internal import MetastoreModel

/// Ends what is STOPPING: a trial once its last allocation has given back its slots, the experiment once its
/// last trial has ended.
struct TrialConsumer: Sendable {
    static let name = "trials"

    let context: ExperimentContext

    /// Runs until it is cancelled.
    func run() async throws {
        for try await batch in context.store.changes(
            as: Self.name, of: .experiments, .trials, .allocations)
        {
            try await batch.commit { batch, tx in
                for change in batch.changes {
                    if let trial = try trial(of: change, tx) { try end(trial, tx) }
                }
                try endExperiment(tx)
            }
        }
    }

    private func trial(of change: Change, _ tx: borrowing Transaction) throws -> ID<Trial>? {
        switch change {
        case .trial(let found): return found.after?.id
        case .allocation(let found):
            guard let after = found.after, after.state.isTerminal else { return nil }
            return try tx.tasks.get(after.task).trial
        default: return nil
        }
    }

    private func end(_ id: ID<Trial>, _ tx: borrowing Transaction) throws {
        let state = try tx.trials.get(id).state
        guard state == .stoppingCompleted || state == .stoppingError else { return }
        let tasks = try tx.tasks.list(of: id)
        for task in tasks {
            let isLive = try tx.allocations.list(of: task.id).contains { !$0.state.isTerminal }
            guard !isLive else { return }
        }
        for task in tasks { try tx.tasks.end(task.id) }
        try tx.trials.transition(id, to: state == .stoppingCompleted ? .completed : .error)
    }

    private func endExperiment(_ tx: borrowing Transaction) throws {
        let state = try tx.experiments.get(context.experiment).state
        guard state == .stoppingCompleted || state == .stoppingError,
            try tx.trials.unfinished(context.experiment).isEmpty
        else { return }
        try tx.experiments.transition(
            context.experiment, to: state == .stoppingCompleted ? .completed : .error)
    }
}
