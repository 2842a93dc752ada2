package import FoundationEssentials

/// What an agent is asked to do, in the store's words.
package enum WorkloadKind: String, Hashable, Sendable, Codable {
    case runStep = "RUN_STEP"
    case validate = "COMPUTE_VALIDATION_METRICS"
    case checkpoint = "CHECKPOINT_MODEL"
    case terminate = "TERMINATE"
}

/// Which workload: the key under which it is stored, reported and, if need be, reported again.
package struct WorkloadKey: Hashable, Sendable, Codable {
    package let request: RequestID
    package let generation: Int
    /// From 1; a validation and a checkpoint carry the number of the step they follow.
    package let step: Int
    package let kind: WorkloadKind

    package init(request: RequestID, generation: Int, step: Int, kind: WorkloadKind) {
        self.request = request
        self.generation = generation
        self.step = step
        self.kind = kind
    }

    /// The UUID of the checkpoint this workload makes: the same, however often it is made.
    package func checkpointID(seed: UInt64) -> UUID {
        .derived(Randomness(seed: seed, "checkpoint", .request(request), .number(generation), .number(step)))
    }
}

/// The part of a trial that runs on one agent.
package struct AgentShare: Hashable, Sendable, Codable {
    /// From 0.
    package let agent: Int
    package let slots: Int

    package init(agent: Int, slots: Int) {
        self.agent = agent
        self.slots = slots
    }
}

/// A workload on its agents.
package struct Assignment: Hashable, Sendable {
    package let key: WorkloadKey
    /// How many batches the trial has seen when it begins, and when it ends: the same but for `RUN_STEP`.
    package let batches: ClosedRange<Int>
    package let agents: [AgentShare]
    package let start: VirtualTime
    /// When it ends, if no agent is lost before.
    package let end: VirtualTime
}
