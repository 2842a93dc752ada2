internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreTestSupport
internal import MigrationSupport
internal import Migrations

extension TestEngine {
    static let servers = migrated.filter { !$0.isExclusive }
}

/// A store of the newest schema there is, closed; at the end it is looked at as a reader would.
func withClosedStore(
    _ engine: TestEngine, verifying: Bool = true, _ body: (Bench, TestMigration) async throws -> Void
) async throws {
    try await withBench(engine, verifying: false) { bench in
        try await bench.store.keyValue.put("before/it", "1")
        await bench.store.close()
        try await body(bench, TestMigration(try engine.source(in: bench.directory)))
        guard verifying else { return }
        let reader = try await bench.another { $0.engine.isReadOnly = true }
        let report = try await reader.verify()
        if !report.isClean { throw NotClean(description: report.description) }
        guard try await reader.keyValue.get("before/it") != nil else {
            throw NotClean(description: "what was there before is gone")
        }
        await reader.close()
    }
}

extension TestMigration {
    func status() throws -> MigrationStatus { try withConnection { try migrator.status($0) } }

    func count(_ query: SQL) throws -> Int64? { try withConnection { try $0.first(query) { try $0.integer(0) } } }
}

extension MigrationText {
    /// The number of the `offset`-th step after those there are.
    static func number(_ offset: Int) -> Int64 { Int64(catalogue.count + offset) }
    static var allThree: [Int64] { (1...3).map(number) }
}
