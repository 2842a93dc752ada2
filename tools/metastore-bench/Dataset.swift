import ArgumentParser
import FoundationEssentials
import Metastore
import MetastoreModel

/// What a store holds before it is measured. A new store gives ids from 1, so every id follows from the counts.
///
/// 1. Experiment 1 has `points` trials, each with one validation: point reads, and the best validation.
/// 2. Experiment 2 has trials for writers, one a client, that have no workloads yet.
/// 3. Experiment 3 has trials to load workloads into.
/// 4. Experiment 4 has 20 trials whose workloads were reported in turn, as those of a cluster at work, and their
///    checkpoints.
/// 5. As many experiments more as make `experiments` together, each with a configuration of its own.
struct Dataset: Sendable {
    let scale: Double
    let experiments: Int
    let points: Int
    let loaders: Int
    /// Of each of the 20 trials of experiment 4.
    let workloads: Int

    static let writers = 1_024
    static let trialsInTurn = 20
    static let workloadsPerLoader = 1_000

    /// - Parameters:
    ///   - scale: 1 for what the rows say; less to try something out.
    ///   - loads: how many workloads are to be loaded at most.
    init(scale: Double, loads: Int = 1_000_000) {
        self.scale = scale
        experiments = max(200, Int(10_000 * scale))
        points = max(100, Int(10_000 * scale))
        workloads = max(20, Int(1_000 * scale))
        loaders = max(1, Int(Double(loads) * scale) / Self.workloadsPerLoader)
    }

    static let pointed: ID<Experiment> = 1
    var firstPoint: Int64 { 1 }
    var firstWriter: Int64 { firstPoint + Int64(points) }
    var firstLoader: Int64 { firstWriter + Int64(Self.writers) }
    /// The trial whose workloads are listed.
    var listed: Int64 { firstLoader + Int64(loaders) + 7 }
    var tenth: Int { experiments / 10 }
    /// The deep page is the one after this experiment: nine tenths of all stand before it.
    var beforeDeepPage: Int64 { Int64(experiments - 9 * tenth) + 1 }

    func point(_ number: Int) -> ID<Trial> { ID(rawValue: firstPoint + Int64(number &* 7_919 % points)) }
    func writer(_ client: Int) -> ID<Trial> { ID(rawValue: firstWriter + Int64(client)) }
    func loader(_ number: Int) -> ID<Trial> { ID(rawValue: firstLoader + Int64(number)) }

    /// Puts it into a store that has nothing yet; does nothing where it is already.
    func fill(_ store: Metastore) async throws {
        let first = try await store.experiments.list(limit: 1).records.first
        if let first {
            guard first.id.rawValue == Int64(experiments) else {
                throw ValidationError(
                    "this store was not filled for --scale \(scale), or isn't one of metastore-bench. Take a new one.")
            }
            return
        }
        for (index, trials) in [points, Self.writers, loaders, Self.trialsInTurn].enumerated() {
            let experiment = ID<Experiment>(rawValue: Int64(index + 1))
            let id = try await store.write { tx in
                try tx.experiments.create(
                    NewExperiment(name: "bench-\(index)", config: try Values.config(index), startsActive: true)
                ).id
            }
            guard id == experiment else { throw ValidationError("this store isn't new") }
            for start in stride(from: 0, to: trials, by: 1_000) {
                try await store.write { tx in
                    for number in start..<min(start + 1_000, trials) {
                        _ = try tx.trials.create(
                            NewTrial(
                                experiment: experiment, hparams: Values.hparams(number), seed: Int64(number)))
                    }
                }
            }
        }
        try await validatePoints(store)
        try await workInTurn(store)
        for start in stride(from: 4, to: experiments, by: 500) {
            try await store.write { tx in
                for number in start..<min(start + 500, experiments) {
                    _ = try tx.experiments.create(
                        NewExperiment(
                            name: "experiment-\(number)", config: try Values.config(number), labels: ["nightly"],
                            owner: "bench"))
                }
            }
        }
    }

    private func validatePoints(_ store: Metastore) async throws {
        for start in stride(from: 0, to: points, by: 500) {
            try await store.write { tx in
                for number in start..<min(start + 500, points) {
                    let trial = ID<Trial>(rawValue: firstPoint + Int64(number))
                    try tx.workloads.report(report(trial, 0, metrics: Values.metrics(number)))
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial, generation: 0, step: 0, kind: .computeValidationMetrics, totalBatches: 0,
                            metrics: Values.validation(number)))
                }
            }
        }
    }

    private func workInTurn(_ store: Metastore) async throws {
        let first = listed - 7
        for step in 0..<workloads {
            try await store.write { tx in
                for trial in first..<(first + Int64(Self.trialsInTurn)) {
                    try tx.workloads.report(report(ID(rawValue: trial), step, metrics: Values.metrics(step)))
                }
                if step % 20 == 19 {
                    try tx.checkpoints.report(
                        CheckpointReport(
                            uuid: UUID(), trial: ID(rawValue: first + Int64(step / 20 % Self.trialsInTurn)),
                            generation: 0, totalBatches: Int64(step), resources: Values.resources))
                }
            }
        }
    }

    /// Workloads of one of the loaders' trials after another, 1,000 a revision.
    func load(_ count: Int, into store: Metastore) async throws {
        for start in stride(from: 0, to: count, by: Self.workloadsPerLoader) {
            let trial = loader(start / Self.workloadsPerLoader)
            let reports = (0..<min(Self.workloadsPerLoader, count - start)).map { step in
                report(trial, step, metrics: Values.metrics(step))
            }
            try await store.write { tx in
                for report in reports { try tx.workloads.report(report) }
            }
        }
    }

    /// A step that COMPLETED.
    func report(_ trial: ID<Trial>, _ step: Int, metrics: Metrics) -> WorkloadReport {
        WorkloadReport(
            trial: trial, generation: 0, step: Int64(step), kind: .runStep, totalBatches: Int64(step), metrics: metrics)
    }
}

/// Makes a store to measure.
struct Fill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a store with what the rows read and write, unless it is there.")
    @OptionGroup var place: Place

    @Option(help: "A part of the numbers of records.")
    var scale = 1.0

    func run() async throws {
        let store = try await place.open()
        try await Dataset(scale: scale).fill(store)
        await store.close()
    }
}
