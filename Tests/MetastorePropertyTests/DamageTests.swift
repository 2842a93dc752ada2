import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

@Suite struct `A damaged body` {
    /// One record of each kind of the golden store, damaged in thousands of ways.
    @Test func `gives a typed error or a value, and never passes the chain`() async throws {
        let store = try await GoldenStore.make()
        let records = try await store.logRecords(after: 0, bytes: .max)
        let cluster = try await store.info().cluster
        await store.close()
        var random = Randomness(Load.seed)
        var (refused, read) = (0, 0)
        for _ in 0..<Load.part(of: 100_000) {
            let index = Int.random(in: 0..<records.count, using: &random)
            var record = records[index]
            random.damage(&record.body)
            guard record.body != records[index].body else { continue }
            let before = index == 0 ? LogRecord.genesis(cluster: cluster) : records[index - 1].chain
            #expect(record.link(after: before) != record.chain)
            do {
                try record.decodeBody { (raw) throws(StoreError) in
                    _ = try raw.images(raw.kind.table)
                    if raw.kind != .cluster { _ = Summary.of(try raw.change(record.revision)) }
                }
                read += 1
            } catch {
                guard case StoreError.damaged = error else {
                    Issue.record("METASTORE_TEST_SEED=\(Load.seed): \(error)")
                    return
                }
                refused += 1
            }
        }
        #expect(refused > read, "most damage is seen without the chain: \(refused) refused, \(read) read")
    }

    @Test func `inside a compressed frame is refused`() throws {
        var random = Randomness(Load.seed)
        let body = (0..<4_000).map { UInt8(truncatingIfNeeded: $0 / 7) }
        let (encoding, frame) = Compression.compress(body)
        #expect(encoding == .lz4)
        for _ in 0..<Load.part(of: 20_000) {
            var damaged = frame
            random.damage(&damaged)
            guard damaged != frame else { continue }
            do {
                let found = try Compression.decompress(damaged, cap: 1 << 20, place: "a frame")
                #expect(found == body, "METASTORE_TEST_SEED=\(Load.seed)")
            } catch {
                guard case StoreError.damaged = error else {
                    Issue.record("METASTORE_TEST_SEED=\(Load.seed): \(error)")
                    return
                }
            }
        }
    }

    @Test func `is not applied, nor is anything that came with it`() async throws {
        let store = try await GoldenStore.make()
        let records = try await store.logRecords(after: 0, bytes: .max)
        let cluster = try await store.info().cluster
        await store.close()
        for (index, spoil) in Self.spoilers.enumerated() {
            let replica = try await Metastore.openReplica(.inMemory(), of: cluster)
            try await replica.replay(Array(records[..<5]))
            let before = try await replica.contents()
            var spoiled = Array(records[5..<12])
            spoil(&spoiled)
            await #expect(throws: StoreError.self, "spoiler \(index)") { try await replica.replay(spoiled) }
            #expect(try await replica.contents() == before)
            try await replica.replay(Array(records[5...]))
            #expect(try await replica.info().revision == records.last?.revision)
            await replica.close()
        }
    }

    private static let spoilers: [@Sendable (inout [LogRecord]) -> Void] = [
        { $0[3].body[8] ^= 1 }, { $0[6].chain[31] ^= 1 }, { $0.remove(at: 2) }, { $0.swapAt(1, 2) },
        { $0[2].actor += "x" }, { $0[2].kinds = .all }, { $0[0].revision = 5 },
        { $0[4].epoch = Epoch(number: 9, nonce: 1) },
        { $0[1].operation = UUID() }, { $0[1].consumer = ConsumerProgress(name: "scheduler", revision: 1) },
        { $0[5].time = Timestamp(microseconds: 0) }, { $0[5].schema = 1 },
    ]

    @Test func `is not the only thing a replica refuses: another cluster, and rows that differ`() async throws {
        let store = try await GoldenStore.make()
        let records = try await store.logRecords(after: 0, bytes: .max)
        let cluster = try await store.info().cluster
        await store.close()
        let stranger = try await Metastore.openReplica(.inMemory(), of: UUID())
        await #expect(throws: StoreError.self) { try await stranger.replay(records) }
        await stranger.close()
        let own = try await Metastore.open(.inMemory())
        await #expect(throws: StoreError.self) { try await own.replay(records) }
        await own.close()
        // A write of the replica's own would be a fork: it is refused, and what comes next still follows.
        let replica = try await Metastore.openReplica(.inMemory(), of: cluster)
        try await replica.replay(Array(records[..<5]))
        await #expect(throws: StoreError.self) { try await replica.write { tx in try tx.keyValue.put("a/b", "c") } }
        try await replica.replay(Array(records[5...]))
        #expect(try await replica.info().revision == records.last?.revision)
        await replica.close()
    }
}

extension Randomness {
    /// A flipped bit, another byte, some bytes lost, doubled or added.
    mutating func damage(_ bytes: inout [UInt8]) {
        let at = Int.random(in: 0..<bytes.count, using: &self)
        switch Int.random(in: 0...4, using: &self) {
        case 0: bytes[at] ^= 1 << UInt8.random(in: 0...7, using: &self)
        case 1: bytes[at] = UInt8(truncatingIfNeeded: next())
        case 2: bytes.removeSubrange(at...)
        case 3: bytes.remove(at: at)
        default: bytes.insert(UInt8(truncatingIfNeeded: next()), at: at)
        }
        if bytes.isEmpty { bytes = [0] }
    }
}
