import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Reports are taken from a live trial's current generation only` {
    @Test(arguments: TestEngine.allCases)
    func `an older generation is stale, a newer one unknown`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.run(trial, step: 1)
                _ = try tx.trials.restart(trial.id)
                let path = trial.recordKey.path
                let stale = StoreError.staleGeneration(path: path, reported: 0, current: 1)
                #expect(refused { try tx.run(trial, step: 1) } == stale, "also what is stored already")
                #expect(refused { try tx.run(trial, step: 2) } == stale)
                #expect(refused { try tx.save(trial, step: 0) } == stale)
                guard case .invalid("generation", _) = refused({ try tx.run(trial, step: 2, generation: 2) }) else {
                    Issue.record("a generation that was never given is no generation")
                    return
                }
                #expect(try tx.run(trial, step: 1, generation: 1).generation == 1)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a terminal trial takes no more, and no trial begins under an ended experiment`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            for state in TrialState.allCases {
                try await store.write { tx in
                    let trial = try tx.aTrial()
                    let step = try tx.run(trial, step: 1)
                    if state == .canceled { try tx.trials.transition(trial.id, to: .stoppingCanceled) }
                    try tx.trials.transition(trial.id, to: state)
                    let first = refused { try tx.run(trial, step: 2) }
                    let second = refused { try tx.save(trial, step: 1) }
                    if state.isTerminal {
                        let refusal = StoreError.refused(
                            path: trial.recordKey.path, reason: "it is \(state.name) and takes no more reports.")
                        #expect(first == refusal && second == refusal)
                        #expect(try tx.run(trial, step: 1) == step, "a repetition is answered all the same")
                    } else {
                        #expect(first == nil && second == nil, "\(state)")
                    }
                }
            }
            try await store.write { tx in
                for route: [ExperimentState] in [
                    [.error], [.stoppingCompleted, .completed], [.stoppingKilled, .canceled],
                ] {
                    let experiment = try tx.anExperiment()
                    for state in route { try tx.experiments.transition(experiment.id, to: state) }
                    guard case .refused(experiment.recordKey.path, _) = refused({ try tx.aTrial(of: experiment) })
                    else {
                        Issue.record("\(route.last!) takes no trials")
                        return
                    }
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a validation or checkpoint needs its step's live COMPLETED run, of any generation`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                for kind in [WorkloadKind.computeValidationMetrics, .checkpointModel] {
                    let report = WorkloadReport(
                        trial: trial.id, generation: 0, step: 1, kind: kind, state: .active, totalBatches: 100)
                    guard case .refused(trial.recordKey.path, _) = refused({ try tx.workloads.report(report) }) else {
                        Issue.record("step 1 has not run")
                        return
                    }
                }
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: 0, step: 1, kind: .runStep, state: .active, totalBatches: 100))
                #expect(refused { try tx.validate(trial, step: 1, 1) } != nil, "it runs, but has not run")
                try tx.run(trial, step: 1)
                try tx.save(trial, step: 1)
                try tx.run(trial, step: 2)
                _ = try tx.trials.restart(trial.id)
                #expect(refused { try tx.validate(trial, step: 2, 1, generation: 1) } != nil, "it was rolled back")
                #expect(try tx.validate(trial, step: 1, 1, generation: 1).generation == 1)
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: 1, step: 9, kind: .terminate, totalBatches: 100))
            }
        }
    }

    /// Broke: a validation could be reported with other total batches than its step's; a rollback between the two then
    /// took the step and left its validation, and with it a best that was never trained.
    @Test(arguments: TestEngine.allCases)
    func `with the total batches of that run`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                let step = try tx.run(trial, step: 3)
                let report = WorkloadReport(
                    trial: trial.id, generation: 0, step: 3, kind: .computeValidationMetrics, totalBatches: 100,
                    metrics: ["validation_loss": 0])
                #expect(
                    refused { try tx.workloads.report(report) }
                        == .reportConflict(path: step.recordKey.path, field: "total batches"))
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `one live workload a step and kind, whatever the generation`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.run(trial, step: 1)
                try tx.save(trial, step: 1)
                try tx.run(trial, step: 2)
                let restart = try tx.trials.restart(trial.id)
                #expect(restart.rolledBack == 1 && restart.checkpoint?.totalBatches == 100)
                guard case .exists = refused({ try tx.run(trial, step: 1, generation: 1) }) else {
                    Issue.record("step 1 is live still")
                    return
                }
                try tx.run(trial, step: 2, generation: 1)
                #expect(try tx.workloads.list(of: trial.id).records.map(\.isRolledBack) == [false, true, false])
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a checkpoint's workload is a live CHECKPOINT_MODEL of its trial`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                let other = try tx.aTrial()
                let step = try tx.run(trial, step: 1)
                let work = try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: 0, step: 1, kind: .checkpointModel, state: .active,
                        totalBatches: 100))
                let cases: [(ID<Trial>, ID<Workload>, Int64, Bool)] = [
                    (trial.id, step.id, 100, false), (other.id, work.id, 100, false), (trial.id, work.id, 99, false),
                    (trial.id, work.id, 100, true), (trial.id, 99, 100, false),
                ]
                for (trial, workload, batches, isTaken) in cases {
                    let report = CheckpointReport(
                        uuid: UUID(), trial: trial, generation: 0, workload: workload, state: .active,
                        totalBatches: batches)
                    #expect((refused { try tx.checkpoints.report(report) } == nil) == isTaken)
                }
                #expect(refused { try tx.save(trial, step: 2) } != nil, "batches that were never run")
            }
        }
    }
}
