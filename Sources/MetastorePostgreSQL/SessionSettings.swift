#if PostgreSQL
    internal import MetastoreEngine

    /// What every session, or every transaction behind a pooler, is set to before a statement of ours runs in it:
    /// whatever the role, the database or the environment says.
    struct SessionSettings {
        let schema: String
        let isWriter: Bool
        /// The schema alone; PostgreSQL itself searches its catalogue first, and is told to search the temporary tables
        /// of the session last, where it searches them first otherwise.
        var searchPath: String { "\(Self.identifier(schema)), pg_temp" }

        private var all: [(name: String, value: String)]

        init(schema: String, isWriter: Bool, options: EngineOptions) {
            self.schema = schema
            self.isWriter = isWriter
            let bound = options.callTimeout.settingMilliseconds
            // The server gives up a little earlier than the client: the connection goes on then.
            let statement =
                isWriter ? max(1, bound * 9 / 10) : max(bound, PostgreSQLLimits.readStatement.settingMilliseconds)
            let lock = max(1, min(options.busyTimeout.settingMilliseconds, bound * 8 / 10))
            let idle = isWriter ? PostgreSQLLimits.idleInWrite : PostgreSQLLimits.idleInRead
            all = [
                ("statement_timeout", "\(statement)"), ("lock_timeout", "\(lock)"),
                ("idle_in_transaction_session_timeout", "\(max(bound, idle.settingMilliseconds))"),
                ("standard_conforming_strings", "on"), ("jit", "off"), ("transform_null_equals", "off"),
                ("client_min_messages", "warning"), ("row_security", "off"),
            ]
            all.append(("search_path", searchPath))
        }

        /// For the whole session: sent once after connecting.
        var ofSession: String {
            let more = [
                ("default_transaction_isolation", "read committed"), ("default_transaction_deferrable", "off"),
            ]
            let readOnly = isWriter ? [] : [("default_transaction_read_only", "on")]
            return selection(all + more + readOnly, isLocal: false)
        }

        /// For one statement that takes its time and keeps nobody out: sent before it; ``ofSession`` follows it.
        var ofLongStatement: String {
            let limit = PostgreSQLLimits.script.settingMilliseconds
            return selection([("statement_timeout", "\(limit)"), ("lock_timeout", "0")], isLocal: false)
        }

        /// For one transaction: sent with its beginning.
        var ofTransaction: String {
            selection(all + (isWriter ? [] : [("transaction_read_only", "on")]), isLocal: true)
        }

        /// The same, and first of all where it came to: its server's origin, and the file of its log, which begins with
        /// the timeline.
        var ofTransactionAndServer: String {
            ofTransaction.replacing("SELECT ", with: "SELECT \(Self.origin), \(Self.logFile), ", maxReplacements: 1)
        }

        static let origin = "(SELECT CAST(system_identifier AS text) FROM pg_catalog.pg_control_system())"
        static let logFile = "pg_catalog.pg_walfile_name(pg_catalog.pg_current_wal_insert_lsn())"

        private func selection(_ settings: [(name: String, value: String)], isLocal: Bool) -> String {
            var calls = settings.map { Self.call($0.name, Self.literal($0.value), isLocal) }
            // A commit that isn't on the device is none, whatever the database's default is; waiting for the standby to
            // apply it too is the one stronger choice.
            let durable = """
                CASE pg_catalog.current_setting('synchronous_commit') WHEN 'remote_apply' THEN 'remote_apply' \
                ELSE 'on' END
                """
            if isWriter { calls.append(Self.call("synchronous_commit", durable, isLocal)) }
            return "SELECT " + calls.joined(separator: ", ")
        }

        private static func call(_ name: String, _ value: String, _ isLocal: Bool) -> String {
            "pg_catalog.set_config('\(name)', \(value), \(isLocal))"
        }

        static func literal(_ text: String) -> String { "'" + text.replacing("'", with: "''") + "'" }
        static func identifier(_ name: String) -> String { "\"" + name.replacing("\"", with: "\"\"") + "\"" }
    }
#endif
