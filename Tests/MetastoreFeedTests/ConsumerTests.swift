import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Synchronization
import Testing

@Suite struct `A named consumer` {
    private struct Crash: Error {}

    /// Counts each change once, whatever is thrown when: before its effects, after them, or by the whole process.
    @Test(arguments: Place.allCases)
    func `has its effects exactly once through crashes`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        var random = Randomness(Load.seed)
        var store = try await Metastore.open(directory.source(place), .quick)
        var expected: [String: Int] = [:]
        var last = Revision.absent
        for round in 0..<Load.part(of: 800) {
            for _ in 0..<random.number(1...5) {
                let key = "k\(random.number(0...9))"
                let entry = try await store.keyValue.put(
                    EntryKey(namespace: "in", key: key), "\(round) \(random.next())")
                last = entry.revision
                expected[key, default: 0] += 1
            }
            var iterator = store.changes(as: "counter", under: "kv/in").makeAsyncIterator()
            for _ in 0..<random.number(1...3) {
                let position = try? await store.consumers.position("counter")
                if let position, position.revision >= last { break }
                guard let batch = try await iterator.next() else { break }
                let fails = random.chance(30)
                do {
                    try await batch.process { change, tx in
                        guard case .keyValue(let entry) = change, let row = entry.after else { return }
                        let key = EntryKey(namespace: "out", key: row.key)
                        let count = try tx.keyValue.get(key).flatMap { Int(String(decoding: $0.value, as: UTF8.self)) }
                        try tx.keyValue.put(key, "\((count ?? 0) + 1)")
                        if fails { throw Crash() }
                    }
                } catch is Crash {
                    break
                }
                // After the effects, before anybody knows: the iterator is dropped, and maybe the process ends.
                if random.chance(30) { break }
            }
            if place.isLasting, random.chance(20) {
                await store.close()
                store = try await Metastore.open(directory.source(place), .quick)
            }
        }
        var iterator = store.changes(as: "counter", under: "kv/in").makeAsyncIterator()
        try await store.keyValue.put("in/last", "x")
        expected["last"] = 1
        while try await store.keyValue.get("out/last") == nil, let batch = try await iterator.next() {
            try await batch.process { change, tx in
                guard case .keyValue(let entry) = change, let row = entry.after else { return }
                let key = EntryKey(namespace: "out", key: row.key)
                let count = try tx.keyValue.get(key).flatMap { Int(String(decoding: $0.value, as: UTF8.self)) }
                try tx.keyValue.put(key, "\((count ?? 0) + 1)")
            }
        }
        let page = try await store.keyValue.list("out")
        let found = Dictionary(
            uniqueKeysWithValues: page.records.map { ($0.key, Int(String(decoding: $0.value, as: UTF8.self))!) })
        #expect(found == expected, "METASTORE_TEST_SEED=\(Load.seed)")
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `notices that another uses its name`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        try await store.putSome(3)
        var one = store.changes(as: "shared").makeAsyncIterator()
        var two = store.changes(as: "shared").makeAsyncIterator()
        let first = try #require(try await one.next())
        let second = try #require(try await two.next())
        try await first.process { _, _ in }
        await #expect(
            throws: StoreError.consumerMoved(name: "shared", expected: .absent, found: first.position.revision)
        ) {
            try await second.process { _, tx in try tx.keyValue.put("never/there", "1") }
        }
        #expect(try await store.keyValue.get("never/there") == nil)
        #expect(try await store.consumers.position("shared") == first.position)
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `begins where it is told to`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        try await store.putSome(3)
        let middle = try await store.position(at: 4)
        for (name, start, first) in [
            ("a", .beginning, 2), ("b", .after(middle), 5), ("c", .now, 0),
        ] as [(String, ConsumerStart, Int64)] {
            var iterator = store.changes(as: name, under: "kv/n", from: start).makeAsyncIterator()
            let next = Task {
                try await Task.sleep(for: .milliseconds(50))
                try await store.keyValue.put(EntryKey("n/\(name)"), "1")
            }
            let batch = try #require(try await iterator.next())
            if first == 0 {
                #expect(batch.commits.count == 1 && batch.changes.count == 1)
            } else {
                #expect(batch.commits.first?.revision.rawValue == first)
            }
            try await next.value
        }
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `keeps its position, which moves alone without a revision`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        var store = try await Metastore.open(directory.source(place), .quick)
        try await store.putSome(10)
        var iterator = store.changes(as: "quiet").makeAsyncIterator()
        let batch = try #require(try await iterator.next())
        let before = store.position
        try await batch.process { _, _ in }
        #expect(store.position == before)
        #expect(try await store.consumers.position("quiet") == batch.position)
        if place.isLasting {
            await store.close()
            store = try await Metastore.open(directory.source(place), .quick)
            #expect(try await store.consumers.position("quiet") == batch.position)
        }
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `is moved on by bookmarks when nothing it wants happens`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let waiting = Task {
            var iterator = store.changes(as: "idle", of: .pools).makeAsyncIterator()
            return try await iterator.next()?.changes.count
        }
        try await store.putSome(50)
        let end = store.position.revision
        #expect(try await eventually { (try? await store.consumers.position("idle"))?.revision ?? 0 >= end })
        try await store.write { tx in try tx.pools.put(NewPool(name: "p")) }
        #expect(try await waiting.value == 1)
        await store.close()
    }

    // MARK: Retention

    private static var small: StoreOptions {
        var options = StoreOptions.quick
        options.logRetentionBytes = 20_000
        return options
    }

    @Test(arguments: Place.allCases)
    func `holds the log back until the hard bound, and is expired there, visibly`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), Self.small)
        var iterator = store.changes(as: "slow").makeAsyncIterator()
        let batch = try #require(try await iterator.next())
        try await batch.process { _, _ in }
        let stands = try await store.consumers.position("slow")
        // More than the soft bound, less than the hard one.
        try await store.putSome(70)
        try await Task.sleep(for: .milliseconds(200))
        #expect(try await store.info().compactedRevision <= stands.revision)
        #expect(try await store.consumers.all().map(\.isExpired) == [false])
        #expect(try await revisions(store, after: stands).count > 100)
        // And more than that, and than the feed keeps in memory.
        let here = store.position
        let watching = Task {
            var changes = store.changes(after: here, of: .consumers).makeAsyncIterator()
            return try await changes.next()
        }
        try await store.putSome(300, bytes: 64_000)
        guard case .consumer(let change) = try await watching.value else {
            Issue.record("nobody was told")
            return
        }
        #expect(change.after?.isExpired == true && change.after?.name == "slow")
        #expect(try await eventually { try await store.info().compactedRevision > stands.revision })
        await #expect(throws: StoreError.consumerExpired(name: "slow")) { try await iterator.next() }
        var anew = store.changes(as: "slow").makeAsyncIterator()
        await #expect(throws: StoreError.consumerExpired(name: "slow")) { try await anew.next() }
        await #expect(throws: StoreError.consumerExpired(name: "slow")) { try await batch.skip() }
        // Registering anew is a decision.
        try await store.consumers.remove("slow")
        var fresh = store.changes(as: "slow", under: "kv/n", from: .now).makeAsyncIterator()
        let next = Task {
            try await Task.sleep(for: .milliseconds(50))
            try await store.keyValue.put("n/next", "1")
        }
        #expect(try await fresh.next()?.changes.count == 1)
        try await next.value
        await store.close()
    }

    /// Broke: twice the largest bound was too large a number.
    @Test(arguments: Place.allCases)
    func `may need any log at all when nothing bounds it`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        var options = StoreOptions.quick
        options.logRetentionBytes = .max
        options.logRetention = .zero
        let store = try await Metastore.open(directory.source(place), options)
        let first = Task {
            var iterator = store.changes(as: "first", of: .keyValue, from: .now).makeAsyncIterator()
            return try await iterator.next()
        }
        #expect(try await eventually { try await !store.consumers.all().isEmpty })
        try await store.putSome(20)
        let batch = try #require(try await first.value)
        try await Task.sleep(for: .milliseconds(100))
        let stands = try await store.consumers.position("first").revision
        #expect(try await store.info().compactedRevision <= stands)
        try await batch.skip()
        #expect(try await eventually { try await store.info().compactedRevision > stands })
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `that keeps up never misses a change, however small the log`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), Self.small)
        let reading = Task {
            var last: Int64 = 0
            for try await batch in store.changes(as: "quick", of: .keyValue) {
                for change in batch.changes {
                    guard case .keyValue(let entry) = change, let row = entry.after, row.namespace == "count" else {
                        continue
                    }
                    let number = Int64(String(decoding: row.value, as: UTF8.self))!
                    guard number == last + 1 else { throw Crash() }
                    last = number
                }
                try await batch.process { _, _ in }
                if last == 3_000 { return last }
            }
            return last
        }
        for number in 1...3_000 {
            try await store.keyValue.put("count/n", "\(number)")
            // The bound is for those who fall behind, not for a race.
            if number.isMultiple(of: 50) {
                #expect(try await store.consumers.all().allSatisfy { !$0.isExpired })
                try await Task.sleep(for: .milliseconds(3))
            }
        }
        #expect(try await reading.value == 3_000)
        #expect(try await eventually { try await store.info().compactedRevision > 2_000 })
        await store.close()
    }
}
