internal import FoundationEssentials
internal import Glibc
internal import Metastore
package import MetastoreEngine
internal import MetastoreMigration
package import Migrations

/// Steps after those there are, with everything a compiled-in one has.
package enum UpgradeSteps {
    /// What goes wrong in the second of them.
    package enum Fault: String, Sendable {
        case none
        /// A statement that the database refuses.
        case refused
        /// More rows than a small device has room for.
        case large
        /// There is no second step. What the first leaves can be copied.
        case absent
    }

    package static var first: Int64 { Int64(catalogue.count + 1) }
    package static var last: Int64 { first + 1 }

    /// - Parameter catalogues: by the step's number; see ``catalogues(_:)``.
    package static func all(_ fault: Fault = .none, catalogues: [Int64: String]) -> [MigrationText] {
        let second =
            switch fault {
            case .none, .absent: "ALTER TABLE things ADD COLUMN note text"
            case .refused: "ALTER TABLE things ADD COLUMN note text; INSERT INTO nothing VALUES (1)"
            case .large:
                "INSERT INTO things WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 400000) "
                    + "SELECT i FROM n; ALTER TABLE things ADD COLUMN note text"
            }
        let things = step(
            first, "things", "adds a table",
            "CREATE TABLE things (id bigint NOT NULL PRIMARY KEY); INSERT INTO things VALUES (1)", catalogues)
        guard fault != .absent else { return catalogue + [things] }
        return catalogue + [
            things, step(last, "notes", "adds notes to things", second, catalogues, minWriter: last),
        ]
    }

    private static func step(
        _ number: Int64, _ name: String, _ summary: String, _ text: String, _ catalogues: [Int64: String],
        minWriter: Int64 = 1
    ) -> MigrationText {
        let catalogue = Array((catalogues[number] ?? "").utf8)
        return MigrationText(
            number: number, name: name, summary: summary, tables: ["experiments"], minReader: 1, minWriter: minWriter,
            sqlite: Array(text.utf8), postgresql: Array(text.utf8), sqliteCatalogue: catalogue,
            postgresqlCatalogue: catalogue)
    }

    /// What a store has after each of them, listed in an empty place.
    package static func catalogues(_ empty: EngineSource) throws -> [Int64: String] {
        let engine = try empty.makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let record = SchemaRecord(StoreOptions())
        var found: [Int64: String] = [:]
        _ = try engine.create { connection in
            for number in [first, last] {
                let steps = all(catalogues: [:]).filter { $0.number <= number }
                let migrator = Migrator(steps: steps, appliedBy: "metastore test", host: "here")
                if number > first {
                    for step in steps.suffix(1) {
                        try connection.executeScript(step.statements(for: connection.dialect.name.rawValue) ?? "")
                    }
                } else {
                    _ = try migrator.apply(to: connection, now: { 0 }, hook: { try record.append($0, $1) })
                }
                found[number] = try Catalogue(of: connection).text
            }
        }
        return found
    }

    /// Kept in a file, for another process.
    package static func write(_ catalogues: [Int64: String], to file: String) throws {
        try JSONEncoder().encode(catalogues).write(to: URL(filePath: file))
    }

    package static func read(_ file: String) throws -> [Int64: String] {
        try JSONDecoder().decode([Int64: String].self, from: Data(contentsOf: URL(filePath: file)))
    }
}
