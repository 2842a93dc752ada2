#if PostgreSQL
    import Metastore
    import MetastoreEngine
    import MetastoreModel
    import MetastoreTestSupport
    import Testing

    @Suite struct `A commit whose answer was lost is looked for on the server` {
        private let lost = EngineError(.disconnected, operation: "commit", message: "injected")

        @Test func `it is applied when it is there, and leaves no mark`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let store = bench.store
                bench.faults.arm(.afterCommit, .fail(lost))
                #expect(try await store.keyValue.put("a/b", "1").revision == 2)
                #expect(try await store.keyValue.put("a/c", "1").revision == 3)
                #expect(try await store.commits().map(\.revision.rawValue) == [2, 3])
            }
        }

        @Test func `it is written again when it isn't there`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let store = bench.store
                bench.faults.arm(.beforeCommit, .fail(lost))
                #expect(try await store.keyValue.put("a/b", "1").revision == 2)
                #expect(try await store.commits().map(\.revision.rawValue) == [2])
            }
        }

        @Test func `but not for longer than a call may take`() async throws {
            try await withBench(TestEngine.postgresql, configure: { $0.engine.callTimeout = .milliseconds(300) }) {
                (bench: Bench) async throws -> Void in
                let store = bench.store
                bench.faults.arm(.beforeCommit, lasting: true, .fail(lost))
                let refused = await refusal { try await store.keyValue.put("a/b", "1") }
                switch refused {
                case .notApplied, .outcomeUnknown: break
                default: Issue.record("refused, or unknown: \(String(describing: refused))")
                }
                bench.faults.disarm()
                #expect(await eventually { (try? await store.keyValue.put("a/c", "1")) != nil })
                // What is unknown may have happened; what is refused has not.
                if case .notApplied = refused { #expect(try await store.keyValue.get("a/b") == nil) }
            }
        }

        /// Another handle commits in between: the batch is told from its record, not from where the head is.
        @Test func `also when others have written since`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let other = try await bench.another()
                bench.faults.arm(.afterCommit, .fail(lost))
                async let one = bench.store.keyValue.put("a/b", "1").revision
                async let two = other.keyValue.put("a/c", "1").revision
                let revisions: Set = [try await one, try await two]
                #expect(revisions == [2, 3])
                #expect(try await bench.store.commits().count == 2)
                await other.close()
            }
        }

        /// The connection is lost, its session isn't: it still holds the head's lock, and commits later.
        @Test func `not before the lost session has ended`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let (store, lost) = (bench.store, lost)
                bench.faults.arm(
                    .beforeCommit,
                    .run { connection in
                        try connection.execute("PREPARE TRANSACTION 'late'")
                        throw lost
                    })
                async let count = store.write { tx in
                    let before = try tx.keyValue.get("n/count")?.value ?? []
                    return try tx.keyValue.put("n/count", before + [1]).value.count
                }
                try await Task.sleep(for: .milliseconds(500))
                bench.faults.arm(.begin, .run { try $0.execute("COMMIT PREPARED 'late'") })
                let other = try await bench.another()
                #expect(try await count == 1)
                #expect(try await store.keyValue.get("n/count")?.value == [1])
                #expect(try await store.commits().count == 1)
                await other.close()
            }
        }

        @Test func `an operation without changes answers the same`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let (one, two) = (OperationID(bench.time.source), OperationID(bench.time.source))
                bench.faults.arm(.afterCommit, .fail(lost))
                #expect(try await bench.store.write(operation: one) { _ in 1 } == 1)
                bench.faults.arm(.beforeCommit, .fail(lost))
                #expect(try await bench.store.write(operation: two) { _ in 1 } == 1)
                #expect(try await bench.store.write(operation: one) { _ in 2 } == 1)
                #expect(try await bench.store.write(operation: two) { _ in 2 } == 1)
            }
        }

        /// Without a record of its own only the count of batches tells. Moving it a second time would be refused.
        @Test func `a position that moves alone is moved once`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                try await bench.store.keyValue.put("a/b", "1")
                var iterator = bench.store.changes(as: "quiet").makeAsyncIterator()
                for moment in [FaultPlan.Call.afterCommit, .beforeCommit] {
                    let batch = try #require(try await iterator.next())
                    bench.faults.arm(moment, .fail(lost))
                    try await batch.process { _, _ in }
                    #expect(bench.faults.isSpent)
                    #expect(try await bench.store.consumers.position("quiet") == batch.position)
                    try await bench.store.keyValue.put("a/b", "\(moment)")
                }
            }
        }

        @Test func `a write without a record is unknown once another has moved the head`() async throws {
            try await withBench(TestEngine.postgresql, verifying: false) { (bench: Bench) async throws -> Void in
                let lost = lost
                bench.faults.arm(
                    .beforeCommit,
                    .run { connection in
                        connection.rollback()
                        // As another process does that keeps a result without a change.
                        try connection.execute(
                            "UPDATE head SET batches = batches + 1, time = time + interval '1 second'")
                        throw lost
                    })
                let operation = OperationID(bench.time.source)
                let told = await refusal { try await bench.store.write(operation: operation) { _ in 1 } }
                guard case .outcomeUnknown = told else {
                    Issue.record("\(told as Any)")
                    return
                }
                #expect(try await bench.store.write(operation: operation) { _ in 2 } == 2, "it was not applied")
            }
        }

        @Test func `closing doesn't wait for a server that stays away`() async throws {
            try await withBench(
                TestEngine.postgresql, verifying: false, configure: { $0.engine.callTimeout = .milliseconds(200) }
            ) { (bench: Bench) async throws -> Void in
                let lost = EngineError(.unreachable, operation: "begin", message: "injected")
                bench.faults.arm(.begin, lasting: true, .fail(lost))
                let tried = bench.faults.count(of: .begin)
                let closed = Counter()
                let closing = try await bench.whileTimePasses {
                    #expect(await eventually { bench.faults.count(of: .begin) > tried }, "it keeps house")
                    return Task {
                        await bench.store.close()
                        closed.count()
                    }
                }
                #expect(await eventually { closed.value == 1 })
                bench.faults.disarm()
                await closing.value
            }
        }

        @Test func `a lost connection before the commit costs nothing but time`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                for moment in [FaultPlan.Call.begin, .statement(containing: "UPDATE head")] {
                    bench.faults.arm(moment, .fail(lost))
                    try await bench.store.keyValue.put("a/b", "\(moment)")
                }
                #expect(try await bench.store.keyValue.get("a/b")?.revision == 3)
            }
        }
    }
#endif

#if PostgreSQL
    /// What a closure writes is sent together with what the next one asks: an error comes late, and out of another's
    /// call.
    @Suite struct `A closure whose queued statement fails is found` {
        @Test(arguments: [1, 2, 3]) func `it alone is refused, and its companions are committed`(
            _ guilty: Int
        ) async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                try await bench.store.keyValue.put("n/0", "x")
                // A row that is there already, queued beside the guilty one's.
                bench.faults.arm(
                    .statement(containing: "INSERT INTO key_value"), nth: guilty, lasting: false,
                    .run { try $0.enqueue("INSERT INTO key_value SELECT * FROM key_value") })
                let results = await bench.inOneBatch(
                    (1...3).map { number -> @Sendable (borrowing Transaction) throws -> Revision in
                        { tx in
                            if try tx.keyValue.get(EntryKey("n/0")) == nil { throw Planned() }
                            return try tx.keyValue.put(EntryKey("n/\(number)"), "x").revision
                        }
                    })
                #expect(results.allSatisfy { (try? $0.get()) != nil }, "once more without the fault: \(results)")
                #expect(try await bench.store.keyValue.list("n").records.count == 4)
            }
        }

        @Test(arguments: [1, 2, 3]) func `also when it fails each time`(_ guilty: Int) async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                try await bench.store.keyValue.put("n/0", "x")
                bench.faults.arm(
                    .statement(containing: "FROM ports"), lasting: true,
                    .run { try $0.enqueue("INSERT INTO key_value SELECT * FROM key_value") })
                let results = await bench.inOneBatch(
                    (1...3).map { number -> @Sendable (borrowing Transaction) throws -> Revision in
                        { tx in
                            // Only the guilty one's statements bring the fault along.
                            if number == guilty { _ = try tx.ports.holder(of: 1, on: "h") }
                            return try tx.keyValue.put(EntryKey("n/\(number)"), "x").revision
                        }
                    })
                for (index, result) in results.enumerated() {
                    #expect(((try? result.get()) != nil) == (index + 1 != guilty), "\(index + 1): \(result)")
                }
                #expect(try await bench.store.keyValue.list("n").records.count == 3)
            }
        }

        /// Its error comes out of another's call each time, unless each waits for what it did.
        @Test(arguments: [1, 2, 3]) func `also when it waits for nothing itself`(_ guilty: Int) async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                try await bench.store.keyValue.put("n/0", "x")
                bench.faults.arm(
                    .statement(containing: "INSERT INTO pools"), lasting: true,
                    .run { try $0.enqueue("INSERT INTO key_value SELECT * FROM key_value") })
                let results = await bench.inOneBatch(
                    (1...3).map { number -> @Sendable (borrowing Transaction) throws -> Revision in
                        { tx in
                            if number == guilty { return try tx.pools.put(NewPool(name: "p")).revision }
                            return try tx.keyValue.put(EntryKey("n/\(number)"), "x").revision
                        }
                    })
                for (index, result) in results.enumerated() {
                    #expect(((try? result.get()) != nil) == (index + 1 != guilty), "\(index + 1): \(result)")
                }
                #expect(try await bench.store.keyValue.list("n").records.count == 3)
            }
        }
    }
#endif
