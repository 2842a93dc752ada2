internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

/// What a run of a copy told.
final class Told: Sendable {
    private let events = Mutex<[CopyEvent]>([])
    var all: [CopyEvent] { events.withLock { $0 } }
    func hear(_ event: CopyEvent) { events.withLock { $0.append(event) } }
}

/// What a store holds, as its own verification and its readers see it.
func contents(_ source: EngineSource) async throws -> StoreContents {
    let store = try await Metastore.open(source)
    let contents = try await store.contents()
    let report = try await store.verify()
    #expect(report.isClean, "\(report)")
    await store.close()
    return contents
}

@Suite(.serialized) struct `A copy of a store` {
    @Test(arguments: Way.allCases)
    func `has every row of every table`(_ way: Way) async throws {
        let (from, to) = (try Place(way.from), try Place(way.to))
        try await FullStore.make(in: from)
        let before = try from.tables()
        let told = Told()
        let report = try await StoreCopy(from: from.source, to: to.source).run(told.hear)
        #expect(report.beginning == .fromNothing)
        #expect(told.all.first == .began(.fromNothing))
        let (source, copy) = (try from.tables(), try to.tables())
        #expect(source == before, "the source isn't touched")
        #expect(copy.keys.sorted() == source.keys.sorted())
        for (table, rows) in source {
            #expect(!rows.isEmpty, "the test knows of no row in \(table)")
            #expect(copy[table] == rows, "\(table) differs")
        }
        #expect(report.rows == Int64(source.values.reduce(0) { $0 + $1.count } - source["head"]!.count))
        #expect(try await contents(to.source) == contents(from.source))
    }

    /// A column that nothing is ever in proves nothing about its copy.
    @Test func `is tried with something in every column`() async throws {
        let place = try Place(.file)
        try await FullStore.make(in: place)
        for (table, rows) in try place.tables() {
            guard !rows.isEmpty else { continue }
            let values = rows.map { $0.split(separator: " | ", omittingEmptySubsequences: false) }
            for column in values[0].indices {
                #expect(values.contains { $0[column] != "null" }, "column \(column) of \(table) is null everywhere")
            }
        }
    }

    #if PostgreSQL
        @Test func `may lie in another schema of the same database`() async throws {
            let place = try Place(.server)
            try await FullStore.make(in: place)
            let other = place.source(schema: "other schema")
            _ = try await StoreCopy(from: place.source, to: other).run()
            #expect(try place.tables(other) == place.tables())
            #expect(try await contents(other) == contents(place.source))
        }
    #endif

    @Test(arguments: Way.allCases)
    func `goes on as a store: ids, feed, consumers`(_ way: Way) async throws {
        let (from, to) = (try Place(way.from), try Place(way.to))
        let middle = try await FullStore.make(in: from)
        let report = try await StoreCopy(from: from.source, to: to.source).run()
        var seen: [[String]] = []
        for place in [from, to] {
            let store = try await Metastore.open(place.source)
            #expect(store.position == report.position)
            // The rest of the history, from a position that was kept when the store was elsewhere.
            var keys: [String] = []
            for try await batch in store.changes(after: middle).batches {
                keys += batch.commits.flatMap { commit in commit.changes.map { "\(commit.revision) \($0.key.path)" } }
                if batch.position.revision == report.position.revision { break }
            }
            let position = try await store.consumers.position(FullStore.consumer)
            let next = try await store.write { tx in try tx.experiments.create(NewExperiment(name: "n", config: [:])) }
            let workload = try await store.write { tx in
                try tx.workloads.report(
                    WorkloadReport(trial: 1, generation: 1, step: 3, kind: .runStep, totalBatches: 300))
            }
            seen.append(keys + ["\(position)", "\(next.id) \(next.createdRevision)", "\(workload.id)"])
            await store.close()
        }
        #expect(seen[0] == seen[1])
        #expect(seen[0].count > 20)
        #expect(try await contents(to.source).rows.keys == contents(from.source).rows.keys)
    }

    @Test(arguments: Kind.allCases)
    func `run again is found finished`(_ kind: Kind) async throws {
        let (from, to) = (try Place(.file), try Place(kind))
        try await FullStore.make(in: from)
        let copy = StoreCopy(from: from.source, to: to.source)
        let first = try await copy.run()
        let before = try to.tables()
        let second = try await copy.run()
        #expect(second.beginning == .finishedBefore && second.position == first.position)
        #expect(try to.tables() == before)
    }

    @Test(arguments: Way.allCases)
    func `tells how far it is`(_ way: Way) async throws {
        let (from, to) = (try Place(way.from), try Place(way.to))
        try await FullStore.make(in: from, more: 250)
        var options = StoreCopy.Options()
        options.batchRows = 100
        let told = Told()
        let report = try await StoreCopy(from: from.source, to: to.source, options).run(told.hear)
        var copied: [CopyProgress] = []
        var verified: [CopyProgress] = []
        for event in told.all {
            switch event {
            case .began: continue
            case .copied(let progress):
                copied.append(progress)
                #expect(verified.isEmpty)
            case .verified(let progress): verified.append(progress)
            }
        }
        let workloads = copied.filter { $0.table == "workloads" }
        #expect(workloads.map(\.rows) == [100, 200, 255])
        #expect(workloads.allSatisfy { $0.of == 255 })
        #expect(copied.map(\.bytes) == copied.map(\.bytes).sorted() && copied.last?.bytes == report.bytes)
        #expect(verified.last { $0.table == "log" }?.rows == copied.last { $0.table == "log" }?.rows)
    }

    @Test(arguments: Way.allCases)
    func `of a store whose log was cut off is the same`(_ way: Way) async throws {
        let (from, to) = (try Place(way.from), try Place(way.to))
        try await FullStore.make(in: from)
        var options = StoreOptions()
        options.logRetention = .zero
        options.housekeepingInterval = .milliseconds(5)
        let store = try await Metastore.open(from.source, options)
        let end = ContinuousClock.now + .seconds(60)
        // The consumer that stands at the log's middle holds the rest.
        while try await store.info().compactedRevision.rawValue < 3, ContinuousClock.now < end {
            try await Task.sleep(for: .milliseconds(5))
        }
        await store.close()
        _ = try await StoreCopy(from: from.source, to: to.source).run()
        let copy = try await contents(to.source)
        #expect(copy.links.count < copy.revision.rawValue)
        #expect(try await copy == contents(from.source))
    }
}
