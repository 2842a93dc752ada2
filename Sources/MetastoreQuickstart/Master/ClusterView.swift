internal import Metastore
internal import MetastoreModel

/// What the agents see of the store, in one snapshot.
struct ClusterView: Sendable {
    /// A trial's stay on its slots.
    struct Run: Sendable {
        let allocation: ID<Allocation>
        /// The agents it is on, by number.
        let agents: Set<Int>
        let isRunning: Bool
    }

    let simulation: Simulation
    let runs: [RequestID: Run]
    /// Containers that were assigned and not yet started.
    let assigned: [Container]

    /// Whether rows and snapshot agree on who runs where: the scheduler has followed.
    var isSettled: Bool {
        var running = 0
        for (request, trial) in simulation.state.trials {
            guard case .running(_, let shares, _, _) = trial.phase else { continue }
            guard let run = runs[request], run.isRunning, run.agents == Set(shares.map(\.agent)) else {
                return false
            }
            running += 1
        }
        return running == runs.count
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
                    allocation: allocation.id,
                    agents: Set(containers.compactMap { AgentName.number(of: $0.agent) }),
                    isRunning: containers.allSatisfy { $0.state == .running })
            }
            return (snapshot, runs, assigned)
        }
        return ClusterView(simulation: try context.simulation(snapshot), runs: runs, assigned: assigned)
    }
}
