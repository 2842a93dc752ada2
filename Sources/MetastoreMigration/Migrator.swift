public import MetastoreEngine
public import Migrations

/// The schema's versions in one database: what is there, and the way to what this binary knows.
///
/// ```swift
/// let migrator = Migrator(appliedBy: "metastore 0.2.0", host: "db1")
/// let status = try migrator.status(connection)
/// for step in status.pending { print(step.number, step.summary) }
/// ```
public struct Migrator: Sendable {
    /// The steps this binary knows, in order.
    public let steps: [MigrationText]
    /// Who applies them: the release's name and version, shown to whoever meets a newer schema.
    public let appliedBy: String
    /// Where: the host's name.
    public let host: String

    /// Steps other than the catalogue's are for tests.
    public init(steps: [MigrationText] = catalogue, appliedBy: String, host: String) {
        self.steps = steps
        self.appliedBy = appliedBy
        self.host = host
    }

    /// The newest schema this binary knows.
    public var known: Int64 { steps.last?.number ?? 0 }

    /// What the database's schema is. Writes nothing; all of it is one snapshot.
    ///
    /// - Throws: ``MigrationError/noStore``, or an `EngineError`.
    public func status(_ connection: any Connection) throws -> MigrationStatus {
        try connection.inOneSnapshot {
            guard try VersionTable.isThere(connection) else { throw MigrationError.noStore }
            return try readStatus(connection)
        }
    }

    /// Makes sure that this binary may use the database.
    ///
    /// - Returns: what was found, with nothing pending.
    /// - Throws: ``MigrationError``: `noStore`, `newer`, `gap`, `edited` or `pending`; or an `EngineError`.
    @discardableResult
    public func check(_ connection: any Connection, forWriting: Bool) throws -> MigrationStatus {
        let status = try status(connection)
        if let refusal = status.refusal(forWriting: forWriting) { throw refusal }
        return status
    }

    func readStatus(_ connection: any Connection) throws -> MigrationStatus {
        let applied = try VersionTable.read(connection)
        // The first step makes the head row's table.
        let limits =
            applied.isEmpty
            ? nil
            : try connection.first("SELECT min_reader, min_writer FROM head WHERE id = 1") { row in
                (reader: try row.integer(0), writer: try row.integer(1))
            }
        return MigrationStatus(
            database: connection.dialect.name, steps: steps, applied: applied, minReader: limits?.reader,
            minWriter: limits?.writer)
    }
}

extension Connection {
    /// Runs reads in one transaction: the open one, or one of their own.
    func inOneSnapshot<Result>(_ body: () throws -> Result) throws -> Result {
        guard !isInTransaction else { return try body() }
        try begin(.read)
        defer { rollback() }
        return try body()
    }
}
