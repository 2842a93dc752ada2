/// Everything about a simulated experiment that never changes: a function of the configuration alone.
///
/// Invariant 1: what chance decides here — durations, losses, absences — is a pure function of the seed and
/// of (request id, step, generation) or (agent, how often it was lost before). No call changes what another
/// one answers.
package struct SimulationPlan: Hashable, Sendable {
    package let search: SearchPlan
    package let cluster: SimulationConfiguration
    package let slotsPerTrial: Int
    package let priority: Int
    package let schedulingUnit: Int
    package let minValidationPeriod: Int
    package let minCheckpointPeriod: Int
    package let maxRestarts: Int

    package init(_ configuration: ExperimentConfiguration) {
        search = SearchPlan(configuration)
        cluster = configuration.simulation
        slotsPerTrial = configuration.resources.slotsPerTrial
        priority = configuration.resources.priority
        schedulingUnit = configuration.schedulingUnit
        minValidationPeriod = configuration.minValidationPeriod
        minCheckpointPeriod = configuration.minCheckpointPeriod
        maxRestarts = configuration.maxRestarts
    }

    /// The seed everything hangs on.
    package var seed: UInt64 { search.seed }

    /// How long a workload takes that goes over so many batches, in seconds.
    package func durationSeconds(of key: WorkloadKey, batches: Int) -> Double {
        let plain =
            switch key.kind {
            case .runStep: cluster.batchSeconds * Double(batches)
            case .validate: cluster.batchSeconds * 10
            case .checkpoint: cluster.batchSeconds * 5
            case .terminate: 0.0
            }
        var stream = stream("duration", key)
        return plain * (1 + cluster.durationSpread * (2 * stream.unit() - 1))
    }

    /// Whether an agent is lost while it does this workload, which of the trial's agents, and after what
    /// share of the duration. Only steps lose agents.
    package func loss(during key: WorkloadKey, on agents: [AgentShare]) -> (agent: Int, share: Double)? {
        guard key.kind == .runStep, !agents.isEmpty else { return nil }
        var stream = stream("loss", key)
        guard stream.unit() < cluster.agentLossProbability else { return nil }
        let share = stream.unit()
        return (agents[stream.below(agents.count)].agent, share)
    }

    /// How long an agent stays away that is lost for the `count`-th time, in seconds.
    package func absenceSeconds(of agent: Int, count: Int) -> Double {
        var stream = Randomness(seed: seed, "absence", .number(agent), .number(count))
        return cluster.agentReturnSeconds * (0.5 + stream.unit())
    }

    private func stream(_ purpose: Randomness.Label, _ key: WorkloadKey) -> Randomness {
        Randomness(
            seed: seed, purpose, .request(key.request), .number(key.step), .number(key.generation),
            .text(key.kind.rawValue))
    }
}
