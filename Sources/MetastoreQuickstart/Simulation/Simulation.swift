/// The scheduler of a simulated experiment: a machine without I/O that says what happens next in virtual
/// time, and, told the outcome, what to write.
///
/// ```swift
/// var (simulation, decisions) = Simulation.begin(plan)      // or Simulation(resuming: state, plan)
/// while let event = simulation.next {
///     let metric = …                                         // run what the event completes
///     var after = simulation
///     let decisions = try after.apply(event, metric: metric)
///     …                                                      // one transaction: decisions, after.state
///     simulation = after
/// }
/// ```
///
/// **Why a killed run ends like an undisturbed one.** The next event is a function of (plan, state). What a
/// workload yields is a function of (seed, request id, batches). The state after an event is a function of
/// (state, event, metric), and is written in one transaction with everything the event decides. So the
/// committed history is at every moment a prefix of the one history that belongs to the configuration, and a
/// master that restores the state goes on with the very event the killed one would have taken. Work that was
/// under way is done again, and is the same.
///
/// Invariants
/// 1. Events are taken in the order of (virtual time, agents that return before all else, request id).
/// 2. Nothing that isn't in the state influences a decision: no clock, no order of real completion, no
///    dictionary order.
/// 3. A workload that an agent's loss will cut short is never completed, however fast it was computed:
///    results are reported when their event is due, not when they are ready. So no checkpoint of a lost
///    workload is ever stored.
/// 4. Losing an agent restarts every trial with a share on it, in order of request id: a new generation, back
///    to the latest checkpoint. A trial that did so more than `maxRestarts` times fails, and the searcher is
///    told.
/// 5. The searcher is told of a validation in the transaction that stores it. After a rollback the validation
///    is done again and the searcher told again, which changes nothing (``SearcherState``, invariant 2).
/// 6. A trial ends only when it stands at its target, validated and saved.
/// 7. While the experiment isn't over there is a next event: a trial that waits fits on the cluster when it
///    is empty, lost agents return, restarts are bounded.
package struct Simulation: Hashable, Sendable {
    package let plan: SimulationPlan
    package internal(set) var state: SimulationState

    /// The beginning of an experiment, and what to write for it.
    package static func begin(_ plan: SimulationPlan) -> (Simulation, [Decision]) {
        var simulation = Simulation(plan: plan, state: SimulationState(plan))
        var transition = Transition(simulation)
        transition.tell(.started)
        let decisions = transition.settle()
        simulation = transition.simulation
        return (simulation, decisions)
    }

    private init(plan: SimulationPlan, state: SimulationState) {
        self.plan = plan
        self.state = state
    }

    /// Goes on from a state that was committed.
    package init(resuming state: SimulationState, _ plan: SimulationPlan) throws(SimulationError) {
        guard state.fits(plan) else { throw .otherPlan }
        self.init(plan: plan, state: state)
    }

    /// What agents are working on, in order of request id: may be computed ahead and at the same time. Steps
    /// that lose their own agent are not among it; some of the rest may still be cut short by another trial's
    /// loss, so nothing may be stored of it before its event is due (invariant 3).
    package var assignments: [Assignment] {
        running.filter { plan.loss(during: $0.key, on: $0.agents) == nil }
    }

    /// The workload of an event, with its batches and agents, if it is under way.
    package func assignment(_ key: WorkloadKey) -> Assignment? {
        state.trials[key.request]?.assignment(of: key.request, under: plan).flatMap {
            $0.key == key ? $0 : nil
        }
    }

    /// What happens next; nil when the experiment is over.
    package var next: SimulationEvent? {
        guard state.ending == nil else { return nil }
        let back = state.agents.enumerated().compactMap { agent, found in found.returnsAt.map { ($0, agent) }
        }
        .min { $0 < $1 }
        let work = running.map { (event(of: $0), $0.key.request) }
            .min { ($0.0.time, $0.1) < ($1.0.time, $1.1) }?.0
        if let (time, agent) = back, time <= work?.time ?? time {
            return .agentReturned(agent: agent, at: time)
        }
        return work
    }

    /// Takes what ``next`` named, and says what to write. A validation comes with the value of the searcher's
    /// metric.
    ///
    /// - Throws: and changes nothing, if it is not what happens next.
    package mutating func apply(_ event: SimulationEvent, metric: Double? = nil) throws(SimulationError)
        -> [Decision]
    {
        guard event == next else { throw .notNext(expected: next, found: event) }
        var transition = Transition(self)
        transition.simulation.state.now = event.time
        transition.simulation.state.eventCount += 1
        switch event {
        case .agentReturned(let agent, let time): transition.regain(agent, at: time)
        case .agentLost(let agent, _, let time): transition.lose(agent, at: time)
        case .workloadCompleted(let key, _):
            guard let assignment = assignment(key) else { throw .notNext(expected: next, found: event) }
            if key.kind == .validate, metric == nil { throw .metricMissing(key) }
            transition.complete(assignment, metric: metric)
        }
        let decisions = transition.settle()
        self = transition.simulation
        return decisions
    }

    /// Every workload under way, in order of request id.
    private var running: [Assignment] {
        state.trials.sorted { $0.key < $1.key }.compactMap { $0.value.assignment(of: $0.key, under: plan) }
    }

    private func event(of assignment: Assignment) -> SimulationEvent {
        guard let loss = plan.loss(during: assignment.key, on: assignment.agents) else {
            return .workloadCompleted(assignment.key, at: assignment.end)
        }
        let duration = Double(assignment.end.microseconds - assignment.start.microseconds) / 1e6
        let time = min(assignment.end, assignment.start.advanced(bySeconds: duration * loss.share))
        return .agentLost(agent: loss.agent, during: assignment.key, at: time)
    }
}
