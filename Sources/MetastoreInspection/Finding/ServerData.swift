internal import MetastoreSQLite
internal import MetastoreTerminal

/// The data directory of a PostgreSQL server, which only a server of its version can read.
package struct ServerData: Sendable, Hashable {
    package let path: String
    /// `15`, as its `PG_VERSION` says.
    package let version: String
    /// What the control file says of the last stop; nil where there is none that can be read.
    package let state: State?

    /// `DBState` of PostgreSQL's `catalog/pg_control.h`.
    package enum State: UInt32, Sendable {
        case startingUp = 0
        case shutDown = 1
        case shutDownInRecovery = 2
        case shuttingDown = 3
        case inCrashRecovery = 4
        case inArchiveRecovery = 5
        case inProduction = 6

        /// In words, and what it means for whoever starts a server on a copy.
        package var description: String {
            switch self {
            case .shutDown: "shut down cleanly"
            case .shutDownInRecovery: "a standby, shut down cleanly"
            case .inProduction: "not shut down: it was running, and will recover from its log when it is started"
            case .shuttingDown: "cut off while it shut down; it will recover from its log when it is started"
            case .startingUp, .inCrashRecovery: "cut off while it recovered; it will recover when it is started"
            case .inArchiveRecovery: "a standby, cut off; it needs its configuration to be started as one"
            }
        }
    }

    /// Nil where the directory is none.
    init?(_ path: String) {
        guard let file = try? FrozenBytes(path + "/PG_VERSION"), let bytes = try? file.read(16, at: 0) else {
            return nil
        }
        let version = String(decoding: bytes, as: UTF8.self).prefix { !$0.isNewline }
        guard !version.isEmpty, version.allSatisfy({ $0.isNumber || $0 == "." }) else { return nil }
        self.path = path
        self.version = String(version)
        // system_identifier (8), pg_control_version (4), catalog_version_no (4), then the state.
        let control = try? FrozenBytes(path + "/global/pg_control")
        let head = (try? control?.read(20, at: 0)) ?? []
        state =
            head.count == 20
            ? State(rawValue: (16..<20).reversed().reduce(0) { $0 << 8 | UInt32(head[$1]) }) : nil
    }

    /// What to type: a server on a copy, reachable through a socket only, and this tool on it.
    package var commands: [String] {
        [
            "cp -a --reflink=auto \(ShellText.quoted(path)) /var/tmp/metastore-rescue",
            "rm -f /var/tmp/metastore-rescue/postmaster.pid",
            "chown -R postgres: /var/tmp/metastore-rescue && chmod 700 /var/tmp/metastore-rescue",
            "runuser -u postgres -- /usr/lib/postgresql/\(version)/bin/pg_ctl -D /var/tmp/metastore-rescue -w "
                + "-o \"-p 5499 -k /var/tmp -c listen_addresses='' -c archive_mode=off\" start",
            "metastore-inspect 'postgresql://postgres@/DATABASE?host=/var/tmp&port=5499' info",
            "runuser -u postgres -- /usr/lib/postgresql/\(version)/bin/pg_ctl -D /var/tmp/metastore-rescue stop",
        ]
    }
}
