internal import MetastoreEngine
internal import MetastoreSQLite
internal import Migrations
internal import PostgreSQLServer

/// What the steps make of an empty SQLite database.
struct SQLiteCatalogue {
    private let connection: any Connection

    init() throws {
        let engine = try EngineSource.inMemory().makeEngine(EngineOptions())
        try engine.create { connection in
            for step in catalogue { try connection.executeScript(step.statements(for: "sqlite") ?? "") }
        }
        connection = try engine.openWriter()
    }

    /// The first column of every row.
    func ask(_ text: String) throws -> [String] { try connection.all(SQL(trusted: text)) { try $0.text(0) } }
}

/// What the steps make of an empty schema, asked for by `psql`.
struct PostgreSQLCatalogue {
    let database: String

    /// - Parameter connection: of an empty database, by a role that may make schemas in it.
    init(_ connection: String) throws {
        database = connection
        let steps = catalogue.map { $0.statements(for: "postgresql") ?? "" }.joined(separator: "\n")
        try psql(database, "CREATE SCHEMA metastore; SET search_path = metastore;\n\(steps)")
    }

    /// The first column of every row.
    func ask(_ text: String) throws -> [String] {
        try psql(database, "SET search_path = metastore;\n\(text)").split(separator: "\n").map(String.init)
    }
}
