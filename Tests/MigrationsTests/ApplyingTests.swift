internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import MigrationSupport
internal import Migrations
internal import Testing

@Suite struct `Applying steps` {
    @Test(arguments: TestEngine.migrated)
    func `keeps who did it, where, when, how long it took and the backup; the head row says who may write`(
        _ engine: TestEngine
    ) async throws {
        try await withClosedStore(engine, verifying: false) {
            (bench: Bench, migration: TestMigration) async throws -> Void in
            var migration = migration
            migration.backup = "/backups/a.db"
            var seen: [String] = []
            migration.progress = { progress in
                switch progress {
                case .began(let step): seen.append("began \(step.number)")
                case .ended(let step, let duration): seen.append("ended \(step.number) \(duration > .zero)")
                case .building: seen.append("building")
                }
            }
            let before = try migration.status()
            #expect(
                before.found == Int64(catalogue.count) && before.pending.map(\.name) == ["things", "notes", "more"])
            #expect(try migration.run() == MigrationText.allThree)
            #expect(seen == MigrationText.allThree.flatMap { ["began \($0)", "ended \($0) true"] })
            let status = try migration.status()
            #expect(status.found == MigrationText.number(3) && status.pending.isEmpty)
            #expect(status.minReader == 1 && status.minWriter == MigrationText.number(3))
            #expect(status.applied.map(\.number) == Array(1...MigrationText.number(3)))
            #expect(status.applied[0].duration == 0 && status.applied[0].backup == nil)
            for row in status.applied.dropFirst(catalogue.count) {
                #expect(row.appliedBy == "metastore test" && row.host == "here" && row.backup == "/backups/a.db")
                #expect(row.duration > 0 && abs(row.appliedTime - migration.now()) < 600_000_000)
            }
            let schemas = try migration.withConnection { (connection) throws in
                try connection.all("SELECT schema_version FROM log ORDER BY revision") { try $0.integer(0) }
            }
            #expect(schemas.suffix(4) == [Int64(catalogue.count)] + MigrationText.allThree, "each has its record")
            #expect(try migration.run().isEmpty, "nothing is left")
            // This binary knows none of them: it may read, and not write.
            let reader = try await bench.another { $0.engine.isReadOnly = true }
            #expect(try await reader.verify().isClean)
            await reader.close()
            await #expect(throws: StoreError.self) { try await bench.another() }
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `stops at the target, and goes on from there`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
            var migration = migration
            migration.target = MigrationText.number(1)
            #expect(try migration.run() == [MigrationText.number(1)])
            #expect(try migration.run().isEmpty)
            migration.target = nil
            #expect(try migration.run() == [MigrationText.number(2), MigrationText.number(3)])
            migration.target = MigrationText.number(1)
            let refusal = MigrationError.beyondTarget(found: MigrationText.number(3), target: MigrationText.number(1))
            #expect(throws: refusal) { try migration.run() }
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `that fail in the middle: the failed one leaves nothing, those before it stay, and it says so`(
        _ engine: TestEngine
    ) async throws {
        try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
            var broken = migration
            broken.steps = MigrationText.three
            broken.steps[catalogue.count + 1] = .later(
                2, "broken",
                "CREATE TABLE half (id bigint); INSERT INTO half VALUES (1); INSERT INTO nowhere VALUES (1)")
            let error = #expect(throws: MigrationError.self) { try broken.run() }
            guard case .failed(MigrationText.number(2), "broken", [MigrationText.number(1)], _)? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            let text = "\(error, default: "")"
            for part in [
                "migration \(MigrationText.number(2)) (broken) failed and was rolled back", "nowhere",
                "Migration \(MigrationText.number(1)) was applied before it", "intact", "do not delete",
            ] {
                #expect(text.contains(part), "\(text)")
            }
            let status = try migration.status()
            #expect(status.found == MigrationText.number(1) && status.pending.count == 2)
            try migration.withConnection { (connection) throws in
                #expect(try Catalogue(of: connection).objects.allSatisfy { $0.name != "half" })
            }
            #expect(try migration.run() == [MigrationText.number(2), MigrationText.number(3)])
            #expect(try migration.count("SELECT count(*) FROM things") == 2)
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `whose hook fails: nothing of the step is there`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
            var failing = migration
            failing.inside = { number, _ in if number == MigrationText.number(2) { throw StoreError.readOnly } }
            #expect(throws: StoreError.readOnly) { try failing.run() }
            #expect(try migration.status().found == MigrationText.number(1))
            #expect(try migration.run().count == 2)
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `and losing the answer to a commit: it is said, and the next run goes on from what is there`(
        _ engine: TestEngine
    ) async throws {
        try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
            for call in [FaultPlan.Call.beforeCommit, .afterCommit] {
                let plan = FaultPlan()
                var failing = migration
                failing.target = try migration.status().found + 1
                let source = migration.source
                failing.source = EngineSource { FaultyEngine(try source.makeEngine($0), plan) }
                failing.progress = { progress in
                    guard case .began = progress else { return }
                    plan.arm(call, .fail(EngineError(.disconnected, operation: "commit", message: "gone")))
                }
                let error = #expect(throws: MigrationError.self) { try failing.run() }
                guard case .outcomeUnknown? = error else {
                    Issue.record("\(String(describing: error))")
                    continue
                }
                #expect("\(error, default: "")".contains("as a whole or not at all"))
                let isThere = try migration.status().found == failing.target
                #expect(isThere == (call == .afterCommit))
            }
            _ = try migration.run()
            #expect(try migration.count("SELECT count(*) FROM things") == 2)
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `where one is missing or edited is refused by name, and changes nothing`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
            var first = migration
            first.target = MigrationText.number(2)
            try first.run()
            let (one, two) = (MigrationText.number(1), MigrationText.number(2))
            try migration.withConnection { (connection) throws in
                try connection.execute("DELETE FROM schema_migrations WHERE number = \(one)")
                #expect(throws: MigrationError.gap(missing: [one])) {
                    try migration.migrator.check(connection, forWriting: false)
                }
                #expect(throws: MigrationError.gap(missing: [one])) { try migration.apply(connection, nil) }
            }
            try migration.withConnection { (connection) throws in
                let values: SQL = "\(one), 'things', \([UInt8](repeating: 0, count: 32)), 'b', 'h'"
                let time = Value.timestamp(0)
                try connection.execute(
                    """
                    INSERT INTO schema_migrations (number, name, checksum, applied_by, host, applied_time, duration) \
                    VALUES (\(values), \(time), 0)
                    """)
                #expect(throws: MigrationError.edited(number: one, name: "things")) {
                    try migration.apply(connection, nil)
                }
                #expect(try migration.migrator.status(connection).found == two)
            }
        }
    }

    @Test func `of a database that is no store is refused`() throws {
        let engine = try EngineSource.inMemory().makeEngine(EngineOptions())
        try engine.create { try $0.executeScript("CREATE TABLE somebodys (id INTEGER)") }
        let connection = try engine.openWriter()
        defer { connection.close() }
        let migrator = Migrator(appliedBy: "metastore test", host: "here")
        #expect(throws: MigrationError.noStore) { try migrator.status(connection) }
        #expect(throws: MigrationError.noStore) { try migrator.drift(connection) }
    }
}
