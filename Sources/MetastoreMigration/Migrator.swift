// Invariants
// 1. A step and its row in schema_migrations commit in one transaction, together with whatever the hook writes.
// 2. Steps are applied in order of their number, without a gap; an edited step is refused by name.
// 3. Of two migrators at once the second waits, and finds the step applied.
// 4. A schema newer than this binary is never written, and read only if its min_reader allows.

internal import Crypto
public import MetastoreEngine
public import Migrations

/// The schema's versions in one database: what is there, and the way to what this binary knows.
public struct Migrator: Sendable {
    /// The steps this binary knows, in order.
    public let steps: [MigrationText]
    /// Who applies them: the release's version, shown to whoever meets a newer schema.
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

    /// The schema in the database, 0 where there is none.
    public func current(_ connection: any Connection) throws -> Int64 {
        try connection.first("SELECT coalesce(max(number), 0) FROM schema_migrations") { try $0.integer(0) } ?? 0
    }

    /// Makes sure that this binary may use the database.
    ///
    /// - Throws: ``MigrationError/newer(found:known:writtenBy:)``, ``MigrationError/pending(found:known:)``,
    ///   ``MigrationError/edited(number:name:)``, or an `EngineError`.
    public func check(_ connection: any Connection, forWriting: Bool) throws {
        let applied = try applied(connection)
        let found = applied.last?.number ?? 0
        if found > known {
            let limits = try connection.first("SELECT min_reader, min_writer FROM head WHERE id = 1") { row in
                (reader: try row.integer(0), writer: try row.integer(1))
            }
            let allowed = forWriting ? limits?.writer : limits?.reader
            guard let allowed, allowed <= known else {
                throw MigrationError.newer(found: found, known: known, writtenBy: applied.last?.appliedBy ?? "another")
            }
        }
        for (step, row) in zip(steps, applied) {
            guard let text = step.statements(for: connection.dialect.name.rawValue) else { continue }
            if Self.checksum(of: text) != row.checksum {
                throw MigrationError.edited(number: step.number, name: step.name)
            }
        }
        if found < known { throw MigrationError.pending(found: found, known: known) }
    }

    /// Applies every step after the current schema, each in one transaction.
    ///
    /// - Parameters:
    ///   - now: microseconds since 1970, for the version rows.
    ///   - hook: called with the step's number inside its transaction, after its statements: the store appends its
    ///     log record there.
    public func apply(
        to connection: any Connection, now: Int64, hook: (Int64, any Connection) throws -> Void
    ) throws {
        try connection.executeScript(Self.versionTable(connection.dialect.name))
        let applied = try current(connection)
        for step in steps where step.number > applied {
            try apply(step, to: connection, now: now, hook: hook)
        }
    }

    private func apply(
        _ step: MigrationText, to connection: any Connection, now: Int64,
        hook: (Int64, any Connection) throws -> Void
    ) throws {
        let database = connection.dialect.name.rawValue
        guard let text = step.statements(for: database) else {
            throw MigrationError.missingText(number: step.number, database: database)
        }
        do {
            try connection.begin(.write)
            if let lock = Self.versionLock(connection.dialect.name) { try connection.executeScript(lock) }
            guard try current(connection) < step.number else { return connection.rollback() }
            try connection.executeScript(text)
            try connection.execute(
                """
                INSERT INTO schema_migrations (number, name, checksum, applied_by, host, applied_time)
                VALUES (\(step.number), \(step.name), \(Self.checksum(of: text)), \(appliedBy), \(host), \
                \(Value.timestamp(now)))
                """)
            try hook(step.number, connection)
            try connection.commit()
        } catch let error as EngineError {
            connection.rollback()
            throw MigrationError.failed(number: step.number, name: step.name, error)
        } catch {
            connection.rollback()
            throw error
        }
    }

    private struct Applied {
        let number: Int64
        let checksum: [UInt8]
        let appliedBy: String
    }

    private func applied(_ connection: any Connection) throws -> [Applied] {
        try connection.all("SELECT number, checksum, applied_by FROM schema_migrations ORDER BY number") { row in
            Applied(number: try row.integer(0), checksum: try row.bytes(1), appliedBy: try row.text(2))
        }
    }

    /// SHA-256 of the statements without comments and with every run of white space as one space, so that a
    /// reformatted file is the same migration.
    static func checksum(of text: String) -> [UInt8] {
        var text = text
        let words = text.withUTF8 { bytes in
            var words: [UInt8] = []
            words.reserveCapacity(bytes.count)
            var isComment = false
            var isBetween = false
            for index in bytes.indices {
                let byte = bytes[index]
                if byte == UInt8(ascii: "\n") {
                    (isComment, isBetween) = (false, true)
                } else if isComment || byte == dash && index + 1 < bytes.count && bytes[index + 1] == dash {
                    isComment = true
                } else if byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r") {
                    isBetween = true
                } else {
                    if isBetween, !words.isEmpty { words.append(UInt8(ascii: " ")) }
                    isBetween = false
                    words.append(byte)
                }
            }
            return words
        }
        return Array(SHA256.hash(data: words))
    }

    private static let dash = UInt8(ascii: "-")

    private static func versionTable(_ database: Dialect.Name) -> String {
        switch database {
        case .sqlite:
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                number INTEGER PRIMARY KEY, name TEXT NOT NULL, checksum BLOB NOT NULL, applied_by TEXT NOT NULL,
                host TEXT NOT NULL, applied_time INTEGER NOT NULL
            ) STRICT
            """
        case .postgresql:
            """
            CREATE TABLE IF NOT EXISTS schema_migrations (
                number bigint CONSTRAINT schema_migrations_pkey PRIMARY KEY, name text COLLATE "C" NOT NULL,
                checksum bytea NOT NULL, applied_by text COLLATE "C" NOT NULL, host text COLLATE "C" NOT NULL,
                applied_time timestamptz NOT NULL
            )
            """
        }
    }

    /// Begins a step where a write transaction alone keeps no other migrator out.
    private static func versionLock(_ database: Dialect.Name) -> String? {
        switch database {
        case .sqlite: nil
        case .postgresql: "LOCK TABLE schema_migrations IN SHARE ROW EXCLUSIVE MODE"
        }
    }
}
