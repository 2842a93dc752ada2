// Invariants (PostgreSQL; on SQLite the store's lock file keeps everybody else out, and dies with its holder)
// 1. Whoever takes or breaks the lock raises the token, in one statement that fails if the token moved meanwhile.
// 2. A step's transaction holds the token's row shared until its end: nobody takes the lock over in the middle of a
//    step, and a migrator whose token was raised commits no step any more.
// 3. The lock is only taken over from a holder whose session on the server has ended.

internal import FoundationEssentials
internal import Glibc
public import MetastoreEngine
internal import Migrations

/// The right to migrate a store.
public struct MigrationLock: Sendable, Hashable {
    /// What the row held after this lock was taken; nil where the engine's own lock is all there is.
    let token: Int64?

    /// Gives it back. Where the connection is gone there is nothing to give: its session ended with it.
    public func release(_ connection: any Connection) {
        guard let token else { return }
        connection.rollback()
        _ = try? connection.execute(
            """
            UPDATE migration_lock SET holder = NULL, host = NULL, pid = NULL, backend_start = NULL, since = NULL \
            WHERE id = 1 AND token = \(token)
            """)
    }

    /// Gives the lock back in the transaction that puts another store in this one's place. Whoever had or has a token
    /// of the one finds it raised in both.
    ///
    /// - Parameters:
    ///   - connection: to the other store, in that transaction.
    ///   - schema: what a statement calls the schema of the one that this lock is of.
    /// - Returns: false when somebody took the lock over; then nothing was changed.
    package func handOver(to connection: any Connection, from schema: String) throws -> Bool {
        guard let token else { return true }
        let free: SQL = "holder = NULL, host = NULL, pid = NULL, backend_start = NULL, since = NULL"
        let given = try connection.execute(
            SQL(trusted: "UPDATE \(schema).migration_lock SET ") + free
                + ", token = token + 1 WHERE id = 1 AND token = \(token)")
        guard given == 1 else { return false }
        try connection.execute(
            "UPDATE migration_lock SET token = GREATEST(token, \(token)) + 1, \(free) WHERE id = 1")
        return true
    }

    /// Makes sure that nobody took over. In a transaction nobody will until its end.
    func confirm(_ step: MigrationText, on connection: any Connection) throws {
        guard let token else { return }
        let found = try connection.first("SELECT token FROM migration_lock WHERE id = 1 FOR SHARE") {
            try $0.integer(0)
        }
        guard found == token else {
            let holder = try MigrationHolder(connection)?.description ?? "another migrator, which has ended since"
            throw MigrationError.lockLost(number: step.number, name: step.name, holder: holder)
        }
    }
}

/// Who migrates a store on a server.
public struct MigrationHolder: Sendable, Hashable, CustomStringConvertible {
    /// The program and its process.
    public let name: String
    /// The host it runs on.
    public let host: String
    /// The process of the server that serves it.
    public let backend: Int64
    /// Since when: microseconds since 1970, by the holder's clock.
    public let since: Int64
    /// Its session on the server is still there. Where the role may not see, it is taken to be.
    public let isConnected: Bool
    /// What the lock's row holds.
    let token: Int64

    /// Who holds the lock; nil when nobody does.
    ///
    /// - Throws: an `EngineError`.
    public init?(_ connection: any Connection) throws {
        guard let lock = try LockRow(connection), let holder = lock.holder else { return nil }
        self = holder
    }

    package init(name: String, host: String, backend: Int64, since: Int64, isConnected: Bool, token: Int64) {
        (self.name, self.host, self.backend) = (name, host, backend)
        (self.since, self.isConnected, self.token) = (since, isConnected, token)
    }

    /// "process 123 (metastore 0.2.0) on host since 2026-11-21T04:00:00Z, server process 456"
    public var description: String {
        let time = Date(timeIntervalSince1970: Double(since / 1_000_000)).formatted(.iso8601)
        return "\(name) on \(host) since \(time), server process \(backend)"
    }
}

/// The lock's one row.
private struct LockRow {
    let token: Int64
    let holder: MigrationHolder?

    /// Nil where there is no such row: on SQLite, or before the first migrator.
    init?(_ connection: any Connection) throws {
        guard connection.dialect.name == .postgresql, try MigrationLock.isThere(connection) else { return nil }
        // The start of another role's session is hidden from this one: then it may be the holder's.
        let look: SQL = """
            SELECT l.token, l.holder, l.host, l.pid, l.since, EXISTS (SELECT 1 FROM pg_catalog.pg_stat_activity AS a \
            WHERE a.pid = l.pid AND a.datname = pg_catalog.current_database() \
            AND (a.backend_start IS NULL OR a.backend_start = l.backend_start)) \
            FROM migration_lock AS l WHERE l.id = 1
            """
        let row = try connection.first(look) { row -> (Int64, MigrationHolder?) in
            let token = try row.integer(0)
            guard !row.isNull(1) else { return (token, nil) }
            return (
                token,
                MigrationHolder(
                    name: try row.text(1), host: try row.text(2), backend: try row.integer(3),
                    since: try row.timestamp(4), isConnected: try row.integer(5) != 0, token: token)
            )
        }
        guard let row else { return nil }
        (token, holder) = row
    }
}

extension MigrationLock {
    private static let table = "migration_lock"

    static func isThere(_ connection: any Connection) throws -> Bool {
        try connection.dialect.name == .sqlite || VersionTable.isThere(connection, table: table)
    }

    static func create(_ connection: any Connection) throws {
        try connection.executeScript(
            """
            CREATE TABLE migration_lock (
                id bigint CONSTRAINT migration_lock_pkey PRIMARY KEY CONSTRAINT migration_lock_id_check CHECK (id = 1),
                token bigint NOT NULL, holder text COLLATE "C", pid bigint, backend_start timestamptz,
                host text COLLATE "C", since timestamptz
            );
            INSERT INTO migration_lock (id, token) VALUES (1, 0)
            """)
    }

    /// What to do about a lock that was just looked at.
    package enum Decision: Hashable {
        /// Raise the token that was seen.
        case take(over: Int64)
        case wait(holder: MigrationHolder)

        package init(token: Int64, holder: MigrationHolder?) {
            if let holder, holder.isConnected { self = .wait(holder: holder) } else { self = .take(over: token) }
        }
    }

    /// Takes the lock away from a holder whose session has ended, so that it is free.
    ///
    /// - Returns: whose it was; nil when nobody held it.
    /// - Throws: ``MigrationError/holderAlive(holder:)``; or an `EngineError`.
    @discardableResult
    public static func `break`(_ connection: any Connection) throws -> MigrationHolder? {
        while let row = try LockRow(connection), let holder = row.holder {
            guard case .take(let token) = Decision(token: row.token, holder: holder) else {
                throw MigrationError.holderAlive(holder: holder.description)
            }
            let broken = try connection.execute(
                """
                UPDATE migration_lock SET token = token + 1, holder = NULL, host = NULL, pid = NULL, \
                backend_start = NULL, since = NULL WHERE id = 1 AND token = \(token)
                """)
            if broken == 1 { return holder }
        }
        return nil
    }
}

extension Migrator {
    /// Takes the right to migrate; waits for whoever has it, and takes over from one whose session has ended.
    ///
    /// On SQLite the writer's connection is that right: there is nothing to wait for. On a server it takes a connection
    /// of its own, not a pooler's, so that everybody can see when it is gone.
    ///
    /// - Parameters:
    ///   - timeout: how long to wait.
    ///   - now: microseconds since 1970.
    /// - Throws: ``MigrationError/locked(holder:)``, which names the holder; or an `EngineError`.
    public func takeLock(
        _ connection: any Connection, waiting timeout: Duration, now: () -> Int64
    ) throws -> MigrationLock {
        guard connection.dialect.name == .postgresql else { return MigrationLock(token: nil) }
        guard connection.keepsSession else {
            throw EngineError(
                .unsupported, operation: "migrate",
                message: "a migrator can't work through a pooler, where nobody can see whether it is alive. Connect to "
                    + "the server itself")
        }
        let deadline = ContinuousClock.now + timeout
        var pause = MigrationLimits.firstPause
        while true {
            guard let row = try LockRow(connection) else {
                try makeLock(connection)
                continue
            }
            switch MigrationLock.Decision(token: row.token, holder: row.holder) {
            case .take(let token):
                if let lock = try take(over: token, connection, now: now()) { return lock }
            case .wait(let holder):
                guard ContinuousClock.now + pause < deadline else {
                    throw MigrationError.locked(holder: holder.description)
                }
                usleep(UInt32(pause / .microseconds(1)))
                pause = min(pause * 2, MigrationLimits.lastPause)
            }
        }
    }

    /// Nil when somebody else was faster.
    private func take(over token: Int64, _ connection: any Connection, now: Int64) throws -> MigrationLock? {
        let name = "process \(getpid()) (\(appliedBy))"
        let taken = try connection.execute(
            """
            UPDATE migration_lock SET token = token + 1, holder = \(name), host = \(host), \
            pid = pg_catalog.pg_backend_pid(), backend_start = (SELECT backend_start FROM pg_catalog.pg_stat_activity \
            WHERE pid = pg_catalog.pg_backend_pid()), since = \(Value.timestamp(now)) \
            WHERE id = 1 AND token = \(token)
            """)
        return taken == 1 ? MigrationLock(token: token + 1) : nil
    }

    /// One at a time: two that make a table at once fail on the server's own catalogue.
    private func makeLock(_ connection: any Connection) throws {
        try connection.begin(.write)
        do {
            try connection.executeScript("LOCK TABLE schema_migrations IN SHARE ROW EXCLUSIVE MODE")
            if try !MigrationLock.isThere(connection) { try MigrationLock.create(connection) }
            try connection.execute("INSERT INTO migration_lock (id, token) VALUES (1, 0) ON CONFLICT DO NOTHING")
            try connection.commit()
        } catch {
            connection.rollback()
            throw error
        }
    }
}

/// Every bound of the migrator, and what happens there.
enum MigrationLimits {
    /// Between two looks at a lock that somebody else holds: from the first to the last, doubling.
    static let firstPause = Duration.milliseconds(20)
    static let lastPause = Duration.milliseconds(200)
}
