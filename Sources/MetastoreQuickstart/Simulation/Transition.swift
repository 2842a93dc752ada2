/// One event on its way through a simulation: collects what to write, and passes news between trials and
/// searcher until both are quiet.
struct Transition {
    var simulation: Simulation
    private var decisions: [Decision] = []
    private var operations: [SearcherOperation] = []

    init(_ simulation: Simulation) { self.simulation = simulation }

    private var plan: SimulationPlan { simulation.plan }
    private var now: VirtualTime { simulation.state.now }

    mutating func tell(_ event: SearcherEvent) {
        operations += simulation.state.searcher.apply(event, under: plan.search)
    }

    /// A workload is done: the trial stands further, the searcher hears of it, and the trial goes on.
    mutating func complete(_ assignment: Assignment, metric: Double?) {
        let request = assignment.key.request
        guard var trial = simulation.state.trials[request] else { return }
        decisions.append(.complete(assignment))
        switch assignment.key.kind {
        case .runStep:
            trial.standing.step = assignment.key.step
            trial.standing.batches = assignment.batches.upperBound
        case .validate:
            trial.standing.validated = trial.standing.batches
            trial.standing.best = better(trial.standing.best, metric, at: trial.standing.batches)
        case .checkpoint:
            trial.standing.saved = trial.standing.batches
            trial.checkpoint = trial.standing
        case .terminate: break
        }
        simulation.state.trials[request] = trial
        if assignment.key.kind == .validate, trial.standing.batches == trial.target {
            tell(.validationCompleted(request, metric: metric ?? .nan, batches: trial.standing.batches))
            drain()  // before it goes on: it may have been sent further
        }
        goOn(request)
    }

    /// An agent is back: there may be room now.
    mutating func regain(_ agent: Int, at time: VirtualTime) {
        simulation.state.agents[agent].returnsAt = nil
        decisions.append(.regainAgent(agent, at: time))
    }

    /// An agent is lost, and with it what it was doing (invariant 4 of ``Simulation``).
    mutating func lose(_ agent: Int, at time: VirtualTime) {
        simulation.state.agents[agent].losses += 1
        let absence = plan.absenceSeconds(of: agent, count: simulation.state.agents[agent].losses)
        let back = time.advanced(bySeconds: absence)
        simulation.state.agents[agent].returnsAt = back
        decisions.append(.loseAgent(agent, until: back, at: time))
        for (request, trial) in simulation.state.trials.sorted(by: { $0.key < $1.key }) {
            guard case .running(_, let agents, _, let ticket) = trial.phase,
                agents.contains(where: { $0.agent == agent })
            else { continue }
            restart(request, trial, ticket: ticket)
        }
    }

    /// Passes operations and news to and fro until there are none, fills free slots, and gives what to write.
    mutating func settle() -> [Decision] {
        drain()
        place()
        drain()
        return decisions
    }

    private mutating func restart(_ request: RequestID, _ trial: SimulatedTrial, ticket: Int) {
        var trial = trial
        trial.restarts += 1
        guard trial.restarts <= plan.maxRestarts else {
            if let assignment = trial.assignment(of: request, under: plan) {
                decisions.append(.fail(assignment, at: now))
            }
            return end(request, .errored)
        }
        trial.generation += 1
        trial.standing = trial.checkpoint ?? Standing()
        trial.phase = trial.nextKind(under: plan) == nil ? .idle : .waiting(ticket: ticket)
        simulation.state.trials[request] = trial
        decisions.append(
            .restart(
                request, generation: trial.generation, restarts: trial.restarts, from: trial.standing, at: now
            ))
        if trial.phase == .idle, trial.closing { end(request, .completed) }
    }

    /// The next workload of a trial that holds slots, or the end of its stay there.
    private mutating func goOn(_ request: RequestID) {
        guard let trial = simulation.state.trials[request],
            case .running(_, let agents, _, let ticket) = trial.phase
        else { return }
        if let kind = trial.nextKind(under: plan) { return start(request, kind, agents, ticket) }
        let last = trial.assignment(of: request, kind: .terminate, on: agents, since: now, under: plan)
        decisions += [.start(last), .complete(last)]
        simulation.state.trials[request]?.phase = .idle
        if trial.closing { end(request, .completed) }
    }

    private mutating func start(
        _ request: RequestID, _ kind: WorkloadKind, _ agents: [AgentShare], _ ticket: Int
    ) {
        let phase = SimulatedTrial.Phase.running(kind: kind, agents: agents, since: now, ticket: ticket)
        simulation.state.trials[request]?.phase = phase
        if let begun = simulation.state.trials[request]?.assignment(of: request, under: plan) {
            decisions.append(.start(begun))
        }
    }

    private mutating func end(_ request: RequestID, _ ending: TrialEnding) {
        guard let trial = simulation.state.trials.removeValue(forKey: request) else { return }
        simulation.state.bestEnded =
            BestTrial.better(simulation.state.bestEnded, BestTrial(request, trial), plan.search)
        decisions.append(.endTrial(request, ending, at: now))
        switch ending {
        case .completed:
            simulation.state.completedCount += 1
            tell(.trialClosed(request))
        case .errored:
            simulation.state.failedCount += 1
            tell(.trialExitedEarly(request, .errored))
        }
    }

    /// Does what the searcher asks for, and what it asks for in turn.
    private mutating func drain() {
        while !operations.isEmpty { perform(operations.removeFirst()) }
    }

    private mutating func perform(_ operation: SearcherOperation) {
        switch operation {
        case .create(let request, let ordinal, let hyperparameters):
            simulation.state.trials[request] = SimulatedTrial(ordinal: ordinal)
            decisions.append(
                .createTrial(
                    request, ordinal: ordinal, hyperparameters,
                    trainingSeed: plan.search.trainingSeed(of: request)))
            tell(.trialCreated(request))
        case .train(let request, let batches):
            simulation.state.trials[request]?.target = batches
            guard simulation.state.trials[request]?.phase == .idle else { return }
            let ticket = simulation.state.tickets
            simulation.state.tickets += 1
            simulation.state.trials[request]?.phase = .waiting(ticket: ticket)
        case .close(let request):
            simulation.state.trials[request]?.closing = true
            if simulation.state.trials[request]?.phase == .idle { end(request, .completed) }
        case .shutdown:
            let ending: ExperimentEnding = simulation.state.completedCount > 0 ? .completed : .errored
            simulation.state.ending = ending
            decisions.append(.endExperiment(ending, at: now))
        }
    }

    /// Gives free slots to those who wait, strictly in their order: one who doesn't fit holds up those
    /// behind, so that small trials can't keep a big one out for ever.
    private mutating func place() {
        let waiting = simulation.state.trials.compactMap { request, trial -> Placement.Waiting? in
            guard case .waiting(let ticket) = trial.phase else { return nil }
            return .init(priority: plan.priority, ticket: ticket, request: request)
        }
        guard !waiting.isEmpty else { return }
        var free = freeSlots()
        for next in waiting.sorted() {
            guard let trial = simulation.state.trials[next.request], let kind = trial.nextKind(under: plan),
                let agents = Placement.find(
                    slots: plan.slotsPerTrial, free: free, slotsPerAgent: plan.cluster.slotsPerAgent)
            else { return }
            for share in agents { free[share.agent] = (free[share.agent] ?? 0) - share.slots }
            start(next.request, kind, agents, next.ticket)
        }
    }

    private func freeSlots() -> [Int?] {
        var free = simulation.state.agents.map {
            $0.returnsAt == nil ? Optional(plan.cluster.slotsPerAgent) : nil
        }
        for trial in simulation.state.trials.values {
            guard case .running(_, let agents, _, _) = trial.phase else { continue }
            for share in agents { free[share.agent] = free[share.agent].map { $0 - share.slots } }
        }
        return free
    }

    private func better(_ best: Measurement?, _ metric: Double?, at batches: Int) -> Measurement? {
        guard let metric, metric.isFinite else { return best }
        if let best, !plan.search.beats(metric, best.metric) { return best }
        return Measurement(metric: metric, batches: batches)
    }
}
