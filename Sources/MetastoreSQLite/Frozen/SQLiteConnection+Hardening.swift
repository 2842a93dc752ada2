// Invariants
// 1. Nothing that stands in the file runs: no view, no trigger, no function but harmless ones, no extension.
// 2. Nothing read from it is larger than what a store writes. Nothing of it but its header is read while it is opened,
//    so that whoever opened it can end whatever takes too long.

internal import CSQLite
internal import MetastoreEngine

extension SQLiteConnection {
    /// For a database that anybody may have made: before its first byte is read.
    static func harden(_ handle: OpaquePointer, _ path: String) throws(EngineError) {
        for flag in [SQLITE_DBCONFIG_ENABLE_VIEW, SQLITE_DBCONFIG_ENABLE_TRIGGER] {
            let result = metastore_set_database_flag(handle, flag, 0)
            guard result == SQLITE_OK else { throw openError(handle, result, path) }
        }
        let limits: [(Int32, Int32)] = [
            // The largest value is a transaction's log, 64 MiB.
            (SQLITE_LIMIT_LENGTH, 128 << 20), (SQLITE_LIMIT_SQL_LENGTH, 256 << 10), (SQLITE_LIMIT_COLUMN, 500),
            (SQLITE_LIMIT_EXPR_DEPTH, 200), (SQLITE_LIMIT_COMPOUND_SELECT, 50), (SQLITE_LIMIT_VDBE_OP, 250_000),
            (SQLITE_LIMIT_ATTACHED, 0), (SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1_000), (SQLITE_LIMIT_TRIGGER_DEPTH, 0),
            (SQLITE_LIMIT_WORKER_THREADS, 0),
        ]
        for (limit, most) in limits { sqlite3_limit(handle, limit, most) }
    }
}
