/// All that a simulated experiment has decided so far: its searcher, its live trials, its agents and its
/// clock.
///
/// A value, kept in the experiment's snapshot. See ``Simulation`` for how it moves on.
///
/// Invariant 1: its size is that of the live trials and the searcher's state, not of the history.
package struct SimulationState: Codable, Hashable, Sendable {
    /// The time of the last event taken.
    package internal(set) var now = VirtualTime.zero
    /// How many events were taken: two states of one run with the same count are equal.
    package internal(set) var eventCount = 0
    package internal(set) var searcher = SearcherState()
    package internal(set) var trials: [RequestID: SimulatedTrial] = [:]
    package internal(set) var agents: [SimulatedAgent]
    /// The best of the trials that ended.
    var bestEnded: BestTrial?
    package internal(set) var completedCount = 0
    package internal(set) var failedCount = 0
    /// How the experiment ended, if it did.
    package internal(set) var ending: ExperimentEnding?
    let seed: UInt64
    var tickets = 0

    init(_ plan: SimulationPlan) {
        seed = plan.seed
        agents = Array(repeating: SimulatedAgent(), count: plan.cluster.agents)
    }

    /// Whether this can be a state of that plan: seed, agents and lengths agree.
    func fits(_ plan: SimulationPlan) -> Bool {
        let used = trials.values.flatMap { trial -> [AgentShare] in
            if case .running(_, let shares, _, _) = trial.phase { shares } else { [] }
        }
        return seed == plan.seed && agents.count == plan.cluster.agents && searcher.fits(plan.search)
            && used.allSatisfy { agents.indices.contains($0.agent) }
    }

    /// The best validation of the experiment so far: by metric, then fewer batches, then request id.
    package func best(under plan: SearchPlan) -> BestTrial? {
        trials.compactMap { request, trial in BestTrial(request, trial) }
            .reduce(bestEnded) { BestTrial.better($0, $1, plan) }
    }
}

/// An agent, as the scheduler sees it.
package struct SimulatedAgent: Codable, Hashable, Sendable {
    /// How often it was lost.
    package internal(set) var losses = 0
    /// When it is back; nil while it is there.
    package internal(set) var returnsAt: VirtualTime?
}

/// Which trial was best, where.
package struct BestTrial: Codable, Hashable, Sendable {
    package let request: RequestID
    package let ordinal: Int
    package let metric: Double
    package let batches: Int

    init?(_ request: RequestID, _ trial: SimulatedTrial) {
        guard let best = trial.standing.best else { return nil }
        self.request = request
        ordinal = trial.ordinal
        metric = best.metric
        batches = best.batches
    }

    static func better(_ left: BestTrial?, _ right: BestTrial?, _ plan: SearchPlan) -> BestTrial? {
        guard let left, let right else { return left ?? right }
        if left.metric != right.metric { return plan.beats(left.metric, right.metric) ? left : right }
        return (left.batches, left.request) <= (right.batches, right.request) ? left : right
    }
}

/// How an experiment ends.
package enum ExperimentEnding: String, Codable, Hashable, Sendable {
    /// At least one trial did.
    case completed
    /// Every trial failed.
    case errored
}

extension SimulationState: SnapshotState {
    package static let kind = "simulation"
    package static let version = 1
}
