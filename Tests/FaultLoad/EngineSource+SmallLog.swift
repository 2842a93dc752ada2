public import MetastoreEngine
internal import MetastoreSQLite

extension EngineSource {
    /// A file whose write-ahead log is checkpointed and restarted all the time.
    public static func smallLog(_ path: String) -> EngineSource {
        var limits = SQLiteLimits()
        limits.checkpointPages = 40
        limits.truncateBytes = 200 * 4120
        limits.truncateRetry = .milliseconds(1)
        return EngineSource { [limits] options in SQLiteEngine(path: path, options: options, limits: limits) }
    }
}
