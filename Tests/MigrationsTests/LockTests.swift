internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreTestSupport
internal import MigrationSupport
internal import Migrations
internal import Synchronization
internal import Testing

@Suite struct `Several migrators` {
    @Test(arguments: TestEngine.migrated)
    func `ten at once: each step is applied once, by one of them`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (bench: Bench, migration: TestMigration) async throws -> Void in
            let applied = try await withThrowingTaskGroup(of: [Int64].self) { group in
                let source = migration.source
                for _ in 0..<10 {
                    group.addTask {
                        try await onThread { try TestMigration(source).run() }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            #expect(applied.sorted() == MigrationText.allThree)
            #expect(try migration.count("SELECT count(*) FROM things") == 2)
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `one that waited for too long is told who is at work, and changed nothing`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (bench: Bench, migration: TestMigration) async throws -> Void in
            var (working, late) = (migration, migration)
            late.timeout = .milliseconds(100)
            var refused: (any Error)?
            working.inside = { number, _ in
                guard number == MigrationText.number(1) else { return }
                do { try late.run() } catch { refused = error }
            }
            #expect(try working.run() == MigrationText.allThree)
            guard case MigrationError.locked(let holder)? = refused else {
                Issue.record("\(String(describing: refused))")
                return
            }
            #expect(
                holder.contains("process \(ProcessInfo.processInfo.processIdentifier)") && holder.contains(" since 20"))
            #expect("\(refused, default: "")".contains("Nothing was changed"))
        }
    }
}

#if PostgreSQL
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer

    @Suite struct `The lock of a migrator on a server` {
        /// Another connection of the same place.
        private func other(_ migration: TestMigration, _ body: (any Connection) throws -> Void) throws {
            try migration.withConnection(body)
        }

        @Test(arguments: TestEngine.servers)
        func `names its holder, and is free afterwards`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                var migration = migration
                var seen: MigrationHolder?
                let plain = migration
                migration.inside = { _, _ in try other(plain) { seen = try MigrationHolder($0) } }
                try migration.run()
                #expect(seen?.host == "here" && seen?.isConnected == true)
                #expect(seen?.name == "process \(ProcessInfo.processInfo.processIdentifier) (metastore test)")
                try other(plain) { (connection) throws in #expect(try MigrationHolder(connection) == nil) }
            }
        }

        @Test(arguments: TestEngine.servers)
        func `isn't broken while its holder is connected, and is taken over once it is gone`(
            _ engine: TestEngine
        ) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                try migration.withConnection { (holding) throws in
                    _ = try migration.migrator.takeLock(holding, waiting: .zero, now: migration.now)
                    try other(migration) { (connection) throws in
                        let error = #expect(throws: MigrationError.self) { try MigrationLock.break(connection) }
                        guard case .holderAlive(let holder)? = error else {
                            Issue.record("\(String(describing: error))")
                            return
                        }
                        #expect(
                            holder.contains("on here since") && "\(error, default: "")".contains("End that process"))
                    }
                }
                // Its session has ended, without giving the lock back.
                let isGone = try await eventually {
                    var holder: MigrationHolder?
                    try other(migration) { holder = try MigrationHolder($0) }
                    return holder?.isConnected == false
                }
                #expect(isGone)
                try other(migration) { (connection) throws in
                    #expect(try MigrationLock.break(connection)?.host == "here")
                    #expect(try MigrationLock.break(connection) == nil)
                }
                // One who didn't break it takes it over by himself.
                try migration.withConnection { (holding) throws in
                    _ = try migration.migrator.takeLock(holding, waiting: .zero, now: migration.now)
                }
                #expect(try migration.run() == MigrationText.allThree)
            }
        }

        /// The migrator was stopped between two steps, and works on as if nothing had happened.
        @Test(arguments: TestEngine.servers)
        func `that was raised stops the old holder before its next step`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                var second = migration
                second.target = MigrationText.number(2)
                try migration.withConnection { (connection) throws in
                    let lock = try migration.migrator.takeLock(connection, waiting: .zero, now: migration.now)
                    var first = migration
                    first.target = MigrationText.number(1)
                    #expect(try first.apply(connection, lock) == [MigrationText.number(1)])
                    try other(migration) {
                        try $0.execute("UPDATE migration_lock SET token = token + 1, holder = NULL")
                    }
                    let error = #expect(throws: MigrationError.self) { try second.apply(connection, lock) }
                    guard case .lockLost(MigrationText.number(2), "notes", _)? = error else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                    #expect(try migration.migrator.status(connection).found == MigrationText.number(1))
                    // What isn't its own any more it doesn't give back either.
                    try other(migration) { _ = try migration.migrator.takeLock($0, waiting: .zero, now: migration.now) }
                    lock.release(connection)
                    #expect(try MigrationHolder(connection) != nil)
                }
                #expect(try migration.run() == [MigrationText.number(2), MigrationText.number(3)])
            }
        }

        @Test(arguments: TestEngine.servers)
        func `can't be taken over in the middle of a step`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                var migration = migration
                let plain = migration
                var refused: EngineError?
                migration.inside = { _, _ in
                    try other(plain) { (connection) throws in
                        let raise: SQL = "UPDATE migration_lock SET token = token + 1"
                        do throws(EngineError) { try connection.execute(raise) } catch { refused = error }
                    }
                }
                migration.target = MigrationText.number(1)
                try migration.run()
                #expect(refused?.code == .busy)
            }
        }

        /// What is next was decided before the head's lock was held, and is decided once more with it.
        @Test(arguments: TestEngine.servers)
        func `that two share doesn't apply a step twice`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                try migration.withConnection { (connection) throws in
                    let lock = try migration.migrator.takeLock(connection, waiting: .zero, now: migration.now)
                    defer { lock.release(connection) }
                    var (slow, fast) = (migration, migration)
                    fast.target = MigrationText.number(2)
                    var isFirst = true
                    slow.progress = { progress in
                        guard case .began = progress, isFirst else { return }
                        isFirst = false
                        do {
                            try other(migration) { _ = try fast.apply($0, lock) }
                        } catch {
                            Issue.record("\(error)")
                        }
                    }
                    #expect(try slow.apply(connection, lock) == [MigrationText.number(3)])
                }
            }
        }

        @Test(arguments: TestEngine.servers)
        func `is needed for a store that is there`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                try migration.withConnection { (connection) throws in
                    #expect(throws: MigrationError.self) { try migration.apply(connection, nil) }
                    #expect(try migration.migrator.status(connection).pending.count == 3)
                }
            }
        }

        @Test(arguments: TestEngine.servers)
        func `has its table made where there is none, by one of ten`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                try migration.withConnection { try $0.executeScript("DROP TABLE migration_lock") }
                let source = migration.source
                let applied = try await withThrowingTaskGroup(of: [Int64].self) { group in
                    for _ in 0..<10 {
                        group.addTask {
                            try await onThread { try TestMigration(source).run() }
                        }
                    }
                    return try await group.reduce(into: []) { $0 += $1 }
                }
                #expect(applied.sorted() == MigrationText.allThree)
            }
        }

        /// Whoever looked for the lock's row where there is none looked for ever.
        @Test(arguments: TestEngine.servers)
        func `is taken where its table has lost its row`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                try migration.withConnection { _ = try $0.execute("DELETE FROM migration_lock") }
                #expect(try migration.run() == MigrationText.allThree)
            }
        }

        @Test func `isn't taken through a pooler, which is said`() async throws {
            try await withBench(.pooled, verifying: false) { (bench: Bench) async throws -> Void in
                await bench.store.close()
                let migration = TestMigration(try bench.engine.source(in: bench.directory))
                let error = #expect(throws: EngineError.self) { try migration.run() }
                #expect(error?.code == .unsupported && "\(error, default: "")".contains("pooler"))
                #expect(try migration.status().pending.count == 3)
            }
        }
    }

    @Suite struct `An index built while others write` {
        private let index = ConcurrentIndex(
            name: "by_note", statement: "CREATE UNIQUE INDEX CONCURRENTLY by_note ON things (note)")

        private func withThings(
            _ engine: TestEngine, _ body: (TestMigration, TestMigration) async throws -> Void
        ) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                var things = migration
                things.target = MigrationText.number(2)
                try things.run()
                var indexed = migration
                indexed.steps[catalogue.count + 2] = .later(
                    3, "index", concurrentIndexes: [index], "INSERT INTO things VALUES (3, 'three')")
                try await body(migration, indexed)
            }
        }

        private func state(_ migration: TestMigration) throws -> [String] {
            try migration.withConnection { (connection) throws in
                try Catalogue(of: connection).objects.filter { $0.name == "by_note" }.map(\.definition)
            }
        }

        @Test(arguments: TestEngine.servers)
        func `is there before its step's transaction`(_ engine: TestEngine) async throws {
            try await withThings(engine) { (migration: TestMigration, indexed: TestMigration) async throws -> Void in
                var indexed = indexed
                var built: [String] = []
                indexed.progress = { if case .building(let index, _) = $0 { built.append(index.name) } }
                var seen: [String] = []
                indexed.inside = { _, _ in seen = try state(migration) }
                #expect(try indexed.run() == [MigrationText.number(3)])
                #expect(built == ["by_note"] && seen.count == 1)
                #expect(seen.first?.contains("UNIQUE") == true && seen.first?.contains("INVALID") == false)
            }
        }

        @Test(arguments: TestEngine.servers)
        func `that couldn't be finished is dropped and built anew`(_ engine: TestEngine) async throws {
            try await withThings(engine) { (migration: TestMigration, indexed: TestMigration) async throws -> Void in
                _ = try migration.withConnection { try $0.execute("INSERT INTO things VALUES (7, 'one')") }
                let error = #expect(throws: MigrationError.self) { try indexed.run() }
                guard case .failed(MigrationText.number(3), "index", [], _)? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
                #expect(try state(migration).first?.hasSuffix("INVALID") == true)
                #expect(try migration.status().found == MigrationText.number(2))
                _ = try migration.withConnection { try $0.execute("DELETE FROM things WHERE id = 7") }
                #expect(try indexed.run() == [MigrationText.number(3)])
                #expect(try state(migration).first?.hasSuffix("INVALID") == false)
            }
        }

        @Test(arguments: TestEngine.servers)
        func `that is there is taken as done`(_ engine: TestEngine) async throws {
            try await withThings(engine) { (migration: TestMigration, indexed: TestMigration) async throws -> Void in
                try migration.withConnection { (connection) throws in
                    try connection.executeAlone(index.statement)
                    try connection.executeScript("COMMENT ON INDEX by_note IS 'the first'")
                }
                try indexed.run()
                let comment: SQL = """
                    SELECT count(*) FROM pg_description WHERE description = 'the first' \
                    AND objoid = (SELECT oid FROM pg_class WHERE relname = 'by_note')
                    """
                #expect(try migration.count(comment) == 1)
            }
        }

        @Test(arguments: TestEngine.servers)
        func `isn't begun by a migrator that lost its lock`(_ engine: TestEngine) async throws {
            try await withThings(engine) { (migration: TestMigration, indexed: TestMigration) async throws -> Void in
                try migration.withConnection { (connection) throws in
                    let lock = try indexed.migrator.takeLock(connection, waiting: .zero, now: migration.now)
                    try connection.execute("UPDATE migration_lock SET token = token + 1")
                    #expect(throws: MigrationError.self) { try indexed.apply(connection, lock) }
                    #expect(try state(migration).isEmpty)
                }
            }
        }

        /// An index waits for every older transaction; a bound meant for short statements would end it.
        @Test(arguments: TestEngine.servers)
        func `takes as long as it takes, and leaves the session as it was`(_ engine: TestEngine) async throws {
            try await withThings(engine) { (migration: TestMigration, _: TestMigration) async throws -> Void in
                var options = EngineOptions()
                options.callTimeout = .seconds(1)
                options.busyTimeout = .milliseconds(200)
                let (place, patient) = (migration.source, try migration.source.makeEngine(options))
                defer { patient.close() }
                _ = try patient.prepare()
                let connection = try patient.openWriter()
                defer { connection.close() }
                let settings: SQL = "SELECT current_setting('statement_timeout') || current_setting('lock_timeout')"
                let before = try connection.first(settings) { try $0.text(0) }
                let isHeld = Atomic(false)
                let holding = Task {
                    try await onThread {
                        try TestMigration(place).withConnection { (reader) throws in
                            try reader.begin(.write)
                            try reader.execute("UPDATE things SET note = 'held' WHERE id = 1")
                            isHeld.store(true, ordering: .releasing)
                            try reader.execute("SELECT pg_sleep(3)")
                            try reader.commit()
                        }
                    }
                }
                #expect(await eventually { isHeld.load(ordering: .acquiring) })
                try connection.executeAlone(index.statement)
                try await holding.value
                #expect(try connection.first(settings) { try $0.text(0) } == before)
                #expect(try state(migration).first?.hasSuffix("INVALID") == false)
                try connection.begin(.write)
                #expect(throws: EngineError.self) { try connection.executeAlone("SELECT 1") }
                connection.rollback()
            }
        }
    }
#endif
