/// How far a trial's training has come: what a checkpoint brings back.
package struct Standing: Codable, Hashable, Sendable {
    /// The last completed step; 0 before the first.
    package internal(set) var step = 0
    package internal(set) var batches = 0
    /// After how many batches it was last validated, and last saved.
    package internal(set) var validated = 0
    package internal(set) var saved = 0
    /// The best finite validation so far.
    package internal(set) var best: Measurement?

    package init() {}
}

/// A validation's result.
package struct Measurement: Codable, Hashable, Sendable {
    package let metric: Double
    package let batches: Int
}

/// One live trial, as the scheduler sees it.
package struct SimulatedTrial: Codable, Hashable, Sendable {
    /// Its place in the search, from 0.
    package let ordinal: Int
    /// To how many batches the searcher last sent it; 0 until it did.
    package internal(set) var target = 0
    /// Whether the searcher asked it to end, which it does once it stands at its target, saved.
    package internal(set) var closing = false
    /// Counts the starts of its process, from 0.
    package internal(set) var generation = 0
    package internal(set) var restarts = 0
    package internal(set) var standing = Standing()
    /// Where it stood at its latest checkpoint.
    package internal(set) var checkpoint: Standing?
    package internal(set) var phase = Phase.idle

    init(ordinal: Int) { self.ordinal = ordinal }

    /// Where a trial is.
    package enum Phase: Codable, Hashable, Sendable {
        /// Nothing to do, no slots.
        case idle
        /// Waits for slots.
        case waiting(ticket: Int)
        /// Works, on these agents, since then.
        case running(kind: WorkloadKind, agents: [AgentShare], since: VirtualTime, ticket: Int)
    }

    /// What it does next to stand at its target, validated and saved; nil when it does. A validation comes
    /// before the checkpoint of the same step, so that what was validated is what is kept.
    package func nextKind(under plan: SimulationPlan) -> WorkloadKind? {
        let atTarget = standing.batches == target
        func due(_ last: Int, every period: Int) -> Bool {
            last < standing.batches && (atTarget || (period > 0 && standing.batches - last >= period))
        }
        if due(standing.validated, every: plan.minValidationPeriod) { return .validate }
        if due(standing.saved, every: plan.minCheckpointPeriod) { return .checkpoint }
        return standing.batches < target ? .runStep : nil
    }

    /// The workload it is doing, on its agents.
    func assignment(of request: RequestID, under plan: SimulationPlan) -> Assignment? {
        guard case .running(let kind, let agents, let since, _) = phase else { return nil }
        return assignment(of: request, kind: kind, on: agents, since: since, under: plan)
    }

    /// A workload it would do from where it stands.
    func assignment(
        of request: RequestID, kind: WorkloadKind, on agents: [AgentShare], since: VirtualTime,
        under plan: SimulationPlan
    ) -> Assignment {
        let isStep = kind == .runStep
        let end = isStep ? min(standing.batches + plan.schedulingUnit, target) : standing.batches
        let key = WorkloadKey(
            request: request, generation: generation, step: standing.step + (isStep ? 1 : 0), kind: kind)
        let seconds = plan.durationSeconds(of: key, batches: end - standing.batches)
        return Assignment(
            key: key, batches: standing.batches...end, agents: agents, start: since,
            end: kind == .terminate ? since : since.advanced(bySeconds: seconds))
    }
}
