import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreSQLite
import Synchronization

/// A store whose clock and randomness are fixed, after writes of every kind with every kind of value: always the same
/// log, byte for byte.
enum GoldenStore {
    /// Stands still but for the test's own steps.
    private final class Clock: Sendable {
        private let state = Mutex((time: 1_700_000_000_000_000 as Int64, random: Randomness(42)))
        func step() { state.withLock { $0.time += 1_234_567 } }
        var source: TimeSource {
            TimeSource(
                now: { [self] in Timestamp(microseconds: state.withLock { $0.time }) }, monotonic: { .zero },
                random: { [self] in state.withLock { $0.random.next() } })
        }
    }

    static func make(in source: EngineSource = .inMemory()) async throws -> Metastore {
        let clock = Clock()
        var options = StoreOptions()
        options.time = clock.source
        options.actor = "golden"
        let store = try await Metastore.open(source, options)
        let script = Script(store: store, clock: clock)
        try await script.work()
        try await script.cluster()
        try await script.readers()
        try await script.end()
        return store
    }

    private struct Script {
        let store: Metastore
        let clock: Clock

        @discardableResult
        func write<Value: Sendable>(
            _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
        ) async throws -> Value {
            clock.step()
            return try await store.write(body)
        }

        func work() async throws {
            let uuids = Self.uuids
            try await write { tx in
                let experiment = try tx.experiments.create(
                    NewExperiment(
                        name: "mnist 😀 \u{10FFFF} e\u{301}", config: ["lr": 0.1, "layers": [1, 2], "empty": [:]],
                        labels: ["nightly", "\"quoted\" \\ \u{1}\n"], owner: "ada", pool: "gpu",
                        retention: RetentionPolicy(experimentBest: 1, trialBest: 2, trialLatest: 3),
                        externalID: "run-1", modelDefinition: [0, 255, 1]))
                _ = try tx.trials.create(
                    NewTrial(experiment: experiment.id, requestID: uuids[0], hparams: ["x": -0.5], seed: .min))
                return try tx.experiments.transition(experiment.id, to: .active)
            }
            try await write { tx in
                try tx.trials.create(NewTrial(experiment: 1, requestID: uuids[1], hparams: [:], seed: .max))
            }
            try await write { tx in
                for step in 1...2 as ClosedRange<Int64> {
                    try tx.workloads.report(
                        WorkloadReport(trial: 1, generation: 0, step: step, kind: .runStep, totalBatches: step * 100))
                }
                try tx.workloads.report(
                    WorkloadReport(
                        trial: 1, generation: 0, step: 1, kind: .computeValidationMetrics, totalBatches: 100,
                        metrics: ["validation_loss": -0.0, "other": .infinity]))
                try tx.workloads.report(
                    WorkloadReport(
                        trial: 1, generation: 0, step: 2, kind: .computeValidationMetrics, totalBatches: 200,
                        metrics: ["validation_loss": .nan]))
                try tx.checkpoints.report(
                    CheckpointReport(
                        uuid: uuids[2], trial: 1, generation: 0, totalBatches: 100, storageID: "s3",
                        resources: ["weights.bin": .max], metadata: [:]))
            }
            try await write { tx in _ = try tx.trials.restart(1) }
            try await write { tx in
                try tx.snapshots.put(
                    1, version: 1, content: ["searcher": .string(String(repeating: "abcd", count: 600))])
            }
            try await write { tx in try tx.checkpoints.pin(uuids[2]) }
        }

        func cluster() async throws {
            try await write { tx in
                try tx.pools.put(
                    NewPool(
                        name: "gpu", kind: .aws, provider: ["zone": "a"], instanceType: "p4d", tagKey: "k",
                        tagValue: "v",
                        maxInstances: 4, isSpot: true, maxPrice: 1.25, idlePeriod: .seconds(300)))
                try tx.agents.register(
                    NewAgent(
                        id: "agent/1", pool: "gpu", address: "10.0.0.1", version: "0.1",
                        slots: [NewSlot(index: 0, uuid: "GPU-0", brand: "A100"), NewSlot(index: 1, device: .cpu)]))
            }
            try await write { tx in
                let task = try tx.tasks.create(NewTask(kind: .trial, trial: 1))
                let allocation = try tx.allocations.create(NewAllocation(task: task.id, pool: "gpu"))
                _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: "agent/1", slots: [0, 1]))
                _ = try tx.ports.reserveForTrial(gpus: 1, on: "10.0.0.1", for: allocation.id)
            }
            try await write { tx in
                _ = try tx.spotRequests.create(NewSpotRequest(clientToken: "spot-1", pool: "gpu", maxPrice: 0.0))
                return try tx.instances.create(
                    NewInstance(clientToken: "token-1", pool: "gpu", spotRequest: "spot-1"))
            }
            try await write { tx in
                try tx.instances.transition("token-1", to: .running, instanceID: "i-0")
                try tx.allocations.transition(1, to: .terminated, reason: "exit 0")
            }
            try await write { tx in
                let lease = try tx.leases.grant(timeToLive: .seconds(60))
                try tx.keyValue.put(EntryKey(namespace: "a/b", key: "%"), [0, 1, 255], lease: lease.id)
                try tx.keyValue.put(EntryKey(namespace: "n", key: "empty"), [UInt8]())
            }
            try await write { tx in try tx.leases.revoke(1) }
        }

        func readers() async throws {
            clock.step()
            let operation = try OperationID(UUID(uuidString: "018BCFE5-6800-7000-8000-000000000001")!)
            try await store.write(operation: operation, request: "put", actor: "ada") { tx in
                try tx.keyValue.put(EntryKey(namespace: "n", key: "operation"), "1").revision
            }
            clock.step()
            for try await batch in store.changes(as: "scheduler", of: .experiments, .trials) {
                clock.step()
                _ = try await batch.commit { batch, tx in
                    try tx.keyValue.put(EntryKey(namespace: "scheduler", key: "seen"), "\(batch.commits.count)")
                }
                break
            }
            clock.step()
            try await store.lead(as: "master-0") { _ in }
        }

        func end() async throws {
            let uuids = Self.uuids
            try await write { tx in
                try tx.experiments.update(1, ExperimentEdit(labels: [], progress: 0.5))
                try tx.checkpoints.unpin(uuids[2])
                try tx.experiments.transition(1, to: .error)
            }
            clock.step()
            try await store.experiments.delete(1)
        }

        private static let uuids = [
            "00000000-0000-4000-8000-000000000001", "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF",
            "01234567-89AB-4DEF-8123-456789ABCDEF",
        ].map { UUID(uuidString: $0)! }
    }
}
