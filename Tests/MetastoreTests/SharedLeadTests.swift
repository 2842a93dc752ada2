#if PostgreSQL
    import Metastore
    import MetastoreEngine
    import MetastoreModel
    import MetastoreTestSupport
    import Testing

    @Suite struct `A lead where others may take it` {
        @Test func `ends for its holder when it couldn't be renewed for its time to live`() async throws {
            try await withBench(TestEngine.postgresql, configure: { $0.engine.callTimeout = .seconds(2) }) {
                (bench: Bench) async throws -> Void in
                let cancelled = Counter()
                let ended = await refusal {
                    try await bench.store.lead(as: "m", timeToLive: .seconds(1)) { _ in
                        let lost = EngineError(.unreachable, operation: "begin", message: "injected")
                        bench.faults.arm(.begin, lasting: true, .fail(lost))
                        try await bench.whileTimePasses {
                            do {
                                try await Task.sleep(for: .seconds(20))
                            } catch {
                                cancelled.count()
                            }
                        }
                    }
                }
                guard case .fenced = ended else {
                    Issue.record("\(ended as Any)")
                    return
                }
                #expect(cancelled.value == 1, "the body is cancelled")
            }
        }

        @Test func `is renewed for all to see while the wall clock stands still`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let (store, candidate) = (bench.store, try await bench.another())
                let ends = Counter()
                let leading = Task {
                    try await store.lead(as: "first", timeToLive: .seconds(1)) { _ in
                        while ends.value == 0 { try await Task.sleep(for: .milliseconds(10)) }
                    }
                }
                #expect(try await eventually { try await store.leadership() != nil })
                let taking = Task { try await candidate.lead(as: "second", timeToLive: .seconds(1)) { _ in } }
                // Half as fast as the world's, so that a busy machine still renews in time.
                for _ in 0..<100 {
                    try await Task.sleep(for: .milliseconds(50))
                    bench.time.monotonic += .milliseconds(25)
                }
                #expect(try await store.leadership()?.holder == "first")
                ends.count()
                try await leading.value
                try await taking.value
                await candidate.close()
            }
        }

        /// A renewal between the candidate's look and its taking.
        @Test func `is left alone when it was renewed at the last moment`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let (store, other) = (bench.store, try await bench.another())
                let leading = Task {
                    await refusal {
                        try await other.lead(as: "first", timeToLive: .seconds(10)) { _ in
                            try await Task.sleep(for: .seconds(60))
                        }
                    }
                }
                #expect(try await eventually { try await store.leadership() != nil })
                let looks = Counter()
                bench.faults.arm(
                    .statement(containing: "epoch_nonce, renewed_time"), lasting: true,
                    .run { connection in
                        let isReadOnly = try connection.first("SELECT current_setting('transaction_read_only')") {
                            try $0.text(0) == "on"
                        }
                        guard isReadOnly == false else { return }
                        looks.count()
                        guard looks.value == 1 else { return }
                        try connection.execute(
                            "UPDATE leadership SET renewed_time = renewed_time + interval '1 second'")
                    })
                let taking = Task {
                    try await store.lead(as: "second", timeToLive: .seconds(1)) { $0.epoch.number }
                }
                try await Task.sleep(for: .milliseconds(300))
                bench.time.monotonic += .seconds(11)
                #expect(try await taking.value == 3)
                #expect(looks.value >= 2, "it looked on")
                guard case .fenced = await leading.value else {
                    Issue.record("another leads")
                    return
                }
                await other.close()
            }
        }
    }
#endif
