import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Synchronization
import Testing

@Suite struct `Listing, then watching` {
    /// Each round lists while others write, follows from the page's position, and must end with what is really there.
    @Test(arguments: Place.allCases)
    func `loses and doubles nothing under concurrent writes`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let writing = Task {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<16 {
                    group.addTask {
                        var random = Randomness(Load.seed &+ UInt64(number))
                        for _ in 0..<Load.part(of: 2_000) {
                            let (key, value) = ("k\(random.number(0...60))", random.bytes(8))
                            let isDeletion = random.chance(30)
                            try await store.write { tx in
                                let entry = EntryKey(namespace: "n", key: key)
                                if isDeletion {
                                    try tx.keyValue.delete(entry)
                                } else {
                                    try tx.keyValue.put(entry, value)
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        for _ in 0..<20 {
            let page = try await store.keyValue.list("n", limit: 1_000)
            var entries = Dictionary(uniqueKeysWithValues: page.records.map { ($0.key, $0) })
            let end = store.position.revision
            var iterator = store.changes(after: page.position, of: .keyValue).batches.makeAsyncIterator()
            var position = page.position
            while position.revision < end, let batch = try await iterator.next() {
                for case .keyValue(let change) in batch.changes {
                    let key = (change.after ?? change.before)!.key
                    #expect(entries[key] == change.before, "METASTORE_TEST_SEED=\(Load.seed)")
                    #expect(change.revision > page.position.revision)
                    entries[key] = change.after
                }
                position = batch.position
            }
            let (records, at) = try await store.read { snapshot in
                let page = try snapshot.keyValue.list("n", limit: 1_000)
                return (page.records, page.position)
            }
            while position.revision < at.revision, let batch = try await iterator.next() {
                for case .keyValue(let change) in batch.changes where change.revision <= at.revision {
                    entries[(change.after ?? change.before)!.key] = change.after
                }
                position = batch.position
            }
            #expect(entries.values.sorted { $0.key < $1.key } == records.sorted { $0.key < $1.key })
            try await Task.sleep(for: .milliseconds(2))
        }
        try await writing.value
        await store.close()
    }
}

@Suite struct `A filter of the feed` {
    private static let prefixes = [
        "", "experiments", "experiments/1", "experiments/1/", "experiments/2", "experiments/1/trials",
        "experiments/1/trials/1", "experiments/1/trials/1/workloads", "experiments/1/trials/1/checkpoints",
        "experiments/1/snapshot", "pools", "pools/p", "agents/a", "agents/a/slots", "agents/a/slots/0", "tasks",
        "tasks/1/allocations/1", "tasks/1/allocations/1/containers", "ports/h", "instances", "spot-requests/s", "kv",
        "kv/n", "kv/n/k", "kv/n/k%2F1", "leases/1", "documents", "consumers/c", "leadership", "nothing",
        "experiments/1/nothing", "experiment", "kv/n/k%",
    ]

    /// Compared with everything, filtered by this test's own words.
    @Test(arguments: Place.allCases)
    func `never hides a match`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        try await Self.changeEverything(store)
        let start = try await store.position(at: 0)
        let all = try await Self.changes(store, start, .all, nil)
        #expect(Set(all.map(\.kind)).count == RecordKind.allCases.count - 1, "not every kind changed")
        var random = Randomness(Load.seed)
        var selections = RecordKind.allCases.map { RecordKinds($0) } + [.all, []]
        for _ in 0..<20 { selections.append(RecordKinds(rawValue: random.next()).intersection(.all)) }
        for kinds in selections {
            for prefix in Self.prefixes {
                let found = try await Self.changes(store, start, kinds, prefix.isEmpty ? nil : KeyPrefix(prefix))
                let path = prefix.hasSuffix("/") ? String(prefix.dropLast()) : prefix
                let expected = all.filter { change in
                    kinds.contains(change.kind)
                        && (path.isEmpty || change.key.path == path || change.key.path.hasPrefix(path + "/"))
                }
                #expect(found == expected, "METASTORE_TEST_SEED=\(Load.seed) \(kinds) under \(prefix)")
            }
        }
        for key in ["k", "k/", "", "😀", "zz"] {
            let found = try await Self.changes(store, start, .all, .keyValue(namespace: "n", prefix: key))
            let expected = all.filter { change in
                guard case .keyValue(let entry) = change, let row = entry.after ?? entry.before else { return false }
                return row.namespace == "n" && row.key.utf8.starts(with: key.utf8)
            }
            #expect(found == expected, "keys with \(key)")
        }
        await store.close()
    }

    private static func changes(
        _ store: Metastore, _ start: Position, _ kinds: RecordKinds, _ under: KeyPrefix?
    ) async throws -> [Change] {
        var found: [Change] = []
        let end = store.position.revision
        // An empty selection would mean all: it is asked for by a kind and a prefix that exclude each other.
        let sequence =
            kinds.isEmpty
            ? store.changes(after: start, of: .pools, under: "kv/none")
            : store.changes(after: start, of: kinds, under: under)
        for try await batch in sequence.batches {
            found += batch.changes
            if batch.position.revision >= end { break }
        }
        return found
    }

    private static func changeEverything(_ store: Metastore) async throws {
        try await store.write { tx in
            for number in 1...2 as ClosedRange<Int64> {
                let experiment = try tx.experiments.create(
                    NewExperiment(name: "e", config: ["n": .integer(number)], startsActive: true))
                let trial = try tx.trials.create(NewTrial(experiment: experiment.id))
                try tx.workloads.report(
                    WorkloadReport(trial: trial.id, generation: 0, step: 1, kind: .runStep, totalBatches: 10))
                try tx.checkpoints.report(
                    CheckpointReport(uuid: UUID(), trial: trial.id, generation: 0, totalBatches: 10))
                try tx.snapshots.put(experiment.id, version: 1, content: [:])
            }
        }
        try await store.write { tx in
            try tx.pools.put(NewPool(name: "p"))
            try tx.agents.register(NewAgent(id: "a", pool: "p", slots: [NewSlot(index: 0), NewSlot(index: 1)]))
            let task = try tx.tasks.create(NewTask(kind: .notebook))
            let allocation = try tx.allocations.create(NewAllocation(task: task.id, pool: "p"))
            _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: "a", slots: [0]))
            _ = try tx.ports.reserve(.notebook, on: "h", for: allocation.id)
            _ = try tx.spotRequests.create(NewSpotRequest(clientToken: "s", pool: "p"))
            _ = try tx.instances.create(NewInstance(clientToken: "t", pool: "p"))
            let lease = try tx.leases.grant(timeToLive: .seconds(60))
            for key in ["k", "k/1", "k%", "😀", "z"] {
                try tx.keyValue.put(EntryKey(namespace: "n", key: key), "1", lease: lease.id)
            }
            try tx.keyValue.put(EntryKey(namespace: "n2", key: "k"), "1")
        }
        var iterator = store.changes(as: "c").makeAsyncIterator()
        try await iterator.next()?.skip()
        try await store.lead(as: "m") { _ in }
        try await store.write { tx in
            try tx.allocations.transition(1, to: .terminated)
            try tx.leases.revoke(1)
            try tx.keyValue.delete(EntryKey(namespace: "n2", key: "k"))
            try tx.trials.transition(1, to: .error)
            try tx.experiments.transition(1, to: .error)
        }
        try await store.experiments.delete(1)
    }

    @Test(arguments: Place.allCases)
    func `moves its reader's position on by bookmarks`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        for (kinds, under) in [(RecordKinds.pools, nil), (.keyValue, "kv/none"), (.all, "experiments/9")]
            as [(RecordKinds, KeyPrefix?)]
        {
            let start = store.position
            var iterator = store.changes(after: start, of: kinds, under: under).batches.makeAsyncIterator()
            let writing = Task { try await store.putSome(10) }
            var position = start
            while position.revision.rawValue < start.revision.rawValue + 20, let batch = try await iterator.next() {
                #expect(batch.isBookmark && batch.position.revision > position.revision)
                position = batch.position
            }
            try await writing.value
            #expect(position == store.position)
        }
        await store.close()
    }
}
