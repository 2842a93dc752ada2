import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreQuickstart
import MetastoreSQLite
import Synchronization
import Testing

/// The configurations whose runs are tested as a whole, one for each searcher.
enum WholeRun: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case single, random, grid, halving

    var testDescription: String { rawValue }

    /// Where its configuration is.
    var file: String {
        switch self {
        case .single, .grid: "\(packageFolder)/Tests/MetastoreQuickstartTests/Examples/blobs-\(rawValue).yaml"
        case .random, .halving: "\(packageFolder)/tools/examples/blobs-\(rawValue).yaml"
        }
    }

    /// Its text, with a part of the training: the shipped ones are made to be looked at.
    var text: String {
        get throws {
            let text = String(decoding: try Data(contentsOf: URL(filePath: file)), as: UTF8.self)
            return text.replacing("batches: 400}", with: "batches: 80}")
                .replacing("batches: 800}", with: "batches: 160}")
                .replacing("scheduling_unit: 50", with: "scheduling_unit: 10")
                .replacing("_period: 100", with: "_period: 20")
                .replacing("max_trials: 32", with: "max_trials: 16")
        }
    }

    func configuration(seed: UInt64? = nil) throws -> ExperimentConfiguration {
        var configuration = try ExperimentConfiguration(yaml: text)
        if let seed {
            let json = configuration.json.replacing(
                "\"seed\":\(configuration.seed)", with: "\"seed\":\(seed)")
            configuration = try ExperimentConfiguration(yaml: json)
            #expect(configuration.seed == seed)
        }
        return configuration
    }
}

/// A folder that is gone when the test is.
final class TemporaryFolder: Sendable {
    let path: String

    init() throws {
        path = FileManager.default.temporaryDirectory.path + "/quickstart-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// Everything a run leaves that doesn't hang on ids, times and revisions: equal for a run that was killed and
/// one that wasn't.
struct Remains: Hashable, Sendable {
    struct Best: Hashable, Sendable {
        let request: UUID
        let hyperparameters: String
        let metric: Double?
    }

    var state = ""
    var best: Best?
    var trials: Set<String> = []
    var workloads: Set<String> = []
    var checkpoints: Set<String> = []
    /// Names and sizes of the files on disk.
    var files: Set<String> = []
    var restarts = 0
    var rolledBack = 0

    static func read(_ id: ID<Experiment>, from store: Metastore, checkpoints folder: String) async throws
        -> Remains
    {
        var remains = try await store.read { tx in
            var remains = Remains()
            remains.state = try tx.experiments.get(id).state.name
            remains.best = try tx.experiments.bestTrial(id).map {
                Best(request: $0.requestID, hyperparameters: $0.hparams.text, metric: $0.bestMetric)
            }
            for trial in try tx.trials.list(of: id, limit: 1000).records {
                remains.restarts += Int(trial.restarts)
                remains.trials.insert(
                    "\(trial.requestID) \(trial.state) \(trial.hparams) \(trial.seed) \(trial.generation) "
                        + "\(trial.restarts) \(trial.totalBatches) \(String(describing: trial.bestMetric))")
                for work in try tx.workloads.list(of: trial.id, limit: 1000).records {
                    if work.isRolledBack { remains.rolledBack += 1 }
                    remains.workloads.insert(
                        "\(trial.requestID) \(work.generation) \(work.step) \(work.kind) \(work.state) "
                            + "\(work.totalBatches) \(work.isRolledBack) \(work.metrics?.text ?? "-")")
                }
            }
            for checkpoint in try tx.checkpoints.list(of: id, limit: 1000).records {
                remains.checkpoints.insert(
                    "\(checkpoint.uuid) \(checkpoint.state) \(checkpoint.totalBatches) "
                        + "\(checkpoint.resources) \(checkpoint.size)")
            }
            return remains
        }
        for name in try FileManager.default.subpathsOfDirectory(atPath: folder) where name.contains("/") {
            let size = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)[.size]
            remains.files.insert("\(name) \(size as? UInt64 ?? UInt64(size as? Int ?? -1))")
        }
        return remains
    }

    /// The files that the rows of an experiment tell of.
    static func expectedFiles(_ id: ID<Experiment>, from store: Metastore) async throws -> Set<String> {
        var files: Set<String> = []
        let all = try await store.checkpoints.list(of: id, limit: 1000).records
        for checkpoint in all where checkpoint.state == .completed {
            for (name, size) in checkpoint.resources.values {
                files.insert("\(checkpoint.uuid.uuidString.lowercased())/\(name) \(size)")
            }
        }
        return files
    }
}

/// A store in memory or in a file, with a folder for checkpoints, for masters that are stopped and followed.
struct Place: Sendable {
    enum Kind: CaseIterable, Sendable { case memory, disk }

    let folder: TemporaryFolder
    let kind: Kind

    init(_ kind: Kind) throws {
        folder = try TemporaryFolder()
        self.kind = kind
    }

    var checkpoints: String { folder.path + "/checkpoints" }

    private func open() async throws -> Metastore {
        try await Metastore.open(kind == .memory ? .inMemory() : .sqlite(folder.path + "/metastore.db"))
    }

    /// Lends an open store, and closes it whatever happens.
    func withStore<Value: Sendable>(_ body: (Metastore) async throws -> Value) async throws -> Value {
        let store = try await open()
        do {
            let value = try await body(store)
            await store.close()
            return value
        } catch {
            await store.close()
            throw error
        }
    }

    /// Runs to the end and says what is left.
    func run(_ configuration: ExperimentConfiguration, in store: Metastore) async throws -> Remains {
        let outcome = try await Master(store, checkpoints: checkpoints).run(configuration)
        return try await Remains.read(outcome.experiment, from: store, checkpoints: checkpoints)
    }
}

/// Lets a master run until so many commits were made, then cancels it. False if it ended before.
func isStopped(
    _ master: Master, _ configuration: ExperimentConfiguration, in store: Metastore, after commits: Int
) async throws -> Bool {
    let start = store.position
    let work = Task { _ = try await master.run(configuration) }
    let watch = Task {
        var count = 0
        for try await batch in store.changes(after: start, of: .all).batches {
            count += batch.commits.count
            if count >= commits { return work.cancel() }
        }
    }
    defer { watch.cancel() }
    do {
        try await work.value
        return false
    } catch {
        guard work.isCancelled else { throw error }
        if let error = error as? MasterError { throw error }
        return true
    }
}
