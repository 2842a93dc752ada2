import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreSQLite
import Synchronization
import Testing

@Suite struct `A reader of the feed` {
    @Test(arguments: Place.allCases)
    func `that stalls for ever keeps neither writes nor memory`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let start = store.position
        var stalled: [ChangeBatches.Iterator] = []
        try await store.keyValue.put("n/first", "1")
        for _ in 0..<20 {
            var iterator = store.changes(after: start).batches.makeAsyncIterator()
            _ = try await iterator.next()
            stalled.append(iterator)
        }
        var random = Randomness(Load.seed)
        var highest = 0
        let count = 24 * (1 << 20) / (64 << 10)
        for number in 0..<count {
            let value = random.bytes(64 << 10)
            try await store.keyValue.put(EntryKey(namespace: "n", key: "k\(number % 16)"), value)
            highest = max(highest, store.feedMemory.bytes)
            #expect(store.feedMemory.waiters == 0)
        }
        #expect(highest <= Limits.feedCacheBytes && highest > Limits.feedCacheBytes / 2)
        // One that wakes up again after all has everything.
        var found = 0
        var iterator = stalled[0]
        while found < count, let batch = try await iterator.next() { found += batch.changes.count }
        #expect(found == count)
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `gets one revision larger than a batch, whole`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let start = store.position
        var random = Randomness(1)
        let value = random.bytes(7 << 20)
        try await store.write { tx in
            for number in 0..<3 { try tx.keyValue.put(EntryKey(namespace: "n", key: "\(number)"), value) }
        }
        try await store.keyValue.put("n/after", "1")
        #expect(store.feedMemory.bytes <= Limits.feedCacheBytes)
        var iterator = store.changes(after: start).batches.makeAsyncIterator()
        #expect(try await iterator.next()?.changes.count == 3)
        #expect(try await iterator.next()?.changes.count == 1)
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `is ended with closed when the store is closed`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        try await store.putSome(10)
        let start = try await store.position(at: 0)
        let here = store.position
        let readers = (0..<40).map { number in
            Task { () -> StoreError? in
                do {
                    // Some wait at the head, some read over and over.
                    if number.isMultiple(of: 2) {
                        for try await _ in store.changes(after: here) {}
                    } else {
                        while true {
                            var iterator = store.changes(after: start).batches.makeAsyncIterator()
                            _ = try await iterator.next()
                        }
                    }
                    return nil
                } catch {
                    return error as? StoreError
                }
            }
        }
        let consumer = Task { () -> StoreError? in
            do {
                for try await batch in store.changes(as: "c", of: .pools) { try await batch.skip() }
                return nil
            } catch {
                return error as? StoreError
            }
        }
        try await Task.sleep(for: .milliseconds(50))
        await store.close()
        for reader in readers { #expect(await reader.value == .closed) }
        #expect(await consumer.value == .closed)
        #expect(await refusal(store, after: here) == .closed)
    }

    @Test(arguments: Place.allCases)
    func `that waits ends at once when it is cancelled`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        let position = store.position
        for delay in [0, 0, 1, 5, 30] {
            let readers = (0..<20).map { _ in
                Task { () -> Bool in
                    do {
                        for try await _ in store.changes(after: position) {}
                        return false
                    } catch is CancellationError {
                        return true
                    }
                }
            }
            try await Task.sleep(for: .milliseconds(delay))
            for reader in readers { reader.cancel() }
            let began = ContinuousClock.now
            for reader in readers { #expect(try await reader.value) }
            #expect(ContinuousClock.now - began < .seconds(5))
        }
        #expect(store.feedMemory.waiters == 0)
        await store.close()
    }

    @Test(arguments: Place.allCases)
    func `sleeps while nothing concerns it, also as one of a thousand`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        var options = StoreOptions.quick
        options.housekeepingInterval = .seconds(3_600)
        let store = try await Metastore.open(directory.source(place), options)
        let position = store.position
        let woken = Counter()
        // On a server a look for others' commits may find ours before the writer has told of it: everybody wakes then,
        // now and then.
        let isAlone = place.isExclusive
        let readers = (0..<1_000).map { _ in
            Task { () -> [Change] in
                var iterator = store.changes(after: position, of: .pools).batches.makeAsyncIterator()
                while let batch = try await iterator.next() {
                    woken.add()
                    if !batch.isBookmark { return batch.changes }
                }
                return []
            }
        }
        #expect(try await eventually { store.feedMemory.waiters == 1_000 })
        try await store.putSome(100)
        if isAlone { #expect(store.feedMemory.waiters == 1_000 && woken.count == 0) }
        // Broke: a consumer's position that moved alone woke everybody.
        var consumer = store.changes(as: "c").makeAsyncIterator()
        for _ in 0..<20 {
            try await store.keyValue.put("n/k", "\(store.position.revision)")
            try await consumer.next()?.skip()
            if isAlone { #expect(store.feedMemory.waiters == 1_000) }
        }
        try await store.write { tx in try tx.pools.put(NewPool(name: "p")) }
        for reader in readers { #expect(try await reader.value.map(\.key) == [.pool("p")]) }
        #expect(isAlone ? woken.count == 1_000 : woken.count < 10_000, "\(woken.count)")
        await store.close()
    }

    private final class Counter: Sendable {
        private let state = Mutex(0)
        var count: Int { state.withLock { $0 } }
        func add() { state.withLock { $0 += 1 } }
    }

    @Test(arguments: Place.allCases.filter(\.isLasting))
    func `of a second, read-only handle sees everything`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await Metastore.open(directory.source(place), .quick)
        try await store.putSome(5)
        var options = StoreOptions.quick
        options.engine.isReadOnly = true
        let other = try await Metastore.open(directory.source(place), options)
        let start = try await other.position(at: 0)
        let target = store.position.revision.rawValue + 400
        let reading = Task {
            var found: [Int64] = []
            for try await batch in other.changes(after: start).batches {
                found += batch.commits.map(\.revision.rawValue)
                if batch.position.revision.rawValue >= target { break }
            }
            return found
        }
        try await store.putSome(200, namespace: "later")
        #expect(try await reading.value == Array(2...target))
        // From a read of the other handle on, and filtered.
        let page = try await other.keyValue.list("n")
        let watching = Task {
            var iterator = other.changes(after: page.position, of: .pools).makeAsyncIterator()
            return try await iterator.next()?.key
        }
        try await store.putSome(3)
        try await store.write { tx in try tx.pools.put(NewPool(name: "p")) }
        #expect(try await watching.value == .pool("p"))
        await #expect(throws: StoreError.readOnly) { try await other.keyValue.put("n/k", "1") }
        let waiting = Task { await refusal(other, after: store.position) }
        try await Task.sleep(for: .milliseconds(50))
        await other.close()
        #expect(await waiting.value == .closed)
        await store.close()
    }
}
