internal import Glibc

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

    /// Commits here wait for the standby, or for none. Returns once they do.
    ///
    /// It is the checkpointer that tells every other process whether commits wait (`SyncRepUpdateSyncStandbysDefined`),
    /// and a process may show the new setting before. A connection that shows it was made after all had been told to
    /// read it, and the checkpointer reads it before it makes the second of two checkpoints asked for after that.
    package func awaitStandby(_ name: String?) throws {
        let setting = "synchronous_standby_names"
        try set(setting, to: name ?? "")
        while try ask("SHOW \(setting)") != name ?? "" { usleep(1_000) }
        for _ in 1...2 { try ask("CHECKPOINT") }
    }

    /// Makes a primary of a standby, on a new timeline. Returns once it takes writes.
    package func promote() throws {
        try shell.run("pg_ctl promote --silent --wait --timeout=60 -D \(quoted(data))")
    }
}
