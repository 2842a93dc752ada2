#if PostgreSQL
    import Metastore
    import MetastoreEngine
    import MetastoreModel
    import MetastoreTestSupport
    import Testing

    @Suite struct `A call is answered within its bound, whatever the server keeps waiting for` {
        private static let bound = Duration.milliseconds(300)

        @Test func `as unknown when it runs, and as not applied when it waits, which it then never is`() async throws {
            try await withBench(TestEngine.postgresql, configure: { $0.engine.callTimeout = Self.bound }) {
                (bench: Bench) async throws -> Void in
                let store = bench.store
                bench.faults.arm(.statement(containing: "INSERT INTO key_value"), .delay(.seconds(3)))
                async let running = refusal { try await store.keyValue.put("a/running", "x") }
                #expect(await eventually { bench.faults.isSpent })
                async let waiting = refusal { try await store.keyValue.put("a/waiting", "x") }
                let (first, second) = (await running, await waiting)
                guard case .outcomeUnknown = first, case .unavailable = second else {
                    Issue.record("\(first as Any), \(second as Any)")
                    return
                }
                #expect(try await store.keyValue.get("a/running") == nil, "both were answered while the first ran")
                // The first was not told wrong: it is there in the end.
                #expect(try await eventually { try await store.keyValue.get("a/running") != nil })
                #expect(await eventually { (try? await store.keyValue.put("a/after", "x")) != nil })
                #expect(try await store.keyValue.get("a/waiting") == nil)
            }
        }

        @Test func `a read that waits is answered and never begun, and one that runs may take its time`() async throws {
            try await withBench(
                TestEngine.postgresql,
                configure: { options in
                    options.engine.callTimeout = Self.bound
                    options.readerThreads = 1
                }
            ) { (bench: Bench) async throws -> Void in
                let store = bench.store
                let begun = Counter()
                bench.faults.arm(.openReader, .delay(.seconds(3)))
                let refused = await refusal { try await store.read { _ in begun.count() } }
                guard case .unavailable = refused else {
                    Issue.record("\(refused as Any)")
                    return
                }
                #expect(bench.faults.count(of: .openReader) == 1)
                #expect(await eventually { await refusal { try await store.keyValue.get("a/b") } == nil })
                #expect(begun.value == 0)
                bench.faults.arm(.statement(containing: "FROM key_value"), .delay(Self.bound * 3))
                #expect(try await store.keyValue.get("a/b") == nil)
            }
        }
    }
#endif
