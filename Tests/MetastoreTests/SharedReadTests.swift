#if PostgreSQL
    import Glibc
    import Metastore
    import MetastoreEngine
    import MetastoreModel
    import MetastoreTestSupport
    import Testing

    @Suite struct `A read where several servers may answer` {
        /// For so long that the read isn't tried again.
        @Test func `is of its snapshot, and misses nothing that was committed after that`() async throws {
            try await withBench(TestEngine.postgresql, configure: { $0.engine.callTimeout = .seconds(4) }) {
                (bench: Bench) async throws -> Void in
                let store = bench.store
                for round in 0..<10 {
                    let (key, answered) = (EntryKey(namespace: "n", key: "k\(round)"), Counter())
                    bench.faults.arm(
                        .snapshot,
                        .run { _ in
                            let committed = Counter()
                            Task {
                                try await store.keyValue.put(key, "later")
                                committed.count()
                            }
                            while committed.value == 0 { usleep(1_000) }
                            usleep(2_100_000)
                            answered.count()
                        })
                    let found = try await store.keyValue.get(key)
                    guard answered.value == 1 else {
                        // One of the store's own reads was faster.
                        #expect(await eventually { answered.value == 1 })
                        continue
                    }
                    #expect(found == nil)
                    #expect(try await store.keyValue.get(key) != nil)
                    return
                }
                Issue.record("it was never this test's read")
            }
        }
    }
#endif
