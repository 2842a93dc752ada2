#if PostgreSQL
    internal import MetastoreEngine
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    import Testing

    @Suite struct `A transaction on PostgreSQL` {
        private func withThings(_ body: (PostgreSQLConnection, PostgreSQLEngine) throws -> Void) async throws {
            try await PostgreSQLServer.shared.withDatabase { string in
                let engine = try engine(string)
                defer { engine.close() }
                try engine.makeThings()
                let writer = try #require(try engine.openWriter() as? PostgreSQLConnection)
                defer { writer.close() }
                try body(writer, engine)
            }
        }

        /// A batch as the store runs it: everything that steers travels with a statement that is waited for.
        @Test func `sends what steers it with the next statement`() async throws {
            try await withThings { writer, _ in
                try writer.execute("INSERT INTO things VALUES (\(0), \("warm"))")
                let before = writer.roundTrips
                try writer.begin(.write)
                for id in 1...3 {
                    try writer.savepoint()
                    try writer.execute("INSERT INTO things VALUES (\(id), \("x"))")
                    try writer.releaseSavepoint()
                }
                try writer.commit()
                #expect(writer.roundTrips - before == 4)
                #expect(try writer.count() == 4)
            }
        }

        @Test func `enqueued statements go with the commit`() async throws {
            try await withThings { writer, _ in
                try writer.begin(.write)
                try writer.enqueue("INSERT INTO things VALUES (\(1), \("x"))")
                try writer.enqueue("INSERT INTO things VALUES (\(2), \("x"))")
                let before = writer.roundTrips
                try writer.commit()
                #expect(writer.roundTrips - before == 1)
                #expect(try writer.count() == 2)
            }
        }

        @Test func `an enqueued statement that fails stops its commit`() async throws {
            try await withThings { writer, _ in
                try writer.begin(.write)
                try writer.enqueue("INSERT INTO things VALUES (\(1), \("x"))")
                try writer.enqueue("INSERT INTO things VALUES (\(1), \("x"))")
                let failed = error { try writer.commit() }
                #expect(failed?.code == .constraint(.primaryKey))
                #expect(failed?.endedTransaction == true && failed?.leavesCommitUnknown == false)
                #expect(!writer.isInTransaction)
                writer.rollback()
                #expect(try writer.count() == 0)
            }
        }

        @Test func `an enqueued statement that fails is told from the calls after it`() async throws {
            try await withThings { writer, _ in
                try writer.begin(.write)
                try writer.savepoint()
                try writer.execute("INSERT INTO things VALUES (1, 'kept')")
                try writer.releaseSavepoint()
                try writer.savepoint()
                try writer.enqueue("INSERT INTO things VALUES (2, 'gone')")
                try writer.enqueue("INSERT INTO things VALUES (1, 'refused')")
                // While its savepoint is open, it can be undone alone.
                let failed = error { try writer.flush() }
                #expect(failed?.code == .constraint(.primaryKey) && failed?.endedTransaction == false)
                #expect(writer.isInTransaction && !writer.hasFailedEarlier)
                try writer.rollbackToSavepoint()
                try writer.savepoint()
                try writer.enqueue("INSERT INTO things VALUES (3, 'kept')")
                try writer.releaseSavepoint()
                try writer.commit()
                #expect(try writer.all("SELECT id FROM things ORDER BY id") { try $0.integer(0) } == [1, 3])
                // Afterwards it takes the transaction with it, and says that the next call isn't to blame.
                for commits in [true, false] {
                    try writer.begin(.write)
                    try writer.savepoint()
                    try writer.enqueue("INSERT INTO things VALUES (1, 'refused')")
                    try writer.releaseSavepoint()
                    if !commits { try writer.savepoint() }
                    let late = error { if commits { try writer.commit() } else { _ = try writer.count() } }
                    #expect(late?.code == .constraint(.primaryKey) && late?.endedTransaction == true)
                    #expect(!writer.isInTransaction && writer.hasFailedEarlier)
                    writer.rollback()
                    #expect(!writer.hasFailedEarlier)
                }
                #expect(try writer.count() == 2)
            }
        }

        /// Nothing of ours makes it fail; a statement that released the savepoint by itself does.
        @Test func `a queued release that fails takes the transaction along, and is told from the calls after it`()
            async throws
        {
            enum Next: CaseIterable { case flush, savepoint, commit }
            try await withThings { writer, _ in
                for next in Next.allCases {
                    try writer.begin(.write)
                    try writer.savepoint()
                    try writer.execute("INSERT INTO things VALUES (1, 'gone')")
                    try writer.execute("RELEASE SAVEPOINT closure")
                    let before = writer.roundTrips
                    try writer.releaseSavepoint()
                    if next == .savepoint { try writer.savepoint() }
                    #expect(writer.roundTrips == before)
                    let late = error {
                        switch next {
                        case .flush: try writer.flush()
                        case .savepoint: try writer.execute("INSERT INTO things VALUES (2, 'not to blame')")
                        case .commit: try writer.commit()
                        }
                    }
                    #expect(late?.sqlState == "3B001" && late?.operation == "release a savepoint", "\(late as Any)")
                    #expect(late?.endedTransaction == true && late?.leavesCommitUnknown == false)
                    #expect(!writer.isInTransaction && writer.hasFailedEarlier == (next != .flush))
                    writer.rollback()
                    #expect(try writer.count() == 0)
                }
            }
        }

        /// The savepoint of an earlier closure must never be the one that a later closure goes back to.
        @Test func `rolling back a closure that sent nothing leaves the one before alone`() async throws {
            try await withThings { writer, _ in
                try writer.begin(.write)
                try writer.savepoint()
                try writer.execute("INSERT INTO things VALUES (1, 'kept')")
                try writer.releaseSavepoint()
                try writer.savepoint()
                try writer.enqueue("INSERT INTO things VALUES (2, 'never sent')")
                try writer.rollbackToSavepoint()
                try writer.savepoint()
                try writer.releaseSavepoint()
                try writer.commit()
                #expect(try writer.all("SELECT id FROM things") { try $0.integer(0) } == [1])
            }
        }

        @Test func `a failure outside a savepoint ends it, and nothing more is taken`() async throws {
            try await withThings { writer, _ in
                try writer.begin(.write)
                try writer.execute("INSERT INTO things VALUES (1, 'x')")
                let failed = error { try writer.execute("INSERT INTO things VALUES (1, 'x')") }
                #expect(failed?.endedTransaction == true && !writer.isInTransaction)
                #expect(error { try writer.execute("INSERT INTO things VALUES (2, 'x')") }?.code == .misuse)
                #expect(error { try writer.commit() }?.endedTransaction == true)
                // What is begun next is a transaction of its own.
                try writer.begin(.write)
                try writer.execute("INSERT INTO things VALUES (3, 'x')")
                try writer.commit()
                #expect(try writer.all("SELECT id FROM things") { try $0.integer(0) } == [3])
            }
        }

        @Test func `a read keeps its rows when something else is asked in between`() async throws {
            try await withThings { writer, _ in
                try writer.execute(
                    "INSERT INTO things SELECT i, repeat('x', 100) FROM generate_series(1, 20000) AS g (i)")
                var seen: Int64 = 0
                try writer.forEachRow("SELECT id, body FROM things ORDER BY id") { row in
                    seen += 1
                    let (id, text) = (try row.integer(0), try row.text(1))
                    if seen == 2 {
                        let count = try writer.count()
                        #expect(count == 20_000)
                    }
                    #expect(id == seen && text.utf8.count == 100)
                    return true
                }
                #expect(seen == 20_000)
            }
        }

        @Test func `a read that ends early is cut off, and the connection goes on`() async throws {
            try await withThings { writer, _ in
                let began = ContinuousClock.now
                try writer.forEachRow("SELECT generate_series(1, 100000000), repeat('x', 1000)") { _ in
                    false
                }
                #expect(ContinuousClock.now - began < .seconds(4))
                #expect(try writer.count() == 0)
            }
        }

        @Test func `null in a place that had a value, and a value where null was`() async throws {
            try await withThings { writer, _ in
                for body in [nil, "a", nil, "b"] as [String?] {
                    try writer.execute("INSERT INTO things SELECT count(*), \(nullable: body) FROM things")
                }
                let bodies = try writer.all("SELECT body FROM things ORDER BY id") {
                    $0.isNull(0) ? nil : try $0.text(0)
                }
                #expect(bodies == [nil, "a", nil, "b"])
            }
        }
    }
#endif
