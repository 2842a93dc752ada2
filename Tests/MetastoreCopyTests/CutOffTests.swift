internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `A copy that was cut off` {
    /// For writing or for reading, and nothing is changed by trying.
    @Test(arguments: Kind.allCases)
    func `is no store, and says what it is and what to do`(_ kind: Kind) async throws {
        let (from, to) = (try Place(.file), try Place(kind))
        try await FullStore.make(in: from)
        try await cutOff(from.source, to.source, after: 4)
        let before = try to.tables()
        var options = StoreOptions()
        for isReadOnly in [true, false] {
            options.engine.isReadOnly = isReadOnly
            options.schema = .automatically
            options.history = .adopt
            let error = await refusal { _ = try await Metastore.open(to.source, options) }
            guard case .unfinishedCopy(_, let source)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let store = try await Metastore.open(from.source)
            let info = try await store.info()
            await store.close()
            #expect(source == "cluster \(info.cluster.uuidString.lowercased()) at revision \(info.revision)")
            let text = "\(error!)"
            #expect(text.contains("unfinished copy") && text.contains("again") && text.contains("Do not delete"))
        }
        #expect(try to.tables() == before)
    }

    @Test(arguments: Way.allCases)
    func `goes on where it stopped`(_ way: Way) async throws {
        let (from, to) = (try Place(way.from), try Place(way.to))
        try await FullStore.make(in: from, more: 30)
        // The first row of the store, somewhere in a table, between two tables, in the log, after the last row.
        let rows = try from.tables().values.reduce(0) { $0 + $1.count } - 1
        for stop in [1, 11, rows / 2, rows - 12, rows] {
            let place = try Place(way.to)
            try await cutOff(from.source, place.source, after: stop, batchRows: 1)
            let report = try await StoreCopy(from: from.source, to: place.source).run()
            #expect(report.beginning == .resumed(rows: Int64(stop)))
            #expect(report.rows == Int64(rows))
            #expect(try place.tables() == from.tables(), "after \(stop)")
        }
        // More than once.
        var done = 0
        for stop in [3, 40, 30, 2] {
            try await cutOff(from.source, to.source, after: stop, batchRows: 1)
            done += stop
        }
        let report = try await StoreCopy(from: from.source, to: to.source).run()
        #expect(report.beginning == .resumed(rows: Int64(done)))
        #expect(try await contents(to.source) == contents(from.source))
    }

    @Test(arguments: Way.allCases, [4, 60])
    func `begins anew when the source has moved on, and says so`(_ way: Way, _ stop: Int) async throws {
        let (from, to) = (try Place(way.from), try Place(way.to))
        try await FullStore.make(in: from, more: 30)
        try await cutOff(from.source, to.source, after: stop, batchRows: 1)
        let store = try await Metastore.open(from.source)
        let before = store.position.revision
        try await store.keyValue.put("n/later", "1")
        try await store.write { tx in try tx.keyValue.delete(EntryKey(namespace: "n", key: "last")) }
        let after = store.position.revision
        await store.close()
        // Cut off again, on its second way.
        try await cutOff(from.source, to.source, after: stop, batchRows: 1)
        let told = Told()
        let report = try await StoreCopy(from: from.source, to: to.source).run(told.hear)
        #expect(report.beginning == .resumed(rows: Int64(stop)))
        let again = try Place(way.to)
        try await cutOff(from.source, again.source, after: stop, batchRows: 1)
        let moved = try await Metastore.open(from.source)
        try await moved.keyValue.put("n/later", "2")
        await moved.close()
        let anew = try await StoreCopy(from: from.source, to: again.source).run(told.hear)
        #expect(anew.beginning == .anew(from: after, to: Revision(after.rawValue + 1)) && after > before)
        #expect(told.all.contains(.began(anew.beginning)))
        #expect(try again.tables() == from.tables())
        #expect(try await contents(again.source) == contents(from.source))
    }

    /// A consumer that moves alone, or a heartbeat, makes no revision; half the rows would be of an earlier moment.
    @Test(arguments: Kind.allCases)
    func `begins anew when only what makes no revision has changed`(_ kind: Kind) async throws {
        let (from, to) = (try Place(kind), try Place(.file))
        try await FullStore.make(in: from, more: 30)
        try await cutOff(from.source, to.source, after: 60, batchRows: 1)
        let store = try await Metastore.open(from.source)
        let revision = store.position.revision
        try await store.write { tx in try tx.agents.heartbeat("agent/1") }
        #expect(store.position.revision == revision)
        await store.close()
        let report = try await StoreCopy(from: from.source, to: to.source).run()
        #expect(report.beginning == .anew(from: revision, to: revision))
        #expect(try to.tables() == from.tables())
    }

    @Test(arguments: Kind.allCases)
    func `of one cluster isn't gone on with from another`(_ kind: Kind) async throws {
        let (from, other, to) = (try Place(.file), try Place(.file), try Place(kind))
        try await FullStore.make(in: from)
        try await FullStore.make(in: other)
        try await cutOff(from.source, to.source, after: 10)
        let before = try to.tables()
        guard case .unfinishedCopy? = await copyRefusal(other.source, to.source) else {
            Issue.record("it went on")
            return
        }
        #expect(try to.tables() == before)
        _ = try await StoreCopy(from: from.source, to: to.source).run()
        #expect(try await contents(to.source) == contents(from.source))
    }

    /// On a device of its own: some megabytes of memory, mounted for the test (which therefore runs as root).
    @Test(arguments: [1, 8, 20])
    func `by a full device goes on when there is room`(_ megabytes: Int) async throws {
        let (from, to) = (try Place(.file), try Place(.file))
        try await FullStore.make(in: from)
        let store = try await Metastore.open(from.source)
        var random = Scale.random(3)
        for number in 0..<12 {
            let value = (0..<1 << 17).flatMap { _ in withUnsafeBytes(of: random.next()) { Array($0) } }
            try await store.keyValue.put(EntryKey(namespace: "large", key: "\(number)"), value)
        }
        await store.close()
        try to.mount(megabytes: megabytes)
        #expect(await copyRefusal(from.source, to.source) == .diskFull)
        // Nor is there room now.
        #expect(await copyRefusal(from.source, to.source) == .diskFull)
        try to.mount(megabytes: 200, again: true)
        let report = try await StoreCopy(from: from.source, to: to.source).run()
        if megabytes > 1 { #expect(report.beginning != .fromNothing) }
        #expect(try to.tables() == from.tables())
        _ = try await contents(to.source)
    }
}
