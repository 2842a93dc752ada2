public import MetastoreEngine

extension EngineSource {
    /// Makes a closed store of schema 1 out of one of schema 2, as the release before left it.
    public func goBackToFirstSchema() throws {
        try rewrite(
            """
            DROP TABLE trial_summaries; DROP TABLE backfills; DELETE FROM schema_migrations WHERE number = 2;
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
