import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `The log keeps what it promised to keep` {
    /// Broke: the head counted a body's bytes uncompressed when it came and compressed when it went, so that the log
    /// seemed over its bound for ever, and was cut down to its last record.
    @Test(arguments: TestEngine.allCases)
    func `as many bytes as it may, as they are stored`(_ engine: TestEngine) async throws {
        try await withBench(engine, configure: { $0.logRetentionBytes = 40_000 }) { bench in
            let store = bench.store
            let repetitive = [UInt8](repeating: 65, count: 20_000)
            for round in 0..<20 {
                try await store.keyValue.put("n/a", repetitive + [UInt8(round)])
                bench.time.monotonic += .milliseconds(20)
            }
            // Two rounds of housekeeping have passed when both have run out.
            for _ in 0..<2 {
                let lease = try await store.leases.grant(timeToLive: .seconds(1))
                bench.time.monotonic += .seconds(1)
                _ = await eventually { store.leases.remaining(lease.id) == nil }
            }
            let info = try await store.info()
            #expect(info.compactedRevision == .absent, "twenty records of some hundred bytes are far below the bound")
            #expect(try await store.commits().count == 24)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `and is cut by size from its oldest end, never before a consumer has read it`(
        _ engine: TestEngine
    ) async throws {
        var random = Seeded("log")
        let noise = (0..<2_000).map { _ in UInt8.random(in: 0...255, using: &random) }
        try await withBench(engine, configure: { $0.logRetentionBytes = 20_000 }) { bench in
            let store = bench.store
            var consumer = store.changes(as: "slow", from: .now).makeAsyncIterator()
            try await store.keyValue.put("n/a", "0")
            let batch = try #require(try await consumer.next())
            let kept = batch.position.revision
            try await batch.skip()
            for round in 0..<14 { try await store.keyValue.put("n/a", noise + [UInt8(round)]) }
            bench.time.monotonic += .seconds(1)
            #expect(try await eventually { try await store.info().compactedRevision == kept })
            #expect(
                try await consumer.next()?.commits.first?.revision.rawValue == kept.rawValue + 1, "it missed nothing")
            try await store.consumers.remove("slow")
            bench.time.monotonic += .seconds(1)
            #expect(try await eventually { try await store.info().compactedRevision > kept })
            let oldest = try await store.info().compactedRevision
            #expect(await refusal { try await store.commits(after: 1) } != nil)
            guard case .compacted(let position) = await refusal({ try await store.position(at: 0) }) else {
                Issue.record("the first changes are no longer kept")
                return
            }
            #expect(position.revision == oldest)
            for try await change in store.changes(after: position) {
                #expect(change.revision.rawValue == oldest.rawValue + 1)
                break
            }
        }
    }

    /// Broke: a step of 1,000 records each half second, however many there were: 64 clients write more than that, and
    /// the log grew for ever.
    @Test(arguments: TestEngine.allCases)
    func `and one far beyond its bound is cut step after step, without waiting for the next round`(
        _ engine: TestEngine
    ) async throws {
        let configure: @Sendable (inout StoreOptions) -> Void = { options in
            options.logRetentionBytes = 0
            options.housekeepingInterval = .seconds(3_600)
        }
        try await withBench(engine, configure: configure) { bench in
            let store = bench.store
            try await withThrowingTaskGroup { group in
                for task in 0..<8 {
                    group.addTask {
                        for entry in 0..<(Limits.retentionStep / 4) {
                            try await store.keyValue.put(EntryKey(namespace: "n", key: "\(task)-\(entry)"), "a value")
                        }
                    }
                }
                try await group.waitForAll()
            }
            bench.time.monotonic += .seconds(3_600)
            // One round is due, and the clock stands still from here on.
            try await store.keyValue.put("n/last", "a value")
            let head = store.position.revision
            #expect(head.rawValue > 2 * Int64(Limits.retentionStep))
            #expect(
                try await eventually { try await store.info().compactedRevision.rawValue == head.rawValue - 1 })
        }
    }
}
