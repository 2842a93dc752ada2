import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreSQLite
import MetastoreTestSupport
import Testing

@Suite struct `A hostile text` {
    /// Ten thousand of them, each in every text field of a record of each kind: answered, read, found, fed, replayed.
    @Test func `comes back unchanged from every field on every engine, and weighs the same in the digests`()
        async throws
    {
        var random = Randomness(Load.seed)
        let texts = HostileTexts.make(Load.part(of: 10_000), &random)
        // At once: each waits for its commits most of the time.
        let contents = await withTaskGroup { group in
            for place in Place.allCases { group.addTask { (place, await Self.contents(of: place, texts)) } }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
        for place in Place.allCases.dropFirst() {
            #expect(contents[place] == contents[.memory], "METASTORE_TEST_SEED=\(Load.seed) \(place)")
        }
    }

    private static func contents(of place: Place, _ texts: [String]) async -> StoreContents? {
        do {
            let run = try await HostileRun(place)
            for start in stride(from: 0, to: texts.count, by: 8) {
                try await run.round(Array(texts[start..<min(start + 8, texts.count)]))
            }
            try await run.checkFeed(texts)
            return try await run.finish()
        } catch {
            Issue.record("METASTORE_TEST_SEED=\(Load.seed) on \(place): \(error)")
            return nil
        }
    }
}

/// Where one text went.
private struct Places: Sendable {
    let text: String
    let experiment: ID<Experiment>
    let trial: ID<Trial>
    let workload: ID<Workload>
    let checkpoint: UUID
    let allocation: ID<Allocation>
    let container: ID<Container>
    let port: Int64
}

private struct HostileRun {
    let directory = TemporaryPlace()
    let store: Metastore
    let place: Place
    let time = ManualTime(seed: Load.seed)
    private var options: StoreOptions

    init(_ place: Place) async throws {
        self.place = place
        options = StoreOptions()
        options.time = time.source
        // Patient with a server that all tests share.
        options.engine.callTimeout = .seconds(60)
        store = try await Metastore.open(directory.source(place), options)
    }

    /// Fails unless everything found is the text, byte for byte.
    private static func check(_ found: [String?], _ text: String, _ what: String, allowsNone: Bool = false) throws {
        guard !found.isEmpty else { throw Difference(description: "\(what) holds no text at all") }
        for one in found where !(one == nil && allowsNone) {
            guard let one, one.utf8.elementsEqual(text.utf8) else {
                throw Difference(description: "\(what): \(one?.shown ?? "nothing") instead of \(text.shown)")
            }
        }
    }

    func round(_ texts: [String]) async throws {
        let before = store.position
        let all = try await store.write { tx in try texts.map { try Self.write($0, tx) } }
        try await store.read { snapshot in for one in all { try Self.find(one, snapshot) } }
        try await store.write { tx in for one in all { try Self.end(one, tx) } }
        try await store.read { snapshot in for one in all { try Self.read(one, snapshot) } }
        for text in texts { try await nameOthers(text, from: before) }
    }

    /// What is more than a row: an operation, an actor, a consumer, a leader.
    private func nameOthers(_ text: String, from before: Position) async throws {
        let id = OperationID(time.source)
        for _ in 0..<2 {
            let answer = try await store.write(operation: id, request: text, actor: text) { tx in
                try tx.keyValue.put("actor/of", text)
                return text
            }
            try Self.check([answer], text, "an operation's result")
        }
        try Self.check(
            try await store.logRecords(after: Revision(store.position.revision.rawValue - 1)).map(\.actor), text,
            "an actor")
        let prefix = KeyPrefix.keyValue(namespace: text, prefix: text)
        var iterator = store.changes(as: text, under: prefix, from: .after(before)).makeAsyncIterator()
        let batch = try await iterator.next()
        guard let batch, batch.changes.map(\.key) == [.keyValue(namespace: text, key: text)] else {
            throw Difference(description: "a filter for \(text.shown) gave \(batch?.changes.count ?? 0) changes")
        }
        try await batch.process { _, _ in }
        try Self.check(try await store.consumers.all().map(\.name), text, "a consumer")
        try await store.consumers.remove(text)
        let store = store
        try await store.lead(as: text) { leadership in
            try Self.check([leadership.holder, try await store.leadership()?.holder], text, "a leader")
        }
    }

    private static func write(_ text: String, _ tx: borrowing Transaction) throws -> Places {
        let json = try JSONObject([text: .array([.string(text), .object([text: .string(text)])])])
        let experiment = try tx.experiments.create(
            NewExperiment(
                name: text, config: json, labels: [text], pool: text, metric: text, externalID: text,
                modelDefinition: Array(text.utf8), startsActive: true))
        try tx.experiments.update(experiment.id, ExperimentEdit(notes: text, owner: text))
        let trial = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: json))
        try tx.workloads.report(
            WorkloadReport(
                trial: trial.id, generation: 0, step: 1, kind: .runStep, totalBatches: 10,
                metrics: try Metrics([text: 0.25])))
        let workload = try tx.workloads.report(
            WorkloadReport(
                trial: trial.id, generation: 0, step: 1, kind: .computeValidationMetrics, totalBatches: 10,
                metrics: try Metrics([text: 0.5])))
        let checkpoint = try tx.checkpoints.report(
            CheckpointReport(
                uuid: trial.requestID, trial: trial.id, generation: 0, totalBatches: 10, storageID: text,
                resources: try Resources([text: 1]), metadata: json))
        try tx.snapshots.put(experiment.id, version: 1, content: json)
        try tx.pools.put(
            NewPool(name: text, provider: json, instanceType: text, tagKey: text, tagValue: text, maxInstances: 1))
        try tx.agents.register(
            NewAgent(
                id: text, pool: text, address: text, version: text,
                slots: [NewSlot(index: 0, uuid: text, brand: text)]))
        let task = try tx.tasks.create(NewTask(kind: .notebook))
        let allocation = try tx.allocations.create(NewAllocation(task: task.id, pool: text))
        let container = try tx.containers.create(NewContainer(allocation: allocation.id, agent: text, slots: [0]))
        let port = try tx.ports.reserve(.notebook, on: text, for: allocation.id)
        let spot = try tx.spotRequests.create(NewSpotRequest(clientToken: text, pool: text))
        let instance = try tx.instances.create(
            NewInstance(
                clientToken: text, pool: text, tagKey: text, tagValue: text, type: text, spotRequest: text))
        let entry = try tx.keyValue.put(EntryKey(namespace: text, key: text), Array(text.utf8))
        try check(Texts.of(try tx.experiments.get(experiment.id)), text, "an experiment in its transaction")
        try check(Texts.of(checkpoint) + Texts.of(workload), text, "a report's answer")
        try check(Texts.of(spot) + Texts.of(instance), text, "the cloud's answers", allowsNone: true)
        try check(Texts.of(entry) + port.map(\.host) + [container.agent], text, "an answer")
        return Places(
            text: text, experiment: experiment.id, trial: trial.id, workload: workload.id, checkpoint: checkpoint.uuid,
            allocation: allocation.id, container: container.id, port: port[0].port)
    }

    /// What is looked for by the text, and by nothing else.
    private static func find(_ one: Places, _ snapshot: borrowing Snapshot) throws {
        let text = one.text
        for (filter, what) in [
            (.label(text), "label"), (.owner(text), "owner"), (.pool(text), "pool"),
        ] as [(ExperimentFilter, String)] {
            let found = try snapshot.experiments.list(filter).records.map(\.id)
            guard found == [one.experiment] else {
                throw Difference(description: "by \(what) \(text.shown): \(found) instead of \(one.experiment)")
            }
        }
        let found: [(String, Bool)] = [
            ("external id", try snapshot.experiments.find(externalID: text)?.id == one.experiment),
            ("metric", try snapshot.trials.get(one.trial).bestMetric == 0.5),
            ("agents", try snapshot.agents.list(in: text).count == 1),
            ("slots", try snapshot.slots.list(of: text).count == 1),
            ("containers", try snapshot.containers.unfinished(on: text).map(\.id) == [one.container]),
            ("waiting", try snapshot.allocations.waiting(in: text).map(\.id) == [one.allocation]),
            ("port", try snapshot.ports.holder(of: one.port, on: text)?.allocation == one.allocation),
            ("instances", try snapshot.instances.unfinished(in: text).count == 1),
            ("spot requests", try snapshot.spotRequests.unfinished(in: text).count == 1),
            ("entries", try snapshot.keyValue.list(text, prefix: text).records.count == 1),
        ]
        for (what, isThere) in found where !isThere {
            throw Difference(description: "\(what) can't be found by \(text.shown)")
        }
        try check(try snapshot.ports.list(of: one.allocation).map(\.host), text, "a port")
    }

    /// Fills the fields that a record gets later.
    private static func end(_ one: Places, _ tx: borrowing Transaction) throws {
        let text = one.text
        try tx.allocations.transition(one.allocation, to: .terminated, reason: text)
        try tx.instances.transition(text, to: .running, instanceID: text, agent: text)
        try tx.spotRequests.transition(text, to: .fulfilled, requestID: text, instance: text)
    }

    private static func read(_ one: Places, _ snapshot: borrowing Snapshot) throws {
        let text = one.text
        func check(_ what: String, _ found: [String?]) throws { try Self.check(found, text, what) }
        try check("an experiment", Texts.of(try snapshot.experiments.get(one.experiment)))
        try check("a config", Texts.of(try snapshot.experiments.config(one.experiment)))
        let model = try snapshot.experiments.modelDefinition(one.experiment)
        try check("a model definition", [model.map { String(decoding: $0, as: UTF8.self) }])
        try check("a trial", Texts.of(try snapshot.trials.get(one.trial).hparams))
        try check("a workload", Texts.of(try snapshot.workloads.get(one.workload)))
        try check("a checkpoint", Texts.of(try snapshot.checkpoints.get(one.checkpoint)))
        try check("a snapshot", Texts.of(try snapshot.snapshots.get(one.experiment, upTo: 1)!.content))
        try check("a pool", Texts.of(try snapshot.pools.get(text)))
        try check("an agent", Texts.of(try snapshot.agents.get(text)))
        try check("a slot", try snapshot.slots.list(of: text).flatMap(Texts.of))
        try check("an allocation", Texts.of(try snapshot.allocations.get(one.allocation)))
        try check("a container", [try snapshot.containers.get(one.container).agent])
        try check("an instance", Texts.of(try snapshot.instances.get(text)))
        try check("its cloud id", [try snapshot.instances.find(instanceID: text)?.clientToken])
        try check("a spot request", Texts.of(try snapshot.spotRequests.get(text)))
        try check("an entry", try snapshot.keyValue.get(EntryKey(namespace: text, key: text)).map(Texts.of) ?? [nil])
    }

    /// Every image in the feed holds one of the texts in all its fields.
    func checkFeed(_ texts: [String]) async throws {
        let known = Set(texts.map { Array($0.utf8) })
        var images: [RecordKind: Int] = [:]
        let end = store.position.revision
        for try await batch in store.changes(after: try await store.position(at: 0)).batches {
            for change in batch.changes where change.key.path != "kv/actor/of" {
                for image in Texts.of(change) {
                    // An experiment's notes and owner, and what a transition brings, come later.
                    let there = image.compactMap(\.self)
                    guard let text = there.first, known.contains(Array(text.utf8)) else {
                        throw Difference(description: "\(change.key.path.shown) holds no text of this test")
                    }
                    try Self.check(there, text, "an image of a \(change.kind)")
                    images[change.kind, default: 0] += 1
                }
            }
            if batch.position.revision >= end { break }
        }
        for kind in RecordKind.allCases where ![.task, .lease, .document, .cluster].contains(kind) {
            guard images[kind, default: 0] >= texts.count else {
                throw Difference(description: "the feed shows \(images[kind, default: 0]) images of \(kind)")
            }
        }
    }

    /// A replica holds the same.
    func finish() async throws -> StoreContents {
        let contents = try await store.contents()
        let copy = TemporaryPlace()
        let replica = try await Metastore.openReplica(copy.source(place), of: try await store.info().cluster, options)
        var revision = Revision.absent
        while let last = try await next(after: revision, to: replica) { revision = last }
        guard try await replica.contents() == contents else { throw Difference(description: "the replica differs") }
        for store in [store, replica] {
            let report = try await store.verify()
            guard report.isClean else { throw Difference(description: report.description) }
            await store.close()
        }
        return contents
    }

    private func next(after revision: Revision, to replica: Metastore) async throws -> Revision? {
        let records = try await store.logRecords(after: revision)
        try await replica.replay(records)
        return records.last?.revision
    }
}
