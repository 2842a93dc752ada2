import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `A restart goes on from the latest COMPLETED checkpoint` {
    @Test(arguments: TestEngine.allCases)
    func `and rolls back what lies beyond it and every ACTIVE workload, deleting nothing`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            let lost = UUID()
            let (trial, restart) = try await store.write { tx in
                let trial = try tx.aTrial()
                for step in 1...4 as ClosedRange<Int64> {
                    try tx.run(trial, step: step)
                    try tx.validate(trial, step: step, 1 / Double(step))
                }
                try tx.save(trial, step: 2)
                try tx.save(trial, step: 3, state: .error)
                try tx.save(trial, step: 4, uuid: lost, state: .active)
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: 0, step: 2, kind: .checkpointModel, state: .active,
                        totalBatches: 200))
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: 0, step: 5, kind: .runStep, state: .active, totalBatches: 500))
                return (trial, try tx.trials.restart(trial.id))
            }
            #expect(restart.checkpoint?.totalBatches == 200 && restart.rolledBack == 6)
            #expect(restart.trial.generation == 1 && restart.trial.totalBatches == 200 && restart.trial.restarts == 1)
            #expect(restart.trial.bestMetric == 0.5)
            let workloads = try await store.workloads.list(of: trial.id).records
            #expect(workloads.count == 10, "nothing is deleted")
            #expect(workloads.filter(\.isRolledBack).allSatisfy { $0.totalBatches > 200 || $0.state == .active })
            #expect(try await store.checkpoints.get(lost).state == .error)
            #expect(try await store.workloads.series(of: [trial.id]).map(\.totalBatches) == [100, 200])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `or from the start when there is none, as often as it takes`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                for generation in 0..<3 as Range<Int64> {
                    try tx.run(trial, step: 1, generation: generation)
                    try tx.validate(trial, step: 1, 1, generation: generation)
                    let restart = try tx.trials.restart(trial.id)
                    #expect(restart.checkpoint == nil && restart.rolledBack == 2)
                    #expect(restart.trial.totalBatches == 0 && restart.trial.bestValidation == nil)
                    #expect(restart.trial.latestValidation == nil && restart.trial.bestTotalBatches == nil)
                }
                #expect(try tx.experiments.bestTrial(trial.experiment) == nil)
                let last = try tx.trials.restart(trial.id)
                #expect(last.rolledBack == 0 && last.trial.generation == 4)
            }
        }
    }

    /// Broke elsewhere: "best validation" stayed what it was after a restart had rolled it back.
    @Test(arguments: TestEngine.allCases)
    func `and the best validation is the best of what is still live`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            for smaller in [true, false] {
                try await store.write { tx in
                    let experiment = try tx.anExperiment(smallerIsBetter: smaller)
                    let trial = try tx.aTrial(of: experiment)
                    let metrics: [Double] = smaller ? [0.5, 0.3, 0.1] : [0.5, 0.7, 0.9]
                    for (index, metric) in metrics.enumerated() {
                        try tx.run(trial, step: Int64(index) + 1)
                        try tx.validate(trial, step: Int64(index) + 1, metric)
                        if index == 1 { try tx.save(trial, step: 2) }
                    }
                    #expect(try tx.trials.get(trial.id).bestMetric == metrics[2])
                    let after = try tx.trials.restart(trial.id).trial
                    #expect(after.bestMetric == metrics[1] && after.bestTotalBatches == 200)
                    #expect(after.latestValidation == after.bestValidation)
                    #expect(try tx.experiments.bestTrial(experiment.id)?.bestMetric == metrics[1])
                    let worse = smaller ? 0.4 : 0.6
                    try tx.run(trial, step: 3, generation: 1)
                    let third = try tx.validate(trial, step: 3, worse, generation: 1)
                    let last = try tx.trials.get(trial.id)
                    #expect(last.bestMetric == metrics[1] && last.latestValidation == third.id)
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `continuing a terminal trial does the same, from what is left of its checkpoints`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            let (first, second) = (UUID(), UUID())
            try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.run(trial, step: 1)
                try tx.save(trial, step: 1, uuid: first)
                try tx.run(trial, step: 2)
                try tx.save(trial, step: 2, uuid: second)
                try tx.trials.transition(trial.id, to: .completed)
                try tx.checkpoints.delete(second)
                let again = try tx.trials.continue(trial.id)
                #expect(again.checkpoint?.uuid == first && again.rolledBack == 1)
                #expect(again.trial.totalBatches == 100 && again.trial.end == nil && again.trial.restarts == 0)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `all of it in one revision, and an update touches its own row only`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trials = try await store.write { tx in
                let experiment = try tx.anExperiment()
                return try (0..<5).map { _ in
                    let trial = try tx.aTrial(of: experiment)
                    try tx.run(trial, step: 1)
                    return try tx.trials.get(trial.id)
                }
            }
            let before = try await store.revision()
            _ = try await store.write { tx in try tx.trials.restart(trials[2].id) }
            _ = try await store.write { tx in try tx.trials.transition(trials[3].id, to: .paused) }
            let commits = try await store.commits(after: before)
            #expect(commits.count == 2)
            #expect(
                Set(commits[0].changes.map(\.key.path)) == [
                    trials[2].recordKey.path, "experiments/1/trials/\(trials[2].id)/workloads/3",
                ])
            #expect(commits[1].changes.map(\.key.path) == [trials[3].recordKey.path])
            for index in [0, 1, 4] { #expect(try await store.trials.get(trials[index].id) == trials[index]) }
        }
    }
}
