internal import Metastore
internal import MetastoreModel

/// What the agents see of the store, in one snapshot.
struct ClusterView: Sendable {
    /// A trial's stay on its slots.
    struct Run: Sendable {
        let allocation: ID<Allocation>
        let isRunning: Bool
    }

    let simulation: Simulation
    let runs: [RequestID: Run]
    /// Containers that were assigned and not yet started.
    let assigned: [Container]

    /// Whether rows and snapshot agree on who runs.
    var isSettled: Bool {
        let running = simulation.state.trials.filter { _, trial in
            if case .running = trial.phase { true } else { false }
        }
        return Set(running.keys) == Set(runs.keys) && runs.values.allSatisfy(\.isRunning)
    }

    /// Reads it.
    static func read(_ context: ExperimentContext) async throws -> ClusterView {
        let (snapshot, runs, assigned) = try await context.store.read { tx in
            let snapshot = try tx.snapshots.get(context.experiment, upTo: Int64(SimulationState.version))
            var runs: [RequestID: Run] = [:]
            var assigned: [Container] = []
            for allocation in try tx.allocations.unfinished() {
                guard let id = try tx.tasks.get(allocation.task).trial else { continue }
                let trial = try tx.trials.get(id)
                guard trial.experiment == context.experiment else { continue }
                let containers = try tx.containers.list(of: allocation.id)
                assigned += containers.filter { $0.state == .assigned }
                runs[RequestID(trial.requestID)] = Run(
                    allocation: allocation.id, isRunning: containers.allSatisfy { $0.state == .running })
            }
            return (snapshot, runs, assigned)
        }
        return ClusterView(simulation: try context.simulation(snapshot), runs: runs, assigned: assigned)
    }
}
