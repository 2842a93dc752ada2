import MetastoreQuickstart
import Testing

/// A store made of arrays, which refuses what DOMAIN refuses, and a driver that may be killed.
struct Rows: Hashable {
    struct Trial: Hashable {
        var ordinal: Int
        var hyperparameters: Hyperparameters
        var generation = 0
        var ending: TrialEnding?
        /// Live and final workloads, as they were written.
        var workloads: [WorkloadKey: Workload] = [:]
    }

    struct Workload: Hashable {
        var batches: Int
        /// The bits of the metric: NaN equals NaN here.
        var metricBits: UInt64?
        var isCompleted = false
        var isRolledBack = false
    }

    var trials: [RequestID: Trial] = [:]
    var occupied: [Int: Int] = [:]
    var lost: Set<Int> = []
    var isOver = false
    var restartCount = 0

    /// Writes a decision, and records an issue for what a store would refuse.
    mutating func write(_ decision: Decision, metric: Double?, plan: SimulationPlan) {
        #expect(!isOver)
        switch decision {
        case .createTrial(let request, let ordinal, let hyperparameters, _):
            #expect(trials[request] == nil)
            trials[request] = Trial(ordinal: ordinal, hyperparameters: hyperparameters)
        case .start(let work):
            let trial = trials[work.key.request]
            #expect(
                trial?.ending == nil && trial?.generation == work.key.generation
                    && trial?.workloads[work.key] == nil)
            #expect(trial?.workloads.values.contains { !$0.isCompleted && !$0.isRolledBack } == false)
            if work.key.kind != .runStep { #expect(hasStep(work.key)) }
            let twin = trial?.workloads.contains {
                $0.key.step == work.key.step && $0.key.kind == work.key.kind && !$0.value.isRolledBack
            }
            #expect(twin == false, "one live workload per step and kind")
            #expect(work.agents.reduce(0) { $0 + $1.slots } == plan.slotsPerTrial)
            #expect(lost.isDisjoint(with: work.agents.map(\.agent)))
            trials[work.key.request]?.workloads[work.key] = Workload(batches: work.batches.upperBound)
        case .complete(let work):
            #expect(trials[work.key.request]?.workloads[work.key]?.isCompleted == false)
            trials[work.key.request]?.workloads[work.key]?.isCompleted = true
            if work.key.kind == .validate {
                trials[work.key.request]?.workloads[work.key]?.metricBits = metric?.bitPattern
            }
        case .fail(let work, _):
            trials[work.key.request]?.workloads[work.key]?.isCompleted = true
        case .restart(let request, let generation, _, let standing, _):
            restartCount += 1
            #expect(
                latestCheckpoint(request) == standing.step, "the store restarts from its latest checkpoint")
            trials[request]?.generation += 1
            #expect(trials[request]?.generation == generation)
            for (key, work) in trials[request]?.workloads ?? [:]
            where key.step > standing.step || !work.isCompleted {
                trials[request]?.workloads[key]?.isRolledBack = true
            }
        case .endTrial(let request, let ending, _):
            #expect(
                trials[request]?.workloads.values.contains { !$0.isCompleted && !$0.isRolledBack } == false)
            if ending == .completed {
                let steps = trials[request]?.workloads.filter { !$0.value.isRolledBack }.map(\.key.step)
                #expect(latestCheckpoint(request) == steps?.max(), "what a trial ends with is saved")
            }
            trials[request]?.ending = ending
        case .loseAgent(let agent, _, _): #expect(lost.insert(agent).inserted)
        case .regainAgent(let agent, _): #expect(lost.remove(agent) != nil)
        case .endExperiment:
            #expect(trials.values.allSatisfy { $0.ending != nil })
            isOver = true
        }
    }

    /// The best validation by the store's rule: live, completed, finite; ties by batches, then request id.
    func best(_ plan: SearchPlan) -> (request: RequestID, metric: Double, batches: Int)? {
        let all = trials.flatMap { request, trial in
            trial.workloads.values.compactMap { work -> (request: RequestID, metric: Double, batches: Int)? in
                guard let metric = work.metricBits.map({ Double(bitPattern: $0) }), metric.isFinite,
                    work.isCompleted, !work.isRolledBack
                else { return nil }
                return (request, metric, work.batches)
            }
        }
        return all.min { left, right in
            if left.metric != right.metric { return plan.beats(left.metric, right.metric) }
            return (left.batches, left.request) < (right.batches, right.request)
        }
    }

    private func hasStep(_ key: WorkloadKey) -> Bool {
        trials[key.request]?.workloads.contains {
            $0.key.step == key.step && $0.key.kind == .runStep && $0.value.isCompleted
                && !$0.value.isRolledBack
        } ?? false
    }

    private func latestCheckpoint(_ request: RequestID) -> Int {
        let steps = trials[request]?.workloads
            .filter { $0.key.kind == .checkpoint && $0.value.isCompleted && !$0.value.isRolledBack }
            .map(\.key.step)
        return steps?.max() ?? 0
    }
}

/// Drives a simulation to its end, writing to rows; `dies` says after which events the process is killed:
/// whatever isn't in the rows and the snapshot is gone then.
struct Drive {
    let plan: SimulationPlan
    var rows = Rows()
    var snapshot: String
    var events: [SimulationEvent] = []

    init(_ configuration: ExperimentConfiguration) {
        plan = SimulationPlan(configuration)
        let (simulation, decisions) = Simulation.begin(plan)
        for decision in decisions { rows.write(decision, metric: nil, plan: plan) }
        snapshot = simulation.state.snapshot()
    }

    mutating func run(
        dies: (Int) -> Bool = { _ in false }, metric: (RequestID, Int) -> Double
    ) throws {
        var simulation = try Simulation(resuming: SimulationState(snapshot: snapshot), plan)
        while let event = simulation.next {
            var value: Double?
            if case .workloadCompleted(let key, _) = event, key.kind == .validate {
                value = metric(key.request, simulation.assignment(key)?.batches.upperBound ?? -1)
            }
            var after = simulation
            let decisions = try after.apply(event, metric: value)
            #expect(events.last.map { $0.time <= event.time } ?? true, "time never goes back")
            for decision in decisions { rows.write(decision, metric: value, plan: plan) }
            events.append(event)
            simulation = after
            if dies(events.count) {
                simulation = try Simulation(resuming: SimulationState(snapshot: after.state.snapshot()), plan)
            }
        }
        snapshot = simulation.state.snapshot()
        #expect(simulation.state.ending != nil && simulation.state.eventCount == events.count)
        checkBest(simulation.state)
    }

    private func checkBest(_ state: SimulationState) {
        let best = state.best(under: plan.search)
        let expected = rows.best(plan.search)
        #expect(best?.request == expected?.request && best?.metric == expected?.metric)
        #expect(best?.batches == expected?.batches, "the machine and the rows agree on the best")
    }
}
