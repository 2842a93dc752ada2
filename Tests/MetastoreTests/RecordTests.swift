import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

/// Text that breaks encoders: both spellings of é, astral planes, marks, quotes, controls, the last scalar.
private let hostileText = "e\u{301}é😀\u{10FFFF}\u{FEFF}\u{202E}\"'\\/%\n\u{1}\u{7F}"

@Suite struct `Every field of a record comes back as it was given` {
    @Test(arguments: TestEngine.allCases)
    func `experiments, with extremes and every plane of Unicode`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let new = NewExperiment(
                name: hostileText,
                config: ["text": .string(hostileText), "min": .integer(.min), "max": .integer(.max)],
                labels: ["b", "a", "e\u{301}", "é", "b"], notes: hostileText, owner: "é", priority: .min, pool: "p",
                metric: "accuracy", smallerIsBetter: false,
                retention: RetentionPolicy(experimentBest: 3, trialBest: 0, trialLatest: 1_000_000),
                externalID: "job-1", modelDefinition: [0, 255, 0], startsActive: true)
            let made = try await store.write { tx in try tx.experiments.create(new) }
            let found = try await store.experiments.get(made.id)
            #expect(found == made)
            #expect(found.name.utf8.elementsEqual(hostileText.utf8))
            #expect(found.labels.map { Array($0.utf8) } == ["a", "b", "e\u{301}", "é"].map { Array($0.utf8) })
            #expect(found.priority == .min && found.metric == "accuracy" && !found.smallerIsBetter)
            #expect(found.retention == new.retention && found.externalID == "job-1" && found.state == .active)
            #expect(found.progress == nil && found.end == nil && found.parent == nil && !found.isArchived)
            #expect(try await store.experiments.find(externalID: "job-1") == made)
            #expect(try await store.experiments.config(made.id) == new.config)
            #expect(try await store.read { try $0.experiments.modelDefinition(made.id) } == [0, 255, 0])
            let child = try await store.write { tx in
                let child = try tx.experiments.create(NewExperiment(name: "child", config: [:], parent: made.id))
                return try tx.experiments.update(child.id, ExperimentEdit(progress: -0.0))
            }
            #expect(child.parent == made.id && child.progress?.sign == .plus)
            #expect(try await store.experiments.list().records == [child, made])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `trials, workloads, checkpoints and snapshots`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let uuid = UUID()
            let (trial, step, checkpoint, snapshot) = try await store.write { tx in
                let experiment = try tx.anExperiment()
                let trial = try tx.trials.create(
                    NewTrial(experiment: experiment.id, requestID: uuid, hparams: ["lr": 1e-300], seed: .max))
                let step = try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: 0, step: .max, kind: .runStep, totalBatches: .max,
                        metrics: ["loss": .nan, "grad": -.infinity, "é": 1, "e\u{301}x": 2]))
                let checkpoint = try tx.checkpoints.report(
                    CheckpointReport(
                        uuid: uuid, trial: trial.id, generation: 0, totalBatches: .max, storageID: hostileText,
                        resources: ["a/\(hostileText)": .max], metadata: ["format": "torch"]))
                let snapshot = try tx.snapshots.put(experiment.id, version: .max, content: ["rng": .integer(.min)])
                return (trial, step, checkpoint, snapshot)
            }
            #expect(step.metrics?["loss"]?.isNaN == true && step.metrics?["grad"] == -.infinity)
            #expect(try await store.workloads.get(step.id) == step)
            #expect(try await store.workloads.list(of: trial.id).records == [step])
            #expect(try await store.checkpoints.get(uuid) == checkpoint)
            #expect(checkpoint.size == .max && checkpoint.metadata == ["format": "torch"])
            #expect(try await store.checkpoints.list(of: trial.id).records == [checkpoint])
            #expect(try await store.snapshots.get(trial.experiment, upTo: .max) == snapshot)
            let found = try await store.trials.get(trial.id)
            #expect(found.seed == .max && found.requestID == uuid && found.hparams == ["lr": 1e-300])
            #expect(found.totalBatches == .max && found.lastActivity != nil && found.bestMetric == nil)
            #expect(try await store.trials.find(trial.experiment, requestID: uuid) == found)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `pools, agents, slots, tasks, allocations, containers and ports`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let pool = try tx.pools.put(
                    NewPool(
                        name: hostileText, kind: .aws, provider: ["ami": "x"], instanceType: "p4d", tagKey: "k",
                        tagValue: hostileText, minInstances: 1, maxInstances: 9, isSpot: true, maxPrice: -0.0,
                        idlePeriod: .microseconds(7)))
                #expect(pool.maxPrice?.sign == .plus && pool.idlePeriod == .microseconds(7))
                #expect(try tx.pools.get(hostileText) == pool)
                #expect(try tx.pools.all() == [pool])
                let agent = try tx.agents.register(
                    NewAgent(
                        id: hostileText, pool: hostileText, address: "10.0.0.1:8080", version: "1", isEnabled: true,
                        slots: [
                            NewSlot(index: 7, device: .cpu, uuid: "u", brand: hostileText, isEnabled: true),
                            NewSlot(index: 0),
                        ]))
                #expect(try tx.agents.get(hostileText) == agent)
                #expect(try tx.agents.list(in: hostileText) == [agent])
                let slots = try tx.slots.list(of: hostileText)
                #expect(slots.map(\.index) == [0, 7])
                #expect(slots[1].brand == hostileText && slots[1].device == .cpu && slots[1].uuid == "u")
                let task = try tx.tasks.create(NewTask(kind: .checkpointGC))
                let allocation = try tx.allocations.create(
                    NewAllocation(task: task.id, pool: hostileText, slots: 2, priority: .max))
                let container = try tx.containers.create(
                    NewContainer(allocation: allocation.id, agent: hostileText, slots: [7, 0]))
                let port = try tx.ports.claim(29500, .deepSpeed, on: hostileText, for: allocation.id)
                #expect(try tx.tasks.get(task.id) == task)
                #expect(try tx.allocations.get(allocation.id) == allocation)
                #expect(try tx.allocations.list(of: task.id) == [allocation])
                #expect(container.slots == [0, 7])
                #expect(try tx.containers.get(container.id) == container)
                #expect(try tx.containers.unfinished(on: hostileText) == [container])
                #expect(try tx.ports.holder(of: 29500, on: hostileText) == port)
                #expect(try tx.ports.list(of: allocation.id) == [port])
                let ended = try tx.allocations.transition(allocation.id, to: .terminated, reason: hostileText)
                #expect(ended.exitReason == hostileText && ended.end == tx.time)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `instances, spot requests, entries, leases and consumers`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.pools.put(NewPool(name: "aws", kind: .aws, instanceType: "p3", tagKey: "k", tagValue: "v"))
                let spot = try tx.spotRequests.create(
                    NewSpotRequest(clientToken: "s", pool: "aws", maxPrice: 0.000_000_1))
                #expect(try tx.spotRequests.get("s") == spot)
                let instance = try tx.instances.create(
                    NewInstance(clientToken: hostileText, pool: "aws", instanceID: "i-1", spotRequest: "s"))
                #expect(instance.type == "p3" && instance.tagKey == "k" && instance.tagValue == "v")
                #expect(try tx.instances.get(hostileText) == instance)
                #expect(try tx.instances.find(instanceID: "i-1") == instance)
                let found = try tx.instances.found("i-2", in: "aws", state: .running)
                #expect(found.clientToken == "found-i-2" && found.started == tx.time)
                let lease = try tx.leases.grant(timeToLive: .seconds(86_400))
                #expect(try tx.leases.get(lease.id) == lease)
                let key = EntryKey(namespace: hostileText, key: hostileText)
                let entry = try tx.keyValue.put(key, [0, 255], lease: lease.id)
                #expect(try tx.keyValue.get(key) == entry)
                #expect(try tx.keyValue.put("empty/value", [UInt8]()).value == [])
            }
            var iterator = store.changes(as: hostileText, of: .instances, under: "instances").makeAsyncIterator()
            #expect(try await iterator.next()?.changes.count == 2)
            let consumer = try #require(try await store.consumers.all().first)
            #expect(consumer.name == hostileText && consumer.kinds == .instances && consumer.under == "instances")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `ids beyond 32 bits`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            bench.faults.arm(
                .begin,
                .run { connection in
                    // As after four billion trials. The counters are digested, so a later change must heal the digest.
                    try connection.execute("UPDATE head SET next_trial = 4294967296, next_workload = 9007199254740993")
                })
            let (trial, workload) = try await bench.store.write { tx in
                let trial = try tx.aTrial()
                return (trial, try tx.run(trial, step: 1))
            }
            #expect(trial.id.rawValue == 4_294_967_296)
            #expect(workload.id.rawValue == 9_007_199_254_740_993)
            #expect(try await bench.store.workloads.list(of: trial.id).records == [workload])
            let paths = try await bench.store.commits(after: 1).flatMap(\.changes).map(\.key.path)
            #expect(paths.contains("experiments/1/trials/4294967296/workloads/9007199254740993"))
        }
    }
}
