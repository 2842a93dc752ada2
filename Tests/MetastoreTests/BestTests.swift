import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `The best validation is the best finite one by the experiment's direction` {
    @Test(arguments: TestEngine.allCases)
    func `NaN and the infinities never win, and neither does a validation that failed`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            for smaller in [true, false] {
                try await store.write { tx in
                    let experiment = try tx.anExperiment(smallerIsBetter: smaller)
                    let trial = try tx.aTrial(of: experiment)
                    for (step, metric) in [Double.nan, .infinity, -.infinity].enumerated() {
                        try tx.run(trial, step: Int64(step))
                        let stored = try tx.validate(trial, step: Int64(step), metric)
                        #expect(stored.searcherMetric == nil)
                        #expect(stored.metrics?["validation_loss"].map { $0.isNaN == metric.isNaN } == true)
                    }
                    try tx.run(trial, step: 7)
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial.id, generation: 0, step: 7, kind: .computeValidationMetrics, state: .error,
                            totalBatches: 700, metrics: ["validation_loss": smaller ? -1e9 : 1e9]))
                    try tx.run(trial, step: 8)
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial.id, generation: 0, step: 8, kind: .computeValidationMetrics,
                            totalBatches: 800, metrics: ["another": 1]))
                    #expect(try tx.trials.get(trial.id).bestValidation == nil)
                    #expect(try tx.experiments.bestTrial(experiment.id) == nil)
                    try tx.run(trial, step: 9)
                    let only = try tx.validate(trial, step: 9, smaller ? 1e308 : -1e308)
                    #expect(try tx.trials.get(trial.id).bestValidation == only.id)
                    #expect(try tx.experiments.bestTrial(experiment.id)?.id == trial.id)
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `negative zero is zero`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            for smaller in [true, false] {
                try await store.write { tx in
                    let experiment = try tx.anExperiment(smallerIsBetter: smaller)
                    let trials = try [0.0, -0.0].map { metric in
                        let trial = try tx.aTrial(of: experiment, request: UUID())
                        try tx.run(trial, step: 1)
                        #expect(try tx.validate(trial, step: 1, metric).searcherMetric?.sign == .plus)
                        return try tx.trials.get(trial.id)
                    }
                    let first = try #require(trials.min { $0.requestID.uuidString < $1.requestID.uuidString })
                    #expect(try tx.experiments.bestTrial(experiment.id)?.id == first.id, "a tie, by request id")
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the earliest wins a tie: total batches, then the request id, never time or row id`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let experiment = try tx.anExperiment()
                let ids = try ["ffffffff", "80000000", "7fffffff", "00000001"].map {
                    try #require(UUID(uuidString: "\($0)-0000-7000-8000-000000000000"))
                }
                for (index, id) in ids.enumerated() {
                    let trial = try tx.aTrial(of: experiment, request: id)
                    for step in 1...3 as ClosedRange<Int64> { try tx.run(trial, step: step) }
                    // The last two reach the same metric later than the first two.
                    try tx.validate(trial, step: 2, index < 2 ? 0.5 : 0.7)
                    try tx.validate(trial, step: 3, 0.5)
                    #expect(try tx.trials.get(trial.id).bestTotalBatches == (index < 2 ? 200 : 300))
                }
                #expect(try tx.experiments.bestTrial(experiment.id)?.requestID == ids[1])
                #expect(
                    try tx.trials.list(of: experiment.id).records.map(\.requestID) == [ids[1], ids[0], ids[3], ids[2]])
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `random histories agree with the rule over plain values`(_ engine: TestEngine) async throws {
        var random = Seeded("best")
        try await withStore(engine) { store in
            for round in 0..<Seeded.count(100, least: 4) {
                let smaller = round.isMultiple(of: 2)
                let metrics = (0..<6).map { _ in
                    (0..<5).map { _ in [0.25, 0.5, 0.75, .nan, -0.0].randomElement(using: &random)! }
                }
                let ids = metrics.map { _ in random.uuid() }
                let found = try await store.write { tx in
                    let experiment = try tx.anExperiment(smallerIsBetter: smaller)
                    for (id, metrics) in zip(ids, metrics) {
                        let trial = try tx.aTrial(of: experiment, request: id)
                        for (step, metric) in metrics.enumerated() {
                            try tx.run(trial, step: Int64(step))
                            try tx.validate(trial, step: Int64(step), metric)
                        }
                    }
                    return try tx.experiments.bestTrial(experiment.id)
                }
                let candidates = zip(ids, metrics).flatMap { id, metrics in
                    metrics.enumerated().compactMap { step, metric in
                        ValidationOrder.Candidate(
                            metric: metric, totalBatches: Int64(step) * 100, requestID: id, step: Int64(step))
                    }
                }
                let best = ValidationOrder(smallerIsBetter: smaller).best(of: candidates)
                #expect(found?.requestID == best?.requestID && found?.bestMetric == best?.metric)
                #expect(found?.bestTotalBatches == best?.totalBatches)
            }
        }
    }
}
