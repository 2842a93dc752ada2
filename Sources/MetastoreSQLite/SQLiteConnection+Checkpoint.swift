internal import CSQLite
internal import MetastoreEngine

extension SQLiteConnection {
    /// Between two batches: keeps the write-ahead log within its bounds. Never waits for a reader.
    ///
    /// The log is begun anew rather than cut to nothing, and the next commit cuts what is too long
    /// (`journal_size_limit`): an empty file beside an open database would be no evidence that the log is whole.
    ///
    /// - Parameter confirm: called before each checkpoint: one beside another process' could lose what that one
    ///   commits.
    func maintain(
        _ limits: SQLiteLimits, confirm: () throws(EngineError) -> Void, holder: () throws(EngineError) -> String
    ) throws(EngineError) -> Pressure {
        if log.bytes >= limits.truncateBytes {
            let isStuck = log.bytes >= limits.refuseWritesBytes
            let isDue = log.pagesSinceLastTry >= limits.checkpointPages || !log.triedWithin(limits.truncateRetry)
            if isStuck || isDue {
                try confirm()
                _ = try checkpoint(SQLITE_CHECKPOINT_RESTART, waiting: false)
            }
        } else if log.pagesSinceLastTry >= limits.checkpointPages {
            try confirm()
            _ = try checkpoint(SQLITE_CHECKPOINT_PASSIVE, waiting: false)
        }
        if log.bytes >= limits.refuseWritesBytes { return .refuseWrites(holder: try holder()) }
        return log.bytes >= limits.expireReadsBytes ? .expireReads : .none
    }

    /// Puts everything committed into the database file, flushed. The log is left as it is; closing then removes it.
    func settle() throws(EngineError) {
        guard try checkpoint(SQLITE_CHECKPOINT_FULL, waiting: true) else {
            let name = try sqlite3_db_filename(open("checkpoint"), "main").map { String(cString: $0) } ?? ""
            let readers = ReaderSearch.describe(ReaderSearch.allReaders, indexPath: name + "-shm")
            throw EngineError(
                .busy, operation: "checkpoint",
                message: "the write-ahead log could not be copied into the database, which is being read: \(readers). "
                    + "Nothing is lost; end long reads and try again", engineCode: SQLITE_BUSY)
        }
    }

    /// Returns whether everything committed is in the database file now.
    private func checkpoint(_ mode: Int32, waiting: Bool) throws(EngineError) -> Bool {
        let handle = try open("checkpoint")
        if !waiting { sqlite3_busy_timeout(handle, 0) }
        defer { if !waiting { sqlite3_busy_timeout(handle, busyTimeout.wholeMilliseconds) } }
        var (pages, copied): (Int32, Int32) = (-1, -1)
        let result = sqlite3_wal_checkpoint_v2(handle, "main", mode, &pages, &copied)
        guard result == SQLITE_OK || result & 0xff == SQLITE_BUSY else {
            throw .last(handle, result, operation: "checkpoint", wasInTransaction: false)
        }
        let isComplete = pages >= 0 && copied == pages
        log.checkpointed(
            pages: Int(pages), isSettled: isComplete,
            beginsAnew: result == SQLITE_OK && mode == SQLITE_CHECKPOINT_RESTART)
        return isComplete
    }
}
