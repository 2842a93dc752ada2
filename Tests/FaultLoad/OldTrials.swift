public import Metastore
public import MetastoreEngine
internal import MetastoreModel

/// Trials of the time before summaries, in a store that was just upgraded: the backfill is still to come.
public struct OldTrials: Sendable {
    public let rows: Int64
    private let expected: [MetricSummaries]

    /// Makes the store. Of the trials the fourth takes many steps.
    ///
    /// - Parameter limit: so many rows a second the backfill may do.
    public init(at source: EngineSource, rowsPerSecond limit: Int64) async throws {
        let store = try await Metastore.open(source)
        rows = try await store.write { tx in
            let experiment = try tx.experiments.create(NewExperiment(name: "old", config: [:], startsActive: true))
            var rows: Int64 = 0
            for number in 0..<5 as Range<Int64> {
                let trial = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: [:]))
                let steps = number == 3 ? 2_000 : number * 200
                for step in 0..<steps {
                    let loss = step % 50 == 7 ? .nan : 1 / Double(step + number + 3)
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial.id, generation: 0, step: step, kind: .runStep, totalBatches: step * 100,
                            metrics: ["loss": loss, "step": Double(step)]))
                }
                rows += steps
            }
            return rows
        }
        var expected: [MetricSummaries] = []
        for trial in 1...5 as ClosedRange<Int64> {
            expected.append(try await store.trials.summary(ID(rawValue: trial)))
        }
        self.expected = expected
        await store.close()
        try source.forgetSummaries(rowsPerSecond: limit)
    }

    /// The trials whose summary isn't the one they had.
    public func differences(in store: Metastore) async throws -> [Int64] {
        var different: [Int64] = []
        for trial in 1...5 as ClosedRange<Int64>
        where try await store.trials.summary(ID(rawValue: trial)) != expected[Int(trial) - 1] {
            different.append(trial)
        }
        return different
    }
}
