/// One step of the schema: its number, its name and its text per database.
///
/// To add a migration, add its SQL files beside this one and one line to ``catalogue``.
public struct MigrationText: Sendable, Hashable {
    /// Counts from 1 without a gap; also the schema's number after the step.
    public let number: Int64
    /// What it is about; part of the name of its files.
    public let name: String
    /// The oldest schema whose readers can still read after this step.
    public let minReader: Int64
    /// The oldest schema whose writers can still write after this step.
    public let minWriter: Int64
    private let sqlite: [UInt8]
    private let postgresql: [UInt8]

    /// The statements for a database, by the name its files carry; nil where the step has none for it.
    public func statements(for database: String) -> String? {
        switch database {
        case "sqlite": String(decoding: sqlite, as: UTF8.self)
        case "postgresql": String(decoding: postgresql, as: UTF8.self)
        default: nil
        }
    }

    init(number: Int64, name: String, minReader: Int64, minWriter: Int64, sqlite: [UInt8], postgresql: [UInt8]) {
        self.number = number
        self.name = name
        self.minReader = minReader
        self.minWriter = minWriter
        self.sqlite = sqlite
        self.postgresql = postgresql
    }
}

/// Every step there is, in order.
public let catalogue: [MigrationText] = [
    MigrationText(
        number: 1, name: "initial", minReader: 1, minWriter: 1,
        sqlite: PackageResources.m0001_initial_sqlite_sql, postgresql: PackageResources.m0001_initial_postgresql_sql),
    MigrationText(
        number: 2, name: "metric_summaries", minReader: 1, minWriter: 2,
        sqlite: PackageResources.m0002_metric_summaries_sqlite_sql,
        postgresql: PackageResources.m0002_metric_summaries_postgresql_sql),
]
