extension PostgreSQLServer {
    /// Copies this server and starts the copy as its standby, over the socket.
    ///
    /// - Parameters:
    ///   - name: what `synchronous_standby_names` knows it by.
    ///   - options: its own; the settings of this server don't follow it there.
    package func makeStandby(_ name: String = "standby", _ options: ServerOptions? = nil) throws -> PostgreSQLServer {
        let shell = try ServerShell(onDisk: (options ?? self.options).isOnDisk)
        let source = connection() + " application_name=\(name)"
        try shell.run(
            """
            pg_basebackup -D \(quoted(shell.folder + "/data")) -d \(quoted(source)) --write-recovery-conf \
            --wal-method=stream --checkpoint=fast --no-sync
            """)
        return try PostgreSQLServer(options ?? self.options, shell: shell)
    }

    /// Commits here wait for the standby from now on, or for none.
    package func awaitStandby(_ name: String?) throws {
        try set("synchronous_standby_names", to: name ?? "")
    }

    /// Makes a primary of a standby, on a new timeline. Returns once it takes writes.
    package func promote() throws {
        try shell.run("pg_ctl promote --silent --wait --timeout=60 -D \(quoted(data))")
    }
}
