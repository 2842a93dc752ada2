internal import FoundationEssentials
package import Metastore
package import MetastoreEngine
package import MetastoreModel

/// A store with a row of every kind, and something in every column of at least one of them.
package enum FullStore {
    package static let consumer = "scheduler"
    /// What the consumer reads is below it.
    package static let experiment: ID<Experiment> = 2

    /// Makes it, and closes it. Returns the position half-way.
    ///
    /// - Parameter more: how many further workloads and entries.
    @discardableResult
    package static func make(
        in source: EngineSource, _ options: StoreOptions = StoreOptions(), more: Int = 0
    ) async throws -> Position {
        let store = try await Metastore.open(source, options)
        let middle = try await fill(store, options.time, more: more)
        // A leader that ends without saying so leaves its row behind.
        let (leading, hasBegun) = AsyncStream.makeStream(of: Void.self)
        let lead = Task {
            try await store.lead(as: "master-0", timeToLive: .seconds(3_600)) { _ in
                hasBegun.yield()
                try await Task.sleep(for: .seconds(3_600))
            }
        }
        for await _ in leading { break }
        try await store.keyValue.put("n/last", "1")
        await store.close()
        lead.cancel()
        try stopHalfWay(source)
        return middle
    }

    /// As an upgraded store whose backfill rests in the middle of a trial.
    private static func stopHalfWay(_ source: EngineSource) throws {
        let engine = try source.makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        let time = Value.timestamp(1_760_000_000_000_000)
        try connection.begin(.write)
        try connection.execute(
            """
            UPDATE backfills SET state = 2, trial = 0, first_new_trial = 3, filling_trial = 1, filling_step = 1, \
            filling_kind = 1, filling_generation = 0, filling_rows = 1, rows_done = 0, rows_total = 9, \
            rows_per_second = 100, rate = 50.5, worker = 7, steps = 3, started_time = \(time), changed_time = \(time)
            """)
        try connection.commit()
        try engine.settle(connection)
    }

    /// - Parameter more: how many further workloads and entries.
    private static func fill(_ store: Metastore, _ time: TimeSource, more: Int) async throws -> Position {
        try await work(store)
        let middle = store.position
        try await cluster(store)
        try await readers(store, time)
        for batch in 0..<(more + 99) / 100 {
            try await store.write { tx in
                for number in 0..<min(100, more - batch * 100) {
                    let step = Int64(batch * 100 + number + 10)
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: 1, generation: 1, step: step, kind: .runStep, totalBatches: step * 100,
                            metrics: ["loss": 1 / Double(step)]))
                    try tx.keyValue.put(EntryKey(namespace: "more", key: "\(step)"), "value \(step)")
                }
            }
        }
        return middle
    }

    private static let uuids = (1...4).map { UUID(uuidString: "00000000-0000-4000-8000-00000000000\($0)")! }

    private static func work(_ store: Metastore) async throws {
        try await store.write { tx in
            let parent = try tx.experiments.create(NewExperiment(name: "gone", config: [:]))
            let experiment = try tx.experiments.create(
                NewExperiment(
                    name: "mnist 😀 \u{10FFFF} e\u{301}", config: ["lr": 0.1, "layers": [1, 2]],
                    labels: ["nightly", "\"quoted\" \\ \u{1}\n"], notes: "n", owner: "ada", parent: parent.id,
                    pool: "gpu", externalID: "run-1", modelDefinition: Array(repeating: 7, count: 300_000)))
            _ = try tx.trials.create(
                NewTrial(experiment: experiment.id, requestID: uuids[0], hparams: ["x": -0.5], seed: .min))
            try tx.experiments.transition(experiment.id, to: .active)
            try tx.experiments.update(experiment.id, ExperimentEdit(progress: 0.25))
            let ended = try tx.experiments.create(NewExperiment(name: "ended", config: [:]))
            for id in [parent.id, ended.id] { try tx.experiments.transition(id, to: .error) }
        }
        try await store.write { tx in
            try tx.workloads.report(
                WorkloadReport(trial: 1, generation: 0, step: 1, kind: .runStep, totalBatches: 100))
            try tx.workloads.report(
                WorkloadReport(
                    trial: 1, generation: 0, step: 1, kind: .computeValidationMetrics, totalBatches: 100,
                    metrics: ["validation_loss": 0.5, "other": .infinity]))
            let saved = try tx.workloads.report(
                WorkloadReport(trial: 1, generation: 0, step: 1, kind: .checkpointModel, totalBatches: 100))
            try tx.checkpoints.report(
                CheckpointReport(
                    uuid: uuids[2], trial: 1, generation: 0, workload: saved.id, totalBatches: 100,
                    storageID: "s3", resources: ["weights.bin": .max], metadata: ["framework": "f"]))
            try tx.workloads.report(
                WorkloadReport(trial: 1, generation: 0, step: 2, kind: .runStep, totalBatches: 200))
            try tx.checkpoints.pin(uuids[2])
        }
        try await store.write { tx in
            _ = try tx.trials.restart(1)
            _ = try tx.trials.create(
                NewTrial(experiment: 2, requestID: uuids[1], hparams: [:], seed: .max, warmStart: uuids[2]))
            try tx.trials.transition(2, to: .error)
            try tx.snapshots.put(
                2, version: 1, content: ["searcher": .string(String(repeating: "abcd", count: 600))])
        }
        // Large enough to be kept as a document.
        let large = Metrics(canonical: "{\"\(String(repeating: "n", count: Limits.inlineMetricsBytes))\":1}")
        try await store.write { tx in
            try tx.workloads.report(
                WorkloadReport(
                    trial: 1, generation: 1, step: 2, kind: .runStep, totalBatches: 200, metrics: large))
            try tx.trials.touch(1)
        }
        try await store.experiments.delete(1)
    }

    package static let pool = NewPool(
        name: "gpu", kind: .aws, provider: ["zone": "a"], instanceType: "p4d", tagKey: "k", tagValue: "v",
        maxInstances: 4, isSpot: true, maxPrice: 1.25, idlePeriod: .seconds(300))
    /// An agent of that pool, with two slots.
    package static let agent = NewAgent(
        id: "agent/1", pool: "gpu", address: "10.0.0.1", version: "0.1",
        slots: [NewSlot(index: 0, uuid: "GPU-0", brand: "A100"), NewSlot(index: 1, device: .cpu)])

    private static func cluster(_ store: Metastore) async throws {
        try await store.write { tx in
            try tx.pools.put(pool)
            try tx.agents.register(agent)
            try tx.agents.heartbeat("agent/1")
            for exits in [true, false] {
                let task = try tx.tasks.create(NewTask(kind: .trial, trial: 1))
                let allocation = try tx.allocations.create(NewAllocation(task: task.id, pool: "gpu"))
                guard !exits else {
                    try tx.allocations.transition(allocation.id, to: .terminated, reason: "exit 0")
                    try tx.tasks.end(task.id)
                    continue
                }
                _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: "agent/1", slots: [0, 1]))
                _ = try tx.ports.reserveForTrial(gpus: 1, on: "10.0.0.1", for: allocation.id)
            }
            _ = try tx.spotRequests.create(NewSpotRequest(clientToken: "spot-1", pool: "gpu", maxPrice: 0.5))
            _ = try tx.instances.create(NewInstance(clientToken: "token-1", pool: "gpu", spotRequest: "spot-1"))
            try tx.instances.transition("token-1", to: .running, instanceID: "i-0", agent: "agent/1")
            try tx.instances.transition("token-1", to: .terminated)
            try tx.spotRequests.transition("spot-1", to: .fulfilled, requestID: "sir-0", instance: "token-1")
        }
        let lease = try await store.leases.grant(timeToLive: .seconds(3_600))
        try await store.write { tx in
            try tx.keyValue.put(EntryKey(namespace: "a/b", key: "%"), [0, 1, 255], lease: lease.id)
            try tx.keyValue.put(EntryKey(namespace: "n", key: "empty"), [UInt8]())
        }
        try await store.leases.renew(lease.id)
    }

    private static func readers(_ store: Metastore, _ time: TimeSource) async throws {
        try await store.write(operation: OperationID(time), request: "put", actor: "ada") { tx in
            try tx.keyValue.put(EntryKey(namespace: "n", key: "operation"), "1").revision
        }
        for try await batch in store.changes(
            as: consumer, of: .experiments, .trials, under: KeyPrefix(.experiment(experiment)))
        {
            _ = try await batch.commit { batch, tx in
                try tx.keyValue.put(EntryKey(namespace: "scheduler", key: "seen"), "\(batch.commits.count)")
            }
            break
        }
    }
}
