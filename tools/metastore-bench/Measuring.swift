import Metastore
import MetastoreModel

/// What one measurement found.
struct Figures: Sendable {
    let operations: Int
    let duration: Duration
    /// Sorted.
    let latencies: [Duration]

    /// As one JSON object.
    func line(_ work: String, clients: Int) -> String {
        let seconds = duration / .seconds(1)
        var fields = ["\"work\": \"\(work)\"", "\"clients\": \(clients)", "\"operations\": \(operations)"]
        if seconds > 0 {
            fields.append("\"seconds\": \(rounded(seconds))")
            fields.append("\"per_second\": \(rounded(Double(operations) / seconds))")
        }
        if !latencies.isEmpty {
            fields.append("\"p50_us\": \(microseconds(0.5))")
            fields.append("\"p99_us\": \(microseconds(0.99))")
        }
        return "{" + fields.joined(separator: ", ") + "}"
    }

    private func microseconds(_ share: Double) -> Double {
        rounded(latencies[min(latencies.count - 1, Int(Double(latencies.count) * share))] / .microseconds(1))
    }

    private func rounded(_ number: Double) -> Double { (number * 100).rounded() / 100 }
}

/// Runs the work on some tasks until the time is over.
func measure(
    seconds: Double, clients: Int, _ work: @escaping @Sendable (Int, Int) async throws -> Void
) async throws -> Figures {
    let began = ContinuousClock.now
    let end = began + .seconds(seconds)
    let latencies = try await withThrowingTaskGroup(of: [Duration].self) { group in
        for client in 0..<clients {
            group.addTask {
                var latencies: [Duration] = []
                var number = 0
                var before = ContinuousClock.now
                while before < end {
                    try await work(client, number)
                    let after = ContinuousClock.now
                    latencies.append(after - before)
                    before = after
                    number += 1
                }
                return latencies
            }
        }
        return try await group.reduce(into: []) { $0 += $1 }
    }
    return Figures(
        operations: latencies.count, duration: ContinuousClock.now - began, latencies: latencies.sorted())
}

/// Runs the work on this thread until the time is over.
func measureBlocking(seconds: Double, _ work: (Int) throws -> Void) throws -> Figures {
    let began = ContinuousClock.now
    let end = began + .seconds(seconds)
    var number = 0
    while number % 64 != 0 || ContinuousClock.now < end {
        try work(number)
        number += 1
    }
    return Figures(operations: number, duration: ContinuousClock.now - began, latencies: [])
}

/// When each commit was answered.
actor Times {
    private var times: [ContinuousClock.Instant] = []
    private var waiting: [Int: CheckedContinuation<ContinuousClock.Instant, Never>] = [:]

    func append(_ time: ContinuousClock.Instant) {
        times.append(time)
        waiting.removeValue(forKey: times.count - 1)?.resume(returning: time)
    }

    func answered(_ index: Int) async -> ContinuousClock.Instant {
        if index < times.count { return times[index] }
        return await withCheckedContinuation { waiting[index] = $0 }
    }
}

/// 250 bytes of metrics.
func benchMetrics(_ number: Int) -> Metrics {
    [
        "training_loss": Double(number) * 0.001, "validation_loss": Double(number) * 0.0011, "accuracy": 0.987654321,
        "learning_rate": 0.0001234, "gradient_norm": 1.2345678, "samples_per_second": 12_345.678,
        "gpu_utilization": 0.97, "memory_bytes": 17_179_869_184, "epoch": Double(number / 100), "perplexity": 3.14159,
    ]
}

func makeTrial(_ store: Metastore) async throws -> ID<Trial> { try await makeTrials(store, count: 1)[0] }

/// The trials of the benchmark's experiment, made if they aren't there.
func makeTrials(_ store: Metastore, count: Int) async throws -> [ID<Trial>] {
    let existing = try await store.experiments.find(externalID: "bench-\(count)")
    let experiment: ID<Experiment>
    if let existing {
        experiment = existing.id
    } else {
        experiment = try await store.write { tx in
            let experiment = try tx.experiments.create(
                NewExperiment(
                    name: "bench", config: ["searcher": "single"], externalID: "bench-\(count)", startsActive: true))
            for number in 0..<count {
                _ = try tx.trials.create(
                    NewTrial(
                        experiment: experiment.id,
                        hparams: [
                            "learning_rate": .number(Double(number) * 0.001), "layers": 12, "hidden": 768,
                            "dropout": 0.1, "optimizer": "adamw", "schedule": "cosine", "warmup_steps": 1000,
                            "batch_size": 256, "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8,
                            "gradient_clipping": 1.0, "precision": "bf16", "activation": "gelu", "vocabulary": 50257,
                            "sequence_length": 1024,
                        ], seed: Int64(number)))
            }
            return experiment.id
        }
    }
    return try await store.read { snapshot in try snapshot.trials.unfinished(experiment).map(\.id) }
}
