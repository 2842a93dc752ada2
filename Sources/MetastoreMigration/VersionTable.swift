internal import MetastoreEngine
internal import Migrations

/// A step as the database remembers it.
public struct AppliedMigration: Sendable, Hashable {
    /// The schema's number after it.
    public let number: Int64
    /// What it was called.
    public let name: String
    /// SHA-256 of its normalised statements.
    public let checksum: [UInt8]
    /// The release that applied it.
    public let appliedBy: String
    /// The host it ran on.
    public let host: String
    /// When it ended: microseconds since 1970, by that host's clock.
    public let appliedTime: Int64
    /// How long it took, in microseconds; 0 for the one that made the store.
    public let duration: Int64
    /// Where the verified backup lies that was made before it; nil where none was.
    public let backup: String?

    package init(
        number: Int64, name: String, checksum: [UInt8], appliedBy: String, host: String, appliedTime: Int64,
        duration: Int64, backup: String?
    ) {
        (self.number, self.name, self.checksum) = (number, name, checksum)
        (self.appliedBy, self.host, self.appliedTime) = (appliedBy, host, appliedTime)
        (self.duration, self.backup) = (duration, backup)
    }
}

/// The table that says which steps a database has: `schema_migrations`.
enum VersionTable {
    static let name = "schema_migrations"

    static func read(_ connection: any Connection) throws -> [AppliedMigration] {
        try connection.all(
            """
            SELECT number, name, checksum, applied_by, host, applied_time, duration, backup FROM schema_migrations \
            ORDER BY number
            """
        ) { row in
            AppliedMigration(
                number: try row.integer(0), name: try row.text(1), checksum: try row.bytes(2),
                appliedBy: try row.text(3), host: try row.text(4), appliedTime: try row.timestamp(5),
                duration: try row.integer(6), backup: row.isNull(7) ? nil : try row.text(7))
        }
    }

    static func insert(_ row: AppliedMigration, _ connection: any Connection) throws {
        try connection.execute(
            """
            INSERT INTO schema_migrations (number, name, checksum, applied_by, host, applied_time, duration, backup) \
            VALUES (\(row.number), \(row.name), \(row.checksum), \(row.appliedBy), \(row.host), \
            \(Value.timestamp(row.appliedTime)), \(row.duration), \(nullable: row.backup))
            """)
    }

    /// Is there a table of this name in the store's own schema? Asked of the catalogue, because a statement that fails
    /// ends the transaction on PostgreSQL.
    static func isThere(_ connection: any Connection, table: String = name) throws -> Bool {
        let look: SQL =
            switch connection.dialect.name {
            case .sqlite: "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = \(table)"
            case .postgresql:
                """
                SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n \
                ON n.oid = c.relnamespace WHERE n.nspname = pg_catalog.current_schema() AND c.relkind = 'r' \
                AND c.relname = \(table)
                """
            }
        return try connection.first(look) { try $0.integer(0) } ?? 0 > 0
    }

    static func create(_ connection: any Connection) throws {
        switch connection.dialect.name {
        case .sqlite:
            try connection.executeScript(
                """
                CREATE TABLE schema_migrations (
                    number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL, applied_by TEXT NOT NULL,
                    host TEXT NOT NULL, applied_time INTEGER NOT NULL, duration INTEGER NOT NULL, backup TEXT
                ) STRICT
                """)
        case .postgresql:
            try connection.executeScript(
                """
                CREATE TABLE schema_migrations (
                    number bigint CONSTRAINT schema_migrations_pkey PRIMARY KEY, name text COLLATE "C" NOT NULL,
                    checksum bytea NOT NULL, applied_by text COLLATE "C" NOT NULL, host text COLLATE "C" NOT NULL,
                    applied_time timestamptz NOT NULL, duration bigint NOT NULL, backup text COLLATE "C"
                )
                """)
        }
    }
}

extension MigrationText {
    /// What a database remembers of the step's text.
    func checksum(for database: Dialect.Name) -> [UInt8]? {
        guard let text = statements(for: database.rawValue) else { return nil }
        let outside = database == .postgresql ? concurrentIndexes.map(\.statement) : []
        return StatementText.checksum(of: [text] + outside)
    }
}
