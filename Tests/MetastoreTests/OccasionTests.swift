import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Some transitions are made on their occasion only` {
    @Test(arguments: TestEngine.allCases)
    func `an experiment is restarted from STOPPING_ERROR`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let made = try tx.anExperiment()
                try tx.experiments.transition(made.id, to: .stoppingError)
                #expect(
                    refused { try tx.experiments.transition(made.id, to: .active) }
                        == .transitionRefused(
                            path: "experiments/1", from: "STOPPING_ERROR", to: "ACTIVE", allowed: ["ERROR"]))
                #expect(try tx.experiments.restart(made.id).state == .active)
                try tx.experiments.transition(made.id, to: .error)
                #expect(refused { try tx.experiments.restart(made.id) } != nil)
            }
        }
    }

    /// Broke: a refused `continue` said that nothing at all was allowed from the state.
    @Test(arguments: TestEngine.allCases)
    func `an experiment is continued from every terminal state, without end and progress`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            for route: [ExperimentState] in [
                [.error], [.stoppingCompleted, .completed], [.stoppingKilled, .canceled],
            ] {
                try await store.write { tx in
                    let made = try tx.anExperiment()
                    #expect(
                        refused { try tx.experiments.continue(made.id) }
                            == .transitionRefused(
                                path: made.recordKey.path, from: "ACTIVE", to: "PAUSED by continue",
                                allowed: ExperimentState.active.allowed().map(\.name)))
                    try tx.experiments.update(made.id, ExperimentEdit(progress: 1))
                    for state in route { try tx.experiments.transition(made.id, to: state) }
                    #expect(refused { try tx.experiments.transition(made.id, to: .paused) } != nil)
                    #expect(try tx.experiments.get(made.id).end == tx.time)
                    let again = try tx.experiments.continue(made.id)
                    #expect(again.state == .paused && again.end == nil && again.progress == nil)
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a trial is restarted or continued, each from its own states`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let experiment = try tx.anExperiment()
                for (state, restarts) in [(TrialState.active, 1), (.paused, 0), (.stoppingError, 1)] {
                    let trial = try tx.aTrial(of: experiment)
                    try tx.trials.transition(trial.id, to: state)
                    let again = try tx.trials.restart(trial.id).trial
                    #expect(again.state == .active && again.generation == 1 && again.restarts == Int64(restarts))
                    let isRefused = refused { _ = try tx.trials.continue(trial.id) }
                    guard case .transitionRefused(_, "ACTIVE", "ACTIVE by continue", let allowed) = isRefused else {
                        Issue.record("a live trial can't be continued: \(String(describing: isRefused))")
                        return
                    }
                    #expect(allowed == TrialState.active.allowed().map(\.name))
                }
                for state in [TrialState.stoppingCanceled, .stoppingKilled, .stoppingCompleted, .completed, .error] {
                    let trial = try tx.aTrial(of: experiment)
                    try tx.trials.transition(trial.id, to: state)
                    #expect(refused { _ = try tx.trials.restart(trial.id) } != nil, "\(state)")
                    guard state.isTerminal else { continue }
                    let again = try tx.trials.continue(trial.id).trial
                    #expect(again.state == .active && again.generation == 1 && again.restarts == 0 && again.end == nil)
                }
                for trial in try tx.trials.unfinished(experiment.id) { try tx.trials.transition(trial.id, to: .error) }
                try tx.experiments.transition(experiment.id, to: .error)
                guard case .refused = refused({ _ = try tx.trials.continue(1) }) else {
                    Issue.record("its experiment has ended")
                    return
                }
                try tx.experiments.continue(experiment.id)
                #expect(try tx.trials.continue(1).trial.state == .active)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an agent becomes ACTIVE again by registering, with the slots it has now`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let agent = try tx.aPool(slots: 2)
                for state in [AgentState.draining, .gone] {
                    try tx.agents.transition(agent.id, to: state)
                    #expect(refused { try tx.agents.transition(agent.id, to: .active) } != nil)
                    #expect(try tx.slots.free(in: "gpu").isEmpty)
                    let again = try tx.agents.register(
                        NewAgent(id: agent.id, pool: "gpu", slots: [NewSlot(index: 1), NewSlot(index: 5)]))
                    #expect(again.state == .active && again.createdRevision == agent.createdRevision)
                    #expect(try tx.slots.free(in: "gpu").map(\.index) == [1, 5])
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an experiment is deleted by deleting it, never by a transition`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let made = try tx.anExperiment()
                try tx.experiments.transition(made.id, to: .error)
                for state in [ExperimentState.deleting, .deleteFailed] {
                    #expect(refused { try tx.experiments.transition(made.id, to: state) } != nil)
                }
                #expect(refused { try tx.experiments.failDeletion(made.id) } != nil)
            }
        }
    }
}
