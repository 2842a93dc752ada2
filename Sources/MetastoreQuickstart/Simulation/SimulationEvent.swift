/// What happens next in virtual time.
package enum SimulationEvent: Hashable, Sendable {
    /// A lost agent is back.
    case agentReturned(agent: Int, at: VirtualTime)
    /// A workload is done; a validation brings its metric (``Simulation/apply(_:metric:)``).
    case workloadCompleted(WorkloadKey, at: VirtualTime)
    /// An agent is lost, in the middle of this workload.
    case agentLost(agent: Int, during: WorkloadKey, at: VirtualTime)

    /// When.
    package var time: VirtualTime {
        switch self {
        case .agentReturned(_, let time), .workloadCompleted(_, let time), .agentLost(_, _, let time): time
        }
    }
}

/// What follows from an event: to be written to the store in this order, in one transaction with the state.
package enum Decision: Hashable, Sendable {
    /// A trial the searcher asked for. `trainingSeed` is not negative as an `Int64`.
    case createTrial(RequestID, ordinal: Int, Hyperparameters, trainingSeed: UInt64)
    /// A workload begins: an ACTIVE row.
    case start(Assignment)
    /// It is COMPLETED, with the metrics or files that were reported for it.
    case complete(Assignment)
    /// It ended in ERROR, and its trial will too.
    case fail(Assignment, at: VirtualTime)
    /// A trial goes on from its latest checkpoint, or from the start, in a new generation.
    case restart(RequestID, generation: Int, restarts: Int, from: Standing, at: VirtualTime)
    /// A trial is COMPLETED, or in ERROR.
    case endTrial(RequestID, TrialEnding, at: VirtualTime)
    /// An agent is GONE.
    case loseAgent(Int, until: VirtualTime, at: VirtualTime)
    /// An agent is ACTIVE again.
    case regainAgent(Int, at: VirtualTime)
    /// The experiment is over. Nothing follows.
    case endExperiment(ExperimentEnding, at: VirtualTime)
}

/// How a trial ends.
package enum TrialEnding: String, Hashable, Sendable {
    case completed
    case errored
}

/// Why an event wasn't taken. The state is as it was.
package enum SimulationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// It isn't what happens next; for instance it was taken before.
    case notNext(expected: SimulationEvent?, found: SimulationEvent)
    /// A validation came without its metric.
    case metricMissing(WorkloadKey)
    /// The state belongs to another configuration.
    case otherPlan

    package var description: String {
        switch self {
        case .notNext(let expected, let found):
            "the simulation expects \(expected.map { "\($0)" } ?? "nothing more"), not \(found)"
        case .metricMissing(let key):
            "the validation of step \(key.step) of trial \(key.request) has no searcher metric"
        case .otherPlan: "the snapshot belongs to another configuration: seed or agents differ"
        }
    }
}
