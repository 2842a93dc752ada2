internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport

/// A store with a little of everything, the same at every making: what answers are compared with files of.
enum SmallStore {
    static func make(_ path: String) async throws {
        let time = ManualTime(seed: 1)
        var options = StoreOptions()
        options.time = time.source
        options.actor = "master"
        let store = try await Metastore.open(.sqlite(path), options)
        try await work(store, time)
        time.advance(.seconds(60))
        try await cluster(store)
        time.advance(.seconds(60))
        for try await batch in store.changes(as: "scheduler", of: .experiments, .trials) {
            _ = try await batch.commit { batch, tx in
                try tx.keyValue.put(EntryKey(namespace: "scheduler", key: "seen"), "\(batch.commits.count)")
            }
            break
        }
        await store.close()
    }

    private static func work(_ store: Metastore, _ time: ManualTime) async throws {
        let requests = (1...3).map { UUID(uuidString: "00000000-0000-4000-8000-00000000000\($0)")! }
        try await store.write { tx in
            let gone = try tx.experiments.create(NewExperiment(name: "gone", config: [:]))
            try tx.experiments.transition(gone.id, to: .error)
            let experiment = try tx.experiments.create(
                NewExperiment(
                    name: "mnist, \"quoted\" 😀", config: ["lr": 0.1], labels: ["nightly", "b"], owner: "ada",
                    pool: "gpu", metric: "loss"))
            for number in 0..<2 {
                _ = try tx.trials.create(
                    NewTrial(
                        experiment: experiment.id, requestID: requests[number],
                        hparams: ["lr": .number(0.1 / Double(number + 1))], seed: Int64(number)))
            }
            try tx.experiments.transition(experiment.id, to: .active)
        }
        for step in Int64(1)...6 {
            time.advance(.seconds(10))
            try await store.write { tx in
                try tx.workloads.report(
                    WorkloadReport(
                        trial: 1, generation: 0, step: step, kind: .runStep, totalBatches: step * 100,
                        metrics: ["loss": step == 4 ? .nan : 1 / Double(step)]))
                if step.isMultiple(of: 3) {
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: 1, generation: 0, step: step, kind: .computeValidationMetrics,
                            totalBatches: step * 100, metrics: ["loss": 2 / Double(step)]))
                }
            }
        }
        try await store.write { tx in
            let saved = try tx.workloads.report(
                WorkloadReport(trial: 1, generation: 0, step: 6, kind: .checkpointModel, totalBatches: 600))
            try tx.checkpoints.report(
                CheckpointReport(
                    uuid: requests[2], trial: 1, generation: 0, workload: saved.id, totalBatches: 600,
                    storageID: "s3", resources: ["weights.bin": 3_000_000], metadata: ["framework": "f"]))
            try tx.trials.transition(2, to: .error)
            try tx.snapshots.put(2, version: 1, content: ["searcher": "state"])
        }
        try await store.experiments.delete(1)
    }

    private static func cluster(_ store: Metastore) async throws {
        try await store.write { tx in
            try tx.pools.put(FullStore.pool)
            try tx.agents.register(FullStore.agent)
            let task = try tx.tasks.create(NewTask(kind: .trial, trial: 1))
            let allocation = try tx.allocations.create(NewAllocation(task: task.id, pool: "gpu"))
            _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: "agent/1", slots: [0, 1]))
            _ = try tx.ports.reserveForTrial(gpus: 1, on: "10.0.0.1", for: allocation.id)
            _ = try tx.spotRequests.create(NewSpotRequest(clientToken: "spot-1", pool: "gpu", maxPrice: 0.5))
            _ = try tx.instances.create(NewInstance(clientToken: "token-1", pool: "gpu", spotRequest: "spot-1"))
            try tx.instances.transition("token-1", to: .running, instanceID: "i-0", agent: "agent/1")
        }
        let lease = try await store.leases.grant(timeToLive: .seconds(3_600))
        try await store.write { tx in
            try tx.keyValue.put(EntryKey(namespace: "a/b", key: "%"), [0, 1, 255], lease: lease.id)
            try tx.keyValue.put(EntryKey(namespace: "n", key: "last"), "1")
        }
    }
}
