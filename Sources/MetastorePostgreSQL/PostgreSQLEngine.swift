#if PostgreSQL
    internal import CPostgreSQL
    package import MetastoreEngine
    internal import Synchronization

    /// A database on a server.
    ///
    /// 1. Everything lies in one schema; nothing outside of it is made, read or changed.
    /// 2. A server on an older timeline than one seen before, or of another origin, is never used.
    /// 3. Readers use the server the writer uses: a read sees every commit before it.
    package final class PostgreSQLEngine: FilelessEngine {
        package let place: String
        package let dialect = Dialect.postgresql
        package let hasOneConnection = false
        package let isExclusive = false
        package var isReadOnly: Bool { options.isReadOnly }

        let options: EngineOptions
        let schema: String
        let string: ConnectionString
        let password: (@Sendable () async throws -> String)?
        let state = Mutex(State())
        private let kept = Mutex(Kept(connection: nil))

        struct State {
            var lineage = Lineage()
            /// Where the writer is.
            var host: Host?
            var isPooled = false
            var notices: CommitNotices?
            var isClosed = false
        }

        /// The connection that ``prepare()`` made. `@unchecked` because a connection isn't `Sendable`: it is handed
        /// over once, by taking it out of here.
        private struct Kept: @unchecked Sendable {
            var connection: PostgreSQLConnection?
        }

        package init(
            _ text: String, schema: String, tls: TransportSecurity,
            password: (@Sendable () async throws -> String)?, options: EngineOptions
        ) throws(EngineError) {
            let isOurs = !["public", "information_schema"].contains(schema) && !schema.hasPrefix("pg_")
            guard isOurs, !schema.isEmpty, schema.utf8.count < 64, !schema.utf8.contains(where: { $0 < 32 }) else {
                throw EngineError(
                    .misuse, operation: "open",
                    message: "the schema's name is refused: it has 1 to 63 bytes, and isn't public or PostgreSQL's"
                )
            }
            self.schema = schema
            self.options = options
            self.password = password
            string = try ConnectionString(text, security: tls)
            place = "\(string.place), schema \(schema)"
        }

        /// Another schema of the same database.
        init(beside other: PostgreSQLEngine, schema: String, options: EngineOptions) throws(EngineError) {
            guard !schema.isEmpty, schema.utf8.count < 64 else {
                throw EngineError(
                    .tooBig, operation: "open",
                    message: "the schema's name is too long to have another beside it: \(schema) has more than 63 bytes"
                )
            }
            self.schema = schema
            self.options = options
            (password, string) = (other.password, other.string)
            place = "\(string.place), schema \(schema)"
        }

        deinit { close() }

        package var notices: [String] {
            let isPooled = state.withLock { $0.isPooled }
            let pooled =
                "PostgreSQL is reached through a pooler: statements aren't prepared, and commits of other processes "
                + "are noticed by polling alone"
            return string.notices + (isPooled ? [pooled] : [])
        }

        package func prepare() throws(EngineError) -> Found {
            let connection = try connect(isReadOnly ? .reader : .writer)
            let isThere = try hasStore(connection)
            // A role that may not use it is told so here.
            if isThere {
                let head = SessionSettings.identifier(schema) + ".head"
                _ = try connection.ask(SQL(trusted: "SELECT 1 FROM \(head) LIMIT 1")) { try $0.integer(0) }
            }
            keep(connection)
            return isThere ? .database(hasWriteAheadLog: true) : .nothing
        }

        @discardableResult
        package func create(_ populate: (any Connection) throws -> Void) throws -> Bool {
            try checkWritable("create")
            let connection = try takeKept() ?? connect(.writer)
            do {
                try connection.begin(.write)
                // Whoever makes the same schema waits here, and then finds it made.
                try connection.execute("SELECT pg_catalog.pg_advisory_xact_lock(\(lockKey(of: "metastore")))")
                guard try !hasStore(connection) else {
                    connection.rollback()
                    keep(connection)
                    return false
                }
                let name = SessionSettings.identifier(schema)
                let look: SQL = "SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = \(schema)"
                let isThere = try connection.ask(look) { try $0.integer(0) } == 1
                if !isThere { try connection.execute(SQL(trusted: "CREATE SCHEMA \(name)")) }
                try connection.asOneTransaction { try populate(connection) }
                try connection.commit()
            } catch {
                connection.rollback()
                connection.close()
                throw error
            }
            keep(connection)
            return true
        }

        package func openWriter() throws(EngineError) -> any Connection {
            try checkWritable("open")
            if let kept = takeKept() { return kept }
            return try connect(.writer)
        }

        package func openReader() throws(EngineError) -> any Connection {
            if isReadOnly, let kept = takeKept() { return kept }
            return try connect(.reader)
        }

        package func confirmHold() throws(EngineError) { try checkWritable("confirm the right to write") }

        package func announceCommit() {
            guard !isReadOnly else { return }
            commitNotices?.announce()
        }

        package func watchCommits(_ wake: @escaping @Sendable () -> Void) { commitNotices?.watch(wake) }

        package func close() {
            let notices = state.withLock { state in
                state.isClosed = true
                defer { state.notices = nil }
                return state.notices
            }
            notices?.close()
            takeKept()?.close()
        }

        private var commitNotices: CommitNotices? {
            state.withLock { state in
                if state.notices == nil, !state.isClosed {
                    state.notices = CommitNotices(
                        channel: "metastore \(schema)".utf8.count < 64 ? "metastore \(schema)" : schema
                    ) {
                        [weak self] () throws(EngineError) in
                        guard let self else {
                            throw EngineError(.misuse, operation: "connect", message: "the engine is gone")
                        }
                        return try self.connect(.notices)
                    }
                }
                return state.notices
            }
        }

        /// The head row's table says whether there is a store.
        private func hasStore(_ connection: PostgreSQLConnection) throws(EngineError) -> Bool {
            // Not `to_regclass`: it answers from a cache that knows nothing of what was committed since the transaction
            // began.
            let look: SQL = """
                SELECT count(*) FROM pg_catalog.pg_class JOIN pg_catalog.pg_namespace n ON n.oid = relnamespace
                WHERE nspname = \(schema) AND relname = 'head'
                """
            return try connection.ask(look) { try $0.integer(0) } == 1
        }

        /// One number for each name of a schema, and for what is locked there.
        func lockKey(of what: String) -> Int64 {
            Int64(
                bitPattern: "\(what) \(schema)".utf8.reduce(0xcbf2_9ce4_8422_2325) {
                    ($0 ^ UInt64($1)) &* 0x100_0000_01b3
                })
        }

        private func checkWritable(_ operation: String) throws(EngineError) {
            guard !isReadOnly else {
                throw EngineError(.readOnly, operation: operation, message: "\(place) is open for reading only")
            }
        }

        private func keep(_ connection: PostgreSQLConnection) {
            takeKept()?.close()
            let made = Kept(connection: connection)
            kept.withLock { $0 = made }
        }

        private func takeKept() -> PostgreSQLConnection? {
            let taken = kept.withLock { kept in
                defer { kept = Kept(connection: nil) }
                return kept
            }
            guard let connection = taken.connection, connection.link.isOpen else { return nil }
            return connection
        }
    }

    extension PostgreSQLConnection {
        /// Runs `body` inside the open transaction: what it begins and commits is a part of that.
        fileprivate func asOneTransaction(_ body: () throws -> Void) throws {
            let outer = transaction
            transaction = nil
            isNested = true
            defer {
                isNested = false
                transaction = outer
            }
            try body()
            guard !isInTransaction else {
                throw EngineError(.misuse, operation: "create", message: "a transaction was left open")
            }
        }
    }
#endif
