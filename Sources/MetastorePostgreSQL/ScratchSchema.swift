// Invariants
// 1. Only a schema whose comment says what it is for is emptied or removed. It gets the comment in the transaction that
//    makes it, so that no moment leaves one that nobody may remove.
// 2. One process at a time works at it. That right ends with its session: what a killed one left is the next one's.

#if PostgreSQL
    internal import Glibc
    package import MetastoreEngine
    internal import Synchronization

    /// A schema for a copy that one run works at for a while, under a name that is known beforehand.
    ///
    /// A schema of that name which somebody else made is left as it is.
    package final class ScratchSchema: Sendable {
        private let engine: PostgreSQLEngine
        private let session = Mutex(Session(connection: nil))

        /// `@unchecked` because a connection isn't `Sendable`: it is used inside the mutex only.
        private struct Session: @unchecked Sendable {
            var connection: PostgreSQLConnection?
        }

        /// The schema of this engine. Nothing is done yet.
        package init(_ engine: PostgreSQLEngine) {
            self.engine = engine
        }

        deinit { release() }

        /// What the schema's comment says as long as it is one.
        private static let comment = "metastore-migrate: a copy it works at, which its next run replaces"

        /// Takes the right to work at the schema, and makes it unless an earlier run left it.
        ///
        /// - Parameter timeout: how long to wait for another run; the session of one that was killed ends when what it
        ///   asked for last is done.
        /// - Returns: whether an earlier run left it.
        /// - Throws: `locked` while another run works at it; `misuse` where the schema is somebody else's.
        package func take(waiting timeout: Duration) throws(EngineError) -> Bool {
            let connection = try engine.connect(.writer)
            do throws(EngineError) {
                try lock(connection, until: .now + timeout)
                let isLeft = try makeOrFind(connection)
                let taken = Session(connection: connection)
                session.withLock { $0 = taken }
                return isLeft
            } catch {
                connection.close()
                throw error
            }
        }

        private func lock(
            _ connection: PostgreSQLConnection, until deadline: ContinuousClock.Instant
        ) throws(EngineError) {
            guard connection.keepsSession else {
                throw EngineError(
                    .unsupported, operation: "take a schema",
                    message: "a copy can't be worked at through a pooler, where nobody can see whether its maker is "
                        + "alive. Connect to the server itself")
            }
            let key = engine.lockKey(of: "a copy")
            let attempt: SQL = "SELECT pg_catalog.pg_try_advisory_lock(\(key))"
            while try connection.ask(attempt, { try $0.integer(0) }) != 1 {
                guard ContinuousClock.now > deadline else {
                    usleep(50_000)
                    continue
                }
                let look: SQL = """
                    SELECT pid FROM pg_catalog.pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1 \
                    AND (classid::bigint << 32) | objid::bigint = \(key) AND database = \
                    (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database())
                    """
                let holder = try connection.ask(look) { try $0.integer(0) }.map { "server process \($0)" }
                throw EngineError(
                    .locked(holder: holder ?? "another run"), operation: "take a schema",
                    message: "another run works at schema \(engine.schema) (\(holder ?? "it has just ended")). Nothing "
                        + "was changed. Wait for it, and run this again")
            }
        }

        private func makeOrFind(_ connection: PostgreSQLConnection) throws(EngineError) -> Bool {
            let look: SQL = """
                SELECT pg_catalog.obj_description(oid, 'pg_namespace') IS NOT DISTINCT FROM \(Self.comment) \
                FROM pg_catalog.pg_namespace WHERE nspname = \(engine.schema)
                """
            switch try connection.ask(look, { try $0.integer(0) }) {
            case nil:
                try make(connection)
                return false
            case 1: return true
            default:
                throw EngineError(
                    .misuse, operation: "take a schema",
                    message: "schema \(engine.schema) is there, and no copy of metastore-migrate's. It was left as it "
                        + "is, and nothing else was changed. Rename it, or remove it if nobody needs it")
            }
        }

        private func make(_ connection: PostgreSQLConnection, droppingFirst: Bool = false) throws(EngineError) {
            let name = SessionSettings.identifier(engine.schema)
            try connection.begin(.write)
            do throws(EngineError) {
                if droppingFirst { try connection.execute(SQL(trusted: "DROP SCHEMA IF EXISTS \(name) CASCADE")) }
                try connection.execute(SQL(trusted: "CREATE SCHEMA \(name)"))
                let comment = SessionSettings.literal(Self.comment)
                try connection.execute(SQL(trusted: "COMMENT ON SCHEMA \(name) IS \(comment)"))
                try connection.commit()
            } catch {
                connection.rollback()
                throw error
            }
        }

        /// Throws away what an earlier run left. Does nothing unless taken.
        package func empty() throws(EngineError) {
            try session.withLock { session throws(EngineError) in
                if let connection = session.connection { try make(connection, droppingFirst: true) }
            }
        }

        /// Removes the schema, and gives the right to it back. Does nothing unless taken.
        package func remove() throws(EngineError) {
            defer { release() }
            try session.withLock { session throws(EngineError) in
                let name = SessionSettings.identifier(engine.schema)
                try session.connection?.executeScript("DROP SCHEMA IF EXISTS \(name) CASCADE")
            }
        }

        /// Gives the right to it back, and leaves what is there.
        package func release() {
            session.withLock { session in
                session.connection?.close()
                session.connection = nil
            }
        }
    }
#endif
