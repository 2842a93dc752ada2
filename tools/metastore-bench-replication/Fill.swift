import ArgumentParser
import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite

/// A store of experiments, trials and their workloads' metrics.
struct Fill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a store with so many workloads, and says where it stands.")

    @Option(help: "The database file.")
    var path: String

    @Option(help: "How many workloads; each has ten metrics.")
    var workloads = 100_000

    @Option(help: "How many workloads a commit has.")
    var batch = 1_000

    func run() async throws {
        var options = StoreOptions()
        options.actor = "bench"
        options.logRetentionBytes = 1 << 50
        let store = try await Metastore.open(.sqlite(path), options)
        let count = max(1, workloads / 1_000)
        let trials = try await store.write { tx in
            let experiment = try tx.experiments.create(
                NewExperiment(name: "bench", config: ["searcher": "grid"], startsActive: true))
            return try (0..<count).map { number in
                try tx.trials.create(
                    NewTrial(experiment: experiment.id, hparams: Values.hparams(number), seed: Int64(number))
                ).id
            }
        }
        var made = 0
        while made < workloads {
            let (first, end) = (made, min(made + batch, workloads))
            try await store.write { tx in
                for number in first..<end {
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trials[min(number / 1_000, count - 1)], generation: 0, step: Int64(number % 1_000),
                            kind: .runStep, totalBatches: Int64(number % 1_000), metrics: Values.metrics(number)))
                }
            }
            made = end
        }
        let cluster = try await store.info().cluster
        print("{\"cluster\":\"\(cluster.uuidString.lowercased())\",\"revision\":\(store.position.revision.rawValue)}")
        await store.close()
    }
}

extension Values {
    /// Digits that compress as badly as those of measured numbers.
    static func metrics(_ number: Int) -> Metrics {
        func digits(_ index: UInt64, _ count: Double) -> Double {
            var bits = (UInt64(number) &* 16 &+ index &+ 1) &* 0x9e37_79b9_7f4a_7c15
            bits = (bits ^ (bits >> 30)) &* 0xbf58_476d_1ce4_e5b9
            bits = (bits ^ (bits >> 27)) &* 0x94d0_49bb_1331_11eb
            return Double((bits ^ (bits >> 31)) % UInt64(count)) / count
        }
        return [
            "accuracy": digits(1, 1e7), "epoch": Double(number / 100), "gpu_utilization": digits(2, 1e4),
            "gradient_norm": 1 + digits(3, 1e7), "learning_rate": digits(4, 1e7), "memory_bytes": 17_179_869_184,
            "perplexity": 30 + digits(5, 1e7), "samples_per_second": 12_345 + digits(6, 1e3),
            "training_loss": 1 + digits(7, 1e8), "validation_loss": 1 + digits(8, 1e8),
        ]
    }
}
