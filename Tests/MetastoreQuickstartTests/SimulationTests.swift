import MetastoreQuickstart
import Testing

@Suite struct `A killed experiment` {
    @Test(arguments: Sample.searchers, 1..<31 as Range<UInt64>)
    func `ends as an undisturbed one`(_ searcher: String, _ seed: UInt64) throws {
        let configuration = try Sample.configuration(
            searcher: searcher, seed: seed,
            more: """
                min_checkpoint_period: \(seed % 3 * 10)
                min_validation_period: \(seed % 4 * 5)
                max_restarts: \(seed % 5 * 2)
                resources: {slots_per_trial: \(1 + seed % 2)}
                simulation: {agents: 3, slots_per_agent: 2, agent_loss_probability: 0.1}
                """)
        var undisturbed = Drive(configuration)
        try undisturbed.run(metric: metric)
        #expect(undisturbed.rows.isOver)

        var everywhere = Drive(configuration)
        try everywhere.run(dies: { _ in true }, metric: metric)
        #expect(everywhere.events == undisturbed.events, "seed \(seed)")
        #expect(
            everywhere.rows == undisturbed.rows && everywhere.snapshot == undisturbed.snapshot, "seed \(seed)"
        )

        var sometimes = Drive(configuration)
        var stream = Randomness(seed: seed, "kills")
        try sometimes.run(dies: { _ in stream.unit() < 0.1 }, metric: metric)
        #expect(
            sometimes.rows == undisturbed.rows && sometimes.snapshot == undisturbed.snapshot, "seed \(seed)")
    }

    @Test(arguments: ["blobs-random.yaml", "blobs-halving.yaml"])
    func `that really trains finds the same best trial`(_ name: String) throws {
        var text = try exampleText(name)
        text = text.replacing("batches: 400}", with: "batches: 40}").replacing(
            "batches: 800}", with: "batches: 32}"
        )
        .replacing("scheduling_unit: 50", with: "scheduling_unit: 5")
        let configuration = try ExperimentConfiguration(yaml: text)
        let plan = SimulationPlan(configuration)
        let data = TrainingData(seed: configuration.seed)
        func metric(_ processes: inout [RequestID: TrialProcess], _ request: RequestID, _ batches: Int)
            -> Double
        {
            let ordinal = (0..<plan.search.method.trials).first { plan.search.requestID($0) == request } ?? 0
            let fresh = TrialProcess(
                request, hyperparameters: plan.search.hyperparameters(of: ordinal),
                seed: plan.search.trainingSeed(of: request), data: data)
            let metrics = processes[request, default: fresh].validate(at: batches)
            return metrics.values[configuration.searcher.metric] ?? .nan
        }
        var undisturbed = Drive(configuration)
        var killed = Drive(configuration)
        var processes: [RequestID: TrialProcess] = [:]
        try undisturbed.run { metric(&processes, $0, $1) }
        var others: [RequestID: TrialProcess] = [:]
        try killed.run(
            dies: { count in
                if count % 7 == 0 { others = [:] }
                return count % 7 == 0
            }, metric: { metric(&others, $0, $1) })
        #expect(killed.rows == undisturbed.rows)
        let best = try #require(undisturbed.rows.best(plan.search))
        #expect(best.metric < 0.6, "\(best)")
        #expect(undisturbed.rows.restartCount > 0, "an example in which nothing goes wrong shows nothing")
    }
}

@Suite struct `A simulated cluster` {
    @Test func `takes events by time, then request id`() throws {
        var drive = Drive(
            try Sample.configuration(
                more: "simulation: {agents: 4, agent_loss_probability: 0, duration_spread: 0}"))
        try drive.run(metric: metric)
        let times = drive.events.map(\.time)
        #expect(times == times.sorted() && Set(times).count < times.count, "without spread there are ties")
        for (left, right) in zip(drive.events, drive.events.dropFirst()) where left.time == right.time {
            guard case .workloadCompleted(let a, _) = left, case .workloadCompleted(let b, _) = right else {
                continue
            }
            #expect(a.request < b.request)
        }
    }

    @Test func `does the same for the same seed and something else for another`() throws {
        var runs = [1, 1, 2].map { Drive((try? Sample.configuration(seed: $0))!) }
        for index in runs.indices { try runs[index].run(metric: metric) }
        #expect(runs[0].events == runs[1].events && runs[0].events != runs[2].events)
    }

    @Test func `without losses never restarts`() throws {
        var drive = Drive(try Sample.configuration(more: "simulation: {agent_loss_probability: 0}"))
        try drive.run(metric: metric)
        #expect(
            drive.rows.restartCount == 0 && drive.rows.trials.values.allSatisfy { $0.ending == .completed })
    }

    @Test(arguments: Sample.searchers) func `that always loses its agents fails every trial, and ends`(
        _ searcher: String
    ) throws {
        var drive = Drive(
            try Sample.configuration(
                searcher: searcher,
                more: "max_restarts: 2\nsimulation: {agents: 2, agent_loss_probability: 1}"))
        try drive.run(metric: metric)
        #expect(drive.rows.trials.values.allSatisfy { $0.ending == .errored })
        let state = try SimulationState(snapshot: drive.snapshot)
        #expect(state.ending == .errored && state.best(under: drive.plan.search) == nil)
    }

    @Test func `takes every trial on a lost agent back, and no other`() throws {
        var configuration = try Sample.configuration(
            searcher: "{name: random, metric: validation_loss, max_trials: 4, max_length: 400}",
            more: "simulation: {agents: 2, slots_per_agent: 2, agent_loss_probability: 0.2}")
        configuration.seed = 3
        var (simulation, _) = Simulation.begin(SimulationPlan(configuration))
        while let event = simulation.next {
            let before = simulation
            guard case .agentLost(let agent, _, _) = event else {
                _ = try simulation.apply(event, metric: 1)
                continue
            }
            let decisions = try simulation.apply(event)
            let restarted = decisions.compactMap {
                if case .restart(let request, _, _, _, _) = $0 { request } else { nil }
            }
            let there = before.state.trials.filter { _, trial in
                guard case .running(_, let agents, _, _) = trial.phase else { return false }
                return agents.contains { $0.agent == agent }
            }
            #expect(Set(restarted) == Set(there.keys) && restarted == restarted.sorted())
            return
        }
        Issue.record("no agent was lost")
    }

    @Test(arguments: [0, 10]) func `goes back no further than it must`(_ period: Int) throws {
        let configuration = try Sample.configuration(
            searcher: "{name: random, metric: validation_loss, max_trials: 8, max_length: 200}",
            more: "min_checkpoint_period: \(period)\nmax_restarts: 100")
        var (simulation, _) = Simulation.begin(SimulationPlan(configuration))
        var returns: [Int] = []
        while let event = simulation.next {
            let standings = simulation.state.trials.mapValues(\.standing.batches)
            for decision in try simulation.apply(event, metric: 1) {
                guard case .restart(let request, _, _, let from, _) = decision else { continue }
                returns.append(from.batches)
                let lost = try #require(standings[request]) - from.batches
                #expect(period == 0 || lost <= period, "a step that wasn't saved yet, and no more")
            }
        }
        #expect(returns.contains { $0 > 0 } == (period > 0), "\(returns)")
    }

    @Test func `spreads a large trial over whole agents`() throws {
        var drive = Drive(
            try Sample.configuration(
                more: "resources: {slots_per_trial: 4}\nsimulation: {agents: 3, slots_per_agent: 2}"))
        try drive.run(metric: metric)
        #expect(drive.rows.isOver)
    }

    @Test(arguments: [0, 5]) func `fails a trial that restarted too often, and only then`(_ allowed: Int)
        throws
    {
        for seed in 1..<20 as Range<UInt64> {
            var drive = Drive(try Sample.configuration(seed: seed, more: "max_restarts: \(allowed)"))
            try drive.run(metric: metric)
            for trial in drive.rows.trials.values {
                #expect(trial.generation <= allowed, "seed \(seed)")
                if trial.ending == .errored { #expect(trial.generation == allowed, "seed \(seed)") }
            }
        }
    }

    @Test func `refuses what isn't next, and changes nothing`() throws {
        var (simulation, _) = Simulation.begin(SimulationPlan(try Sample.configuration()))
        let event = try #require(simulation.next)
        let early = simulation
        _ = try simulation.apply(event)
        let before = simulation
        let next = simulation.next
        #expect(throws: SimulationError.notNext(expected: next, found: event)) { try simulation.apply(event) }
        #expect(simulation == before && simulation != early)
    }

    @Test func `wants the metric of a validation`() throws {
        var (simulation, _) = Simulation.begin(SimulationPlan(try Sample.configuration()))
        while let event = simulation.next {
            if case .workloadCompleted(let key, _) = event, key.kind == .validate {
                let before = simulation
                #expect(throws: SimulationError.metricMissing(key)) { try simulation.apply(event) }
                #expect(simulation == before)
                return
            }
            _ = try simulation.apply(event)
        }
    }

    @Test func `refuses the snapshot of another configuration`() throws {
        let state = Simulation.begin(SimulationPlan(try Sample.configuration())).0.state
        for other in [
            try Sample.configuration(seed: 2), try Sample.configuration(more: "simulation: {agents: 9}"),
            try Sample.configuration(searcher: Sample.searchers[3]),
        ] {
            #expect(throws: SimulationError.otherPlan) {
                try Simulation(resuming: state, SimulationPlan(other))
            }
        }
    }

    @Test func `has a state that doesn't grow with its history`() throws {
        var (simulation, _) = Simulation.begin(
            SimulationPlan(
                try Sample.configuration(
                    searcher:
                        "{name: random, metric: validation_loss, max_trials: 300, max_length: 10}"
                )))
        var longest = 0
        while let event = simulation.next {
            _ = try simulation.apply(event, metric: 1)
            longest = max(longest, simulation.state.snapshot().utf8.count)
        }
        #expect(longest < 12_000, "\(longest)")
    }

    @Test func `names work that may be computed ahead`() throws {
        var (simulation, _) = Simulation.begin(SimulationPlan(try Sample.configuration()))
        var seen: [WorkloadKey: ClosedRange<Int>] = [:]
        while let event = simulation.next {
            for work in simulation.assignments { seen[work.key] = work.batches }
            if case .workloadCompleted(let key, _) = event {
                #expect(
                    seen[key] == simulation.assignment(key)?.batches,
                    "what is completed was offered, as it was done")
            }
            _ = try simulation.apply(event, metric: 1)
        }
    }
}

@Suite struct `Chance in a simulation` {
    @Test func `is a pure function of request, step and generation`() throws {
        let plan = SimulationPlan(try Sample.configuration())
        func key(_ ordinal: Int, _ generation: Int, _ step: Int, _ kind: WorkloadKind = .runStep)
            -> WorkloadKey
        {
            .init(request: plan.search.requestID(ordinal), generation: generation, step: step, kind: kind)
        }
        func duration(_ key: WorkloadKey) -> Double { plan.durationSeconds(of: key, batches: 100) }
        #expect(duration(key(0, 0, 1)) == duration(key(0, 0, 1)))
        let all = [key(0, 0, 1), key(1, 0, 1), key(0, 1, 1), key(0, 0, 2)].map(duration)
        #expect(Set(all).count == 4 && all.allSatisfy { (4.0...6.0).contains($0) }, "\(all)")
        #expect(key(0, 0, 1).checkpointID(seed: 1) == key(0, 0, 1).checkpointID(seed: 1))
        #expect(key(0, 0, 1).checkpointID(seed: 1) != key(0, 1, 1).checkpointID(seed: 1))
    }

    @Test func `loses agents as often as it should, and only in steps`() throws {
        let plan = SimulationPlan(try Sample.configuration())
        let shares = [AgentShare(agent: 4, slots: 2), AgentShare(agent: 7, slots: 2)]
        var lost: [Int] = []
        for step in 0..<5000 {
            for kind: WorkloadKind in [.runStep, .validate, .checkpoint] {
                let key = WorkloadKey(
                    request: plan.search.requestID(0), generation: 0, step: step, kind: kind)
                guard let loss = plan.loss(during: key, on: shares) else { continue }
                #expect(kind == .runStep && (0..<1).contains(loss.share))
                lost.append(loss.agent)
            }
        }
        #expect((420...580).contains(lost.count) && (200...).contains(lost.count { $0 == 7 }))
        #expect(Set(lost) == [4, 7])
    }
}

@Suite struct `Placement of trials` {
    @Test func `takes the fullest agent with room`() {
        #expect(Placement.find(slots: 1, free: [4, 1, 2], slotsPerAgent: 4) == [.init(agent: 1, slots: 1)])
        #expect(Placement.find(slots: 2, free: [4, 1, 2], slotsPerAgent: 4) == [.init(agent: 2, slots: 2)])
        #expect(Placement.find(slots: 2, free: [2, nil, 2], slotsPerAgent: 4) == [.init(agent: 0, slots: 2)])
        #expect(Placement.find(slots: 3, free: [2, nil, 2], slotsPerAgent: 4) == nil)
    }

    @Test func `takes whole agents for what is larger than one`() {
        let found = Placement.find(slots: 8, free: [4, 3, nil, 4, 4], slotsPerAgent: 4)
        #expect(found == [.init(agent: 0, slots: 4), .init(agent: 3, slots: 4)])
        #expect(Placement.find(slots: 8, free: [4, 3, nil], slotsPerAgent: 4) == nil)
    }

    @Test func `goes by priority, then by who came first`() {
        let a = RequestID(seed: 1, ordinal: 0)
        let b = RequestID(seed: 1, ordinal: 1)
        let waiting = [
            Placement.Waiting(priority: 42, ticket: 1, request: a),
            .init(priority: 42, ticket: 0, request: b),
            .init(priority: 1, ticket: 9, request: a),
        ]
        #expect(waiting.sorted().map(\.ticket) == [9, 0, 1])
    }
}
