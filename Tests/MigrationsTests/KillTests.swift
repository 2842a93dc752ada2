internal import FaultSupport
internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreTestSupport
internal import MigrationSupport
internal import Migrations
internal import Testing

/// Migrators as processes of their own.
@Suite(.serialized) struct `Migrators as processes` {
    @Test(arguments: TestEngine.migrated)
    func `ten at once: each step is applied once`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (bench: Bench, migration: TestMigration) async throws -> Void in
            let place = try engine.place(in: bench.directory)
            let processes = try (0..<10).map { _ in try CrashProcess("migrate", place, "5") }
            let said = try processes.map { try $0.rest() }
            let applied = said.flatMap { lines in
                lines.last.map { $0.split(separator: " ").dropFirst().compactMap { Int64($0) } } ?? []
            }
            #expect(said.allSatisfy { $0.last?.hasPrefix("ok") == true }, "\(said)")
            #expect(applied.sorted() == MigrationText.allThree)
            #expect(try migration.count("SELECT count(*) FROM things") == 2)
        }
    }

    private static let boundaries = MigrationText.allThree.flatMap { ["began \($0)", "inside \($0)", "ended \($0)"] }

    @Test(arguments: TestEngine.migrated)
    func `killed at each boundary: the next goes on, and no step is half there`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (bench: Bench, migration: TestMigration) async throws -> Void in
            let place = try engine.place(in: bench.directory)
            for boundary in Self.boundaries {
                let process = try CrashProcess("migrate", place, "50")
                var heard: [String] = []
                while heard.last != boundary, let line = try process.line() { heard.append(line) }
                process.kill()
                // What was ended before is not begun again.
                #expect(heard.last == boundary, "\(heard)")
                let step = try #require(boundary.split(separator: " ").last.flatMap { Int64($0) })
                let done = boundary.hasPrefix("ended") ? step : step - 1
                let status = try migration.status()
                #expect(status.found == done)
                #expect(status.applied.map(\.number) == Array(1...done))
            }
            #expect(try migration.run().isEmpty)
            #expect(try migration.count("SELECT count(*) FROM things") == 2)
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `killed at any moment`(_ engine: TestEngine) async throws {
        let rounds = Scale.of(100)
        var random = Scale.random(51)
        for _ in 0..<rounds {
            let pause = UInt64.random(in: 0...600, using: &random)
            try await withClosedStore(engine) { (bench: Bench, migration: TestMigration) async throws -> Void in
                let process = try CrashProcess("migrate", try engine.place(in: bench.directory), "20")
                try await Task.sleep(for: .milliseconds(pause))
                process.kill()
                let found = try migration.status().found
                let expected: Int64 = found < MigrationText.number(2) ? 0 : found - MigrationText.number(1)
                if found >= MigrationText.number(1) {
                    #expect(try migration.count("SELECT count(*) FROM things") == expected)
                }
                #expect(try migration.run() == MigrationText.allThree.filter { $0 > found })
            }
        }
    }
}
