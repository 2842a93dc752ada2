import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

@Suite struct `What several readers want` {
    /// All are awake, from one position on, and each asks in its own way.
    @Test func `is what each of them gets, whoever decoded it`() async throws {
        let store = try await Metastore.open(.inMemory(), .quick)
        let start = store.position
        for number in 0..<40 {
            try await store.write { tx in
                try tx.keyValue.put(EntryKey(namespace: "n\(number % 20)", key: "k"), [UInt8(number)])
                try tx.pools.put(NewPool(name: "p\(number)"))
            }
        }
        let whole = try await store.changes(after: start).first(80)
        #expect(store.feedMemory.decodedBytes > 0)
        for _ in 0..<3 {
            #expect(try await store.changes(after: start).first(80) == whole)
            let pools = try await store.changes(after: start, of: .pools).first(40)
            #expect(pools == whole.filter { $0.kind == .pool })
            for number in 0..<20 {
                let prefix = KeyPrefix("kv/n\(number)")
                let mine = try await store.changes(after: start, under: prefix).first(2)
                #expect(mine == whole.filter { prefix.matches($0.key) })
            }
        }
        // From a later position on.
        let later = try await store.position(at: Revision(rawValue: start.revision.rawValue + 39))
        #expect(try await store.changes(after: later).first(2) == Array(whole.suffix(2)))
        await store.close()
        #expect(store.feedMemory.decodedBytes == 0)
    }

    @Test func `is kept decoded up to the size of a batch`() async throws {
        let store = try await Metastore.open(.inMemory(), .quick)
        let start = store.position
        try await store.putSome(20, bytes: 64 << 10)
        var highest = 0
        for number in 0..<40 {
            let after = try await store.position(at: Revision(rawValue: start.revision.rawValue + Int64(number)))
            _ = try await store.changes(after: after).first(1)
            highest = max(highest, store.feedMemory.decodedBytes)
        }
        #expect(highest > Limits.feedBatchBytes / 2 && highest <= Limits.feedBatchBytes)
        await store.close()
    }
}

extension Changes {
    /// As many as there are known to be.
    fileprivate func first(_ count: Int) async throws -> [Change] {
        var found: [Change] = []
        var iterator = makeAsyncIterator()
        while found.count < count, let change = try await iterator.next() { found.append(change) }
        return found
    }
}
