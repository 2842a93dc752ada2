#if PostgreSQL
    internal import CPostgreSQL
    internal import MetastoreEngine

    /// Which server a connection reached, and in what state.
    struct Server: Sendable {
        let host: Host
        /// Shared by a primary and its standbys; nil where the server doesn't tell.
        var system: String?
        /// Counts promotions; nil on a standby, and where the server doesn't tell.
        var timeline: UInt32?
        var isStandby: Bool
        var isPooled: Bool
    }

    /// The newest state of the server that this engine has seen (DESIGN D9): it never goes back behind that.
    struct Lineage: Sendable {
        private var system: String?
        private var timeline: UInt32 = 0

        /// Throws when the server is another one, or an older primary that came back.
        mutating func follow(_ server: Server) throws(EngineError) {
            if let known = system, let found = server.system, known != found {
                throw refusal(
                    server.host, "is another server than before: its data has another origin. Name the right one")
            }
            if let found = server.timeline, found < timeline {
                throw refusal(
                    server.host,
                    "is on timeline \(found), and the store has been on \(timeline): a standby took over, and this is "
                        + "the old primary. Make it a standby of the new one")
            }
            system = system ?? server.system
            timeline = max(timeline, server.timeline ?? 0)
        }

        private func refusal(_ host: Host, _ reason: String) -> EngineError {
            EngineError(
                .olderLineage, operation: "connect",
                message: "\(host.description) \(reason). Nothing was done; don't write to both")
        }
    }

    extension PostgreSQLConnection {
        /// Looks where it was connected to, and sets the session up.
        func setUp(_ host: Host) throws(EngineError) -> Server {
            let look: SQL = """
                SELECT pg_catalog.pg_backend_pid(), pg_catalog.pg_is_in_recovery(),
                CAST(pg_catalog.current_setting('server_version_num') AS bigint),
                pg_catalog.current_setting('server_encoding')
                """
            let found = try ask(look) { row in
                (try row.integer(0), try row.integer(1) != 0, try row.integer(2), try row.text(3))
            }
            guard let (process, isStandby, version, encoding) = found else { throw Self.unsupported(host, "no rows") }
            guard version >= PostgreSQLLimits.oldestServer else {
                throw Self.unsupported(host, "is PostgreSQL \(version / 10_000); the store needs 13 or newer")
            }
            guard encoding == "UTF8" else {
                throw Self.unsupported(host, "keeps text as \(encoding); make a database with ENCODING 'UTF8'")
            }
            var server = Server(host: host, isStandby: isStandby, isPooled: process != link.backend)
            server.system = try askIfAllowed(
                "SELECT CAST(system_identifier AS text) FROM pg_catalog.pg_control_system()")
            if !isStandby {
                let file = try askIfAllowed(
                    "SELECT pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())")
                server.timeline = file.flatMap { UInt32($0.prefix(8), radix: 16) }
            }
            if server.isPooled {
                setWay(.pooled)
                try tryTransaction(host)
            } else {
                try execute(SQL(trusted: settings.ofSession))
                setWay(.direct)
            }
            return server
        }

        /// The first row, with our errors only.
        func ask<Result>(
            _ statement: SQL, _ body: (borrowing Row) throws -> Result
        ) throws(EngineError) -> Result? {
            do {
                return try first(statement, body)
            } catch {
                throw error as? EngineError
                    ?? EngineError(.misuse, operation: "query", message: "unexpected: \(type(of: error))")
            }
        }

        /// A text, or nil where the server has no such function or doesn't let us call it.
        private func askIfAllowed(_ statement: SQL) throws(EngineError) -> String? {
            do {
                return try ask(statement) { try $0.text(0) }
            } catch {
                switch error.code {
                case .permissionDenied, .misuse, .unsupported: return nil
                default: throw error
                }
            }
        }

        /// A pooler that parts statements from each other can't be used.
        private func tryTransaction(_ host: Host) throws(EngineError) {
            do {
                try begin(.read)
                try execute("SELECT 1")
                rollback()
            } catch {
                guard error.message.contains("statement pooling") else { throw error }
                throw Self.unsupported(
                    host, "is a pooler that doesn't keep a transaction together; set it to pool_mode = transaction")
            }
        }

        private static func unsupported(_ host: Host, _ reason: String) -> EngineError {
            EngineError(
                .unsupported, operation: "connect", message: "\(host.description) \(reason). Nothing was done")
        }
    }
#endif
