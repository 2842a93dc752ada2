#if PostgreSQL
    package import MetastoreEngine

    extension PostgreSQLEngine {
        /// What a schema takes on the server.
        package struct Sizes: Sendable, Hashable {
            /// Tables, their indexes and what lies outside of their rows.
            package let bytes: Int
            /// The role may make another schema in this database.
            package let mayMakeSchemas: Bool
            /// The schema is there.
            package let isThere: Bool
        }

        /// Looks how much there is.
        package func sizes() throws(EngineError) -> Sizes {
            let connection = try connect(.reader)
            defer { connection.close() }
            let look: SQL = """
                SELECT coalesce((SELECT sum(pg_catalog.pg_total_relation_size(c.oid)) FROM pg_catalog.pg_class AS c \
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                WHERE n.nspname = \(schema) AND c.relkind IN ('r', 'm')), 0)::bigint, \
                pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE'), \
                EXISTS (SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = \(schema))
                """
            let found = try connection.ask(look) { row in
                Sizes(
                    bytes: Int(try row.integer(0)), mayMakeSchemas: try row.integer(1) != 0,
                    isThere: try row.integer(2) != 0)
            }
            guard let found else {
                throw EngineError(.misuse, operation: "look", message: "the server gave no answer")
            }
            return found
        }

        /// Who ends before a schema is replaced.
        package enum Held: Sendable, Hashable {
            /// Whoever writes in it.
            case writers
            /// Whoever reads from it, too: no read sees tables of both.
            case everybody
        }

        /// The tables of a schema, as statements call them; the head row's first, as reads begin with it.
        private static func tables(of schema: String, _ connection: PostgreSQLConnection) throws(EngineError)
            -> [String]
        {
            let look: SQL = """
                SELECT pg_catalog.string_agg(pg_catalog.format('%I.%I', n.nspname, c.relname), ', ' \
                ORDER BY c.relname <> 'head', c.relname) FROM pg_catalog.pg_class AS c \
                JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                WHERE n.nspname = \(schema) AND c.relkind = 'r'
                """
            return try connection.ask(look) { row in [try row.text(0)] } ?? []
        }

        /// Gives this engine's schema the name of another one, which keeps its content under a third name, all in one
        /// transaction: everybody sees the one or the other, and a crash leaves the one or the other.
        ///
        /// Whoever writes in the one that is replaced has ended by then, and whoever wants to waits: for the table, not
        /// for its row. Who waits for a row goes on in the old table afterwards, and with its next statement in the new
        /// schema; who waits for a table looks its name up once more.
        ///
        /// - Parameters:
        ///   - held: who has to end first, and waits then.
        ///   - name: whose place it takes; that schema may be missing.
        ///   - aside: the name under which that one is kept; free.
        ///   - finish: is given a connection to this engine's schema, inside the transaction, before the names change;
        ///     and what a statement calls the one that is replaced, or nil where there is none.
        /// - Returns: whether there was one to keep.
        package func replace(
            schema name: String, keepingAs aside: String, holding held: Held = .writers,
            _ finish: (any Connection, _ replaced: String?) throws -> Void
        ) throws -> Bool {
            let connection = try connect(.writer)
            defer { connection.close() }
            try connection.begin(.write)
            do {
                let old = SessionSettings.identifier(name)
                let look: SQL = """
                    SELECT (SELECT count(*) FROM pg_catalog.pg_namespace WHERE nspname = \(name)), \
                    (SELECT count(*) FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n \
                    ON n.oid = c.relnamespace WHERE n.nspname = \(name) AND c.relname = 'head')
                    """
                let found = try connection.ask(look) { (try $0.integer(0) == 1, try $0.integer(1) == 1) }
                let (isThere, hasHead) = found ?? (false, false)
                if hasHead {
                    let tables = held == .writers ? [] : try Self.tables(of: name, connection)
                    let script =
                        tables.isEmpty
                        ? "LOCK TABLE \(old).head IN EXCLUSIVE MODE"
                        : "LOCK TABLE \(tables.joined(separator: ", ")) IN ACCESS EXCLUSIVE MODE"
                    try connection.executeScript(script)
                }
                try finish(connection, isThere ? old : nil)
                if isThere {
                    try connection.executeScript("ALTER SCHEMA \(old) RENAME TO \(SessionSettings.identifier(aside))")
                }
                // From here on it is no copy that somebody may throw away.
                try connection.executeScript(
                    "ALTER SCHEMA \(SessionSettings.identifier(schema)) RENAME TO \(old); "
                        + "COMMENT ON SCHEMA \(old) IS NULL")
                try connection.commit()
                return isThere
            } catch {
                connection.rollback()
                throw error
            }
        }
    }
#endif
