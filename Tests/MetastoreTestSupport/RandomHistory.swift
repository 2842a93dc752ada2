package import Metastore
package import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite

/// A store with a history: whatever the rules allow is done in random order, and what they refuse is left.
package struct RandomHistory {
    private var random: Seeded
    private let store: Metastore
    private var experiments: [ID<Experiment>] = []
    private var trials: [ID<Trial>] = []
    private var steps: [ID<Trial>: Int64] = [:]

    /// Makes it, and closes it.
    package static func make(_ path: String, commits: Int, name: String) async throws {
        try await make(in: .sqlite(path), commits: commits, name: name)
    }

    package static func make(in source: EngineSource, commits: Int, name: String) async throws {
        try await FullStore.make(in: source, more: 20)
        try await goOn(in: source, commits: commits, name: name)
    }

    /// Goes on with a store, and closes it.
    ///
    /// - Parameter look: sees its files before.
    package static func goOn(
        _ path: String, commits: Int, name: String, _ look: () throws -> Void = {}
    ) async throws {
        try await goOn(in: .sqlite(path), commits: commits, name: name, look)
    }

    package static func goOn(
        in source: EngineSource, commits: Int, name: String, _ look: () throws -> Void = {}
    ) async throws {
        let store = try await Metastore.open(source)
        var history = RandomHistory(on: store, name: name)
        try await history.goOn(commits)
        try look()
        await store.close()
    }

    /// One of a store that is open.
    package init(on store: Metastore, name: String) {
        random = Seeded(name)
        self.store = store
    }

    /// Does so many things more.
    package mutating func goOn(_ commits: Int) async throws { for _ in 0..<commits { try await step() } }

    private mutating func step() async throws {
        switch Int.random(in: 0..<20, using: &random) {
        case 0: try await begin()
        case 1..<9: try await report()
        case 9: try await save()
        case 10: try await restart()
        case 11: try await end()
        case 12: try await delete()
        case 13..<16: try await entry()
        case 16: try await snapshot()
        case 17: try await agent()
        case 18: try await edit()
        default: try await pool()
        }
    }

    private mutating func begin() async throws {
        let (name, count) = ("e\(Int.random(in: 0..<1_000, using: &random))", Int.random(in: 1...4, using: &random))
        let smaller = Bool.random(using: &random)
        let labels = ["a", "b", "c"].filter { _ in Bool.random(using: &random) }
        let (experiment, made) = try await store.write { tx in
            let experiment = try tx.experiments.create(
                NewExperiment(
                    name: name, config: ["name": .string(name)], labels: labels, metric: "loss",
                    smallerIsBetter: smaller))
            let made = try (0..<count).map {
                try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["n": .integer(Int64($0))])).id
            }
            _ = try tx.experiments.transition(experiment.id, to: .active)
            return (experiment.id, made)
        }
        experiments.append(experiment)
        trials += made
    }

    private mutating func report() async throws {
        guard let trial = trials.randomElement(using: &random) else { return }
        let step = steps[trial, default: 0] + 1
        let value = Double.random(in: 0...1, using: &random)
        let validates = Bool.random(using: &random)
        steps[trial] = step
        _ = try? await store.write { tx in
            let generation = try tx.trials.get(trial).generation
            try tx.workloads.report(
                WorkloadReport(
                    trial: trial, generation: generation, step: step, kind: .runStep, totalBatches: step * 10,
                    metrics: ["loss": value]))
            guard validates else { return }
            try tx.workloads.report(
                WorkloadReport(
                    trial: trial, generation: generation, step: step, kind: .computeValidationMetrics,
                    totalBatches: step * 10, metrics: ["loss": value * 2]))
        }
    }

    private mutating func save() async throws {
        guard let trial = trials.randomElement(using: &random), let step = steps[trial] else { return }
        let uuid = random.uuid()
        _ = try? await store.write { tx in
            let generation = try tx.trials.get(trial).generation
            let saved = try tx.workloads.report(
                WorkloadReport(
                    trial: trial, generation: generation, step: step, kind: .checkpointModel, totalBatches: step * 10))
            try tx.checkpoints.report(
                CheckpointReport(
                    uuid: uuid, trial: trial, generation: generation, workload: saved.id, totalBatches: step * 10,
                    storageID: "s3", resources: ["weights": 1_000], metadata: [:]))
        }
    }

    private mutating func restart() async throws {
        guard let trial = trials.randomElement(using: &random) else { return }
        _ = try? await store.write { tx in try tx.trials.restart(trial) }
    }

    private mutating func end() async throws {
        guard let experiment = experiments.randomElement(using: &random) else { return }
        _ = try? await store.write { tx in try tx.experiments.transition(experiment, to: .error) }
    }

    private mutating func delete() async throws {
        guard let index = experiments.indices.randomElement(using: &random) else { return }
        if (try? await store.experiments.delete(experiments[index])) != nil { experiments.remove(at: index) }
    }

    private mutating func entry() async throws {
        let key = EntryKey(namespace: "random", key: "\(Int.random(in: 0..<10, using: &random))")
        let value = "\(random.next())"
        let isPut = Int.random(in: 0..<4, using: &random) > 0
        _ = try? await store.write { tx in
            if isPut { try tx.keyValue.put(key, value) } else { try tx.keyValue.delete(key) }
        }
    }

    private mutating func snapshot() async throws {
        guard let experiment = experiments.randomElement(using: &random) else { return }
        let value = Int64(bitPattern: random.next() >> 8)
        _ = try? await store.write { tx in try tx.snapshots.put(experiment, version: 1, content: ["n": .integer(value)])
        }
    }

    private mutating func agent() async throws {
        let id = "agent-\(Int.random(in: 0..<4, using: &random))"
        let version = "\(random.next() % 3)"
        _ = try? await store.write { tx in
            try tx.agents.register(
                NewAgent(
                    id: id, pool: "gpu", address: "10.0.0.2", version: version,
                    slots: [NewSlot(index: 0, uuid: "U-\(id)", brand: "A100")]))
            let task = try tx.tasks.create(NewTask(kind: .notebook))
            let allocation = try tx.allocations.create(NewAllocation(task: task.id, pool: "gpu"))
            try tx.allocations.transition(allocation.id, to: .terminated, reason: "done")
            try tx.tasks.end(task.id)
        }
    }

    private mutating func edit() async throws {
        guard let experiment = experiments.randomElement(using: &random) else { return }
        let progress = Double.random(in: 0...1, using: &random)
        let labels = ["a", "d"].filter { _ in Bool.random(using: &random) }
        _ = try? await store.write { tx in
            try tx.experiments.update(experiment, ExperimentEdit(labels: labels, progress: progress))
        }
    }

    private mutating func pool() async throws {
        let name = "pool-\(Int.random(in: 0..<3, using: &random))"
        let most = Int64.random(in: 1...9, using: &random)
        _ = try? await store.write { tx in
            try tx.pools.put(NewPool(name: name, kind: .onPremises, maxInstances: most))
        }
    }
}
