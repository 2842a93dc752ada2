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
                let (store, answered) = (bench.store, Counter())
                bench.faults.arm(
                    .snapshot,
                    .run { _ in
                        let committed = Counter()
                        Task {
                            try await store.keyValue.put("n/k", "later")
                            committed.count()
                        }
                        while committed.value == 0 { usleep(1_000) }
                        usleep(2_100_000)
                        answered.count()
                    })
                #expect(try await store.keyValue.get("n/k") == nil)
                #expect(answered.value == 1)
                #expect(try await store.keyValue.get("n/k") != nil)
            }
        }
    }
#endif
