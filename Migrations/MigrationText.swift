/// One step of the schema: its number, its name, what it is for and its text per database.
public struct MigrationText: Sendable, Hashable {
    /// Counts from 1 without a gap; also the schema's number after the step.
    public let number: Int64
    /// What it is about; part of the name of its files.
    public let name: String
    /// What it does, in a sentence that goes on after "it": "adds …".
    public let summary: String
    /// The tables that were there before and that it changes or reads whole.
    public let tables: [String]
    /// The oldest schema whose readers can still read after this step.
    public let minReader: Int64
    /// The oldest schema whose writers can still write after this step.
    public let minWriter: Int64
    /// The table for whose older rows something is filled in after the step, beside the writers; nil where the step
    /// itself does everything.
    public let backfill: String?
    /// What is built before its transaction, where the database can do that while others write.
    public let concurrentIndexes: [ConcurrentIndex]
    private let sqlite: [UInt8]
    private let postgresql: [UInt8]
    private let sqliteCatalogue: [UInt8]
    private let postgresqlCatalogue: [UInt8]

    /// The statements for a database, by the name its files carry; nil where the step has none for it.
    public func statements(for database: String) -> String? { text(for: database, sqlite, postgresql) }

    /// Every object that a store has after this step, one a line; nil where none are written down.
    public func expectedCatalogue(for database: String) -> String? {
        text(for: database, sqliteCatalogue, postgresqlCatalogue)
    }

    /// Steps other than those of ``catalogue`` are for tests.
    package init(
        number: Int64, name: String, summary: String, tables: [String] = [], minReader: Int64, minWriter: Int64,
        backfill: String? = nil, concurrentIndexes: [ConcurrentIndex] = [], sqlite: [UInt8], postgresql: [UInt8],
        sqliteCatalogue: [UInt8] = [], postgresqlCatalogue: [UInt8] = []
    ) {
        self.number = number
        self.name = name
        self.summary = summary
        self.tables = tables
        self.minReader = minReader
        self.minWriter = minWriter
        self.backfill = backfill
        self.concurrentIndexes = concurrentIndexes
        self.sqlite = sqlite
        self.postgresql = postgresql
        self.sqliteCatalogue = sqliteCatalogue
        self.postgresqlCatalogue = postgresqlCatalogue
    }

    private func text(for database: String, _ sqlite: [UInt8], _ postgresql: [UInt8]) -> String? {
        let content: [UInt8] =
            switch database {
            case "sqlite": sqlite
            case "postgresql": postgresql
            default: []
            }
        return content.isEmpty ? nil : String(decoding: content, as: UTF8.self)
    }
}

/// An index on a large table, built while others write. PostgreSQL only: on SQLite it stands in the step's text.
public struct ConcurrentIndex: Sendable, Hashable {
    /// What it is called, in the store's schema.
    public let name: String
    /// The one statement that builds it: `CREATE INDEX CONCURRENTLY name ON …`.
    public let statement: String

    /// Names an index and what builds it. The statement is trusted text.
    public init(name: String, statement: String) {
        self.name = name
        self.statement = statement
    }
}
