import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

/// Where a store lies, and where its replica.
enum Way: CaseIterable, Sendable {
    case memory
    #if PostgreSQL
        case toPostgreSQL, fromPostgreSQL, betweenPostgreSQL
    #endif

    var places: (store: Place, replica: Place) {
        switch self {
        case .memory: (.memory, .memory)
        #if PostgreSQL
            case .toPostgreSQL: (.memory, .postgresql)
            case .fromPostgreSQL: (.postgresql, .memory)
            case .betweenPostgreSQL: (.postgresql, .postgresql)
        #endif
        }
    }
}

@Suite struct `Replaying a log` {
    /// A replica with everything the store has so far.
    private static func replica(
        of store: Metastore, in directory: TemporaryPlace, _ way: Way
    ) async throws -> Metastore {
        let source = try directory.source(way.places.replica)
        let replica = try await Metastore.openReplica(source, of: try await store.info().cluster)
        try await replica.replay(try await store.logRecords(after: 0, bytes: .max))
        #expect(try await replica.contents() == store.contents())
        return replica
    }

    /// In one transaction the pool that takes a tag was written before the one that gives it up.
    @Test(arguments: Way.allCases)
    func `lets a tag go from one pool to another`(_ way: Way) async throws {
        let (directory, copy) = (TemporaryPlace(), TemporaryPlace())
        let store = try await Metastore.open(directory.source(way.places.store))
        func pool(_ name: String, _ tag: String?, max: Int64 = 1) -> NewPool {
            NewPool(name: name, tagKey: tag.map { _ in "k" }, tagValue: tag, maxInstances: max)
        }
        let first = [pool("a", "x"), pool("b", "y")]
        let second = [pool("b", "y", max: 2), pool("a", nil), pool("b", "x", max: 2), pool("a", "y")]
        for pools in [first, second] {
            try await store.write { tx in for pool in pools { try tx.pools.put(pool) } }
        }
        try await store.write { tx in
            try tx.pools.put(NewPool(name: "c"))
            try tx.pools.delete("b")
            try tx.pools.put(NewPool(name: "c", tagKey: "k", tagValue: "x"))
        }
        await (try await Self.replica(of: store, in: copy, way)).close()
        await store.close()
    }

    /// An entry is written, then its lease is granted and the entry put under it: the entry's change comes first.
    @Test(arguments: Way.allCases)
    func `makes what is belonged to before what belongs to it`(_ way: Way) async throws {
        let (directory, copy) = (TemporaryPlace(), TemporaryPlace())
        let store = try await Metastore.open(directory.source(way.places.store))
        try await store.write { tx in
            try tx.keyValue.put("n/k", "1")
            let lease = try tx.leases.grant(timeToLive: .seconds(60))
            try tx.keyValue.put("n/k", "2", lease: lease.id)
        }
        try await store.write { tx in
            let lease = try tx.leases.grant(timeToLive: .seconds(60))
            try tx.keyValue.put("n/k", "2", lease: lease.id)
            try tx.leases.revoke(1)
        }
        await (try await Self.replica(of: store, in: copy, way)).close()
        await store.close()
    }

    /// Broke: "é" as one character and as two are equal texts to Swift, and the index of labels stayed as it was.
    @Test(arguments: Way.allCases)
    func `follows a label that is only spelt anew`(_ way: Way) async throws {
        let (directory, copy) = (TemporaryPlace(), TemporaryPlace())
        let store = try await Metastore.open(directory.source(way.places.store))
        try await store.write { tx in
            let new = NewExperiment(name: "e", config: [:], labels: ["caf\u{E9}"])
            try tx.experiments.update(try tx.experiments.create(new).id, ExperimentEdit(notes: "x"))
        }
        try await store.write { tx in try tx.experiments.update(1, ExperimentEdit(labels: ["cafe\u{301}"])) }
        let replica = try await Self.replica(of: store, in: copy, way)
        for store in [store, replica] {
            #expect(try await store.experiments.list(.label("cafe\u{301}")).records.count == 1)
            #expect(try await store.experiments.list(.label("caf\u{E9}")).records.isEmpty)
        }
        await replica.close()
        await store.close()
    }

    /// Broke: where a consumer begins was told to nobody, so that a follower would have handed it everything.
    @Test(arguments: Way.allCases)
    func `knows where consumers stand: where they began, and what they handled`(_ way: Way) async throws {
        let (directory, copy) = (TemporaryPlace(), TemporaryPlace())
        let store = try await Metastore.open(directory.source(way.places.store))
        for number in 0..<5 { try await store.keyValue.put("n/k", "\(number)") }
        var late = store.changes(as: "late", under: "kv/n", from: .now).makeAsyncIterator()
        try await store.keyValue.put("other/k", "1")
        let began = store.position
        let next = Task {
            try await Task.sleep(for: .milliseconds(30))
            try await store.keyValue.put("n/k", "next")
        }
        let batch = try #require(try await late.next())
        try await next.value
        let replica = try await Self.replica(of: store, in: copy, way)
        let stands = try await replica.consumers.position("late")
        #expect(stands.revision.rawValue > 5 && stands.revision <= began.revision)
        await replica.close()
        try await batch.process { _, tx in try tx.keyValue.put("done/k", "1") }
        let again = TemporaryPlace()
        let after = try await Self.replica(of: store, in: again, way)
        #expect(try await after.consumers.position("late") == store.consumers.position("late"))
        #expect(try await after.consumers.position("late") == batch.position)
        await after.close()
        await store.close()
    }

    /// In steps, closed and opened between them, as a follower does it.
    @Test(arguments: Place.allCases.filter { $0 != .memory })
    func `goes on where it stopped`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await GoldenStore.make()
        let cluster = try await store.info().cluster
        for _ in 0..<6 {
            let replica = try await Metastore.openReplica(directory.source(place), of: cluster)
            let records = try await store.logRecords(after: try await replica.info().revision, bytes: 2_000)
            try await replica.replay(records)
            await replica.close()
        }
        let replica = try await Metastore.openReplica(directory.source(place), of: cluster)
        try await replica.replay(try await store.logRecords(after: try await replica.info().revision, bytes: .max))
        #expect(try await replica.contents() == store.contents())
        // Its feed is the source's, positions included.
        for revision in 0...store.position.revision.rawValue {
            let (here, there) = (
                try await store.position(at: Revision(revision)), try await replica.position(at: Revision(revision))
            )
            #expect(here == there)
        }
        await replica.close()
        await #expect(throws: StoreError.otherCluster) {
            try await Metastore.openReplica(directory.source(place), of: UUID())
        }
        await store.close()
    }
}
