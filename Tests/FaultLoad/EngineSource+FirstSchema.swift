public import MetastoreEngine

extension EngineSource {
    /// Makes a closed store of schema 1 out of one of the newest, as an early release left it.
    public func goBackToFirstSchema() throws {
        try rewrite(
            """
            DROP TABLE identity; DROP TABLE trial_summaries; DROP TABLE backfills;
            DELETE FROM schema_migrations WHERE number >= 2;
            UPDATE head SET schema_version = 1, min_writer = 1
            """)
    }

    /// Leaves a closed store as the upgrade to schema 2 does: with the backfill still to come.
    ///
    /// - Parameter limit: so many rows a second it may do.
    public func forgetSummaries(rowsPerSecond limit: Int64) throws {
        try rewrite(
            """
            DELETE FROM trial_summaries; UPDATE backfills SET state = 1, trial = 0, rows_done = 0, steps = 0,
            rows_total = (SELECT next_workload - 1 FROM head), first_new_trial = (SELECT next_trial FROM head),
            rows_per_second = \(limit)
            """)
    }

    private func rewrite(_ script: String) throws {
        let engine = try makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        try connection.begin(.write)
        try connection.executeScript(script)
        try connection.commit()
        try engine.settle(connection)
    }
}

extension EngineSource {
    /// A closed store in a file takes that for its own, and its writes too: as if it had just been upgraded. Nothing is
    /// done where its schema has no identity.
    public func forgetIdentity() throws {
        let engine = try makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        let hasIdentity = try connection.first("SELECT 1 FROM sqlite_schema WHERE name = 'identity'") { _ in true }
        guard hasIdentity == true else { return }
        try connection.execute(
            "UPDATE identity SET role = 1, inode = NULL, birth = NULL, file_system = NULL, machine = NULL WHERE id = 1")
        try engine.settle(connection)
    }
}
