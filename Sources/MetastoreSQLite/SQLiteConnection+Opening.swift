internal import CSQLite
internal import Glibc
internal import MetastoreEngine

extension SQLiteConnection {
    /// Opens and configures a connection. The file must exist, except for `:memory:`.
    ///
    /// - Parameter mayRemoveLog: asked when a settled writer closes: does the log still belong to this process?
    static func open(
        _ path: String, role: Role, options: EngineOptions,
        mayRemoveLog: @escaping @Sendable () -> Bool = { true }, whenClosed: @escaping @Sendable () -> Void
    ) throws(EngineError) -> SQLiteConnection {
        var flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE
        flags |= role == .reader || role == .frozen ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE
        if role == .frozen { flags |= SQLITE_OPEN_URI }
        var opened: OpaquePointer?
        let result = sqlite3_open_v2(path, &opened, flags, role.fileLayer)
        guard result == SQLITE_OK, let handle = opened else {
            let error = opened.map { openError($0, result, path) }
            sqlite3_close_v2(opened)
            throw error ?? EngineError(sqlite: SQLITE_NOMEM, operation: "open", words: path)
        }
        do {
            if role == .frozen { try harden(handle, path) }
            try configure(handle, path, role, options)
            let pageBytes = Int(try pragma("page_size", handle, path)) ?? 4096
            return SQLiteConnection(
                handle, role: role, pageBytes: pageBytes, options: options, mayRemoveLog: mayRemoveLog,
                whenClosed: whenClosed)
        } catch {
            sqlite3_close_v2(handle)
            throw error
        }
    }

    private static func configure(
        _ handle: OpaquePointer, _ path: String, _ role: Role, _ options: EngineOptions
    ) throws(EngineError) {
        sqlite3_busy_timeout(handle, options.busyTimeout.wholeMilliseconds)
        let switches: [(Int32, Int32)] = [
            (SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1), (SQLITE_DBCONFIG_DEFENSIVE, 1),
            (SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0), (SQLITE_DBCONFIG_ENABLE_FKEY, 1),
            (SQLITE_DBCONFIG_DQS_DML, 0), (SQLITE_DBCONFIG_DQS_DDL, 0),
            // Without it a statement beside a partial index is prepared anew whenever a bound value changes.
            (SQLITE_DBCONFIG_ENABLE_QPSG, 1),
        ]
        for (flag, on) in switches {
            let result = metastore_set_database_flag(handle, flag, on)
            guard result == SQLITE_OK else { throw openError(handle, result, path) }
        }
        _ = try pragma("temp_store = MEMORY", handle, path)
        // It reads the schema, which somebody may have made so that reading it never ends: left to a first statement.
        if role != .frozen { _ = try pragma("cache_size = -\(max(options.cacheBytes >> 10, 64))", handle, path) }
        switch role {
        case .memory:
            _ = try pragma("page_size = 4096", handle, path)
        case .reader, .frozen:
            _ = try pragma("query_only = ON", handle, path)
            // Look now, so that a file that can't be read fails here and not in the first query.
            _ = try pragma("schema_version", handle, path)
        case .writer:
            // Takes effect in a file without pages only.
            _ = try pragma("page_size = 4096", handle, path)
            let mode = try pragma("journal_mode = WAL", handle, path)
            guard mode == "wal" else {
                throw EngineError(
                    .unsuitableFileSystem(name: "without shared memory"), operation: "open",
                    message: "\(path): SQLite can't keep a write-ahead log here (it stays in mode \(mode)). "
                        + "Put the database on a local file system")
            }
            _ = try pragma("synchronous = FULL", handle, path)
            // Debian's SQLite overwrites all deleted content with zeros; FAST does so where no page is written for it.
            _ = try pragma("secure_delete = FAST", handle, path)
            _ = try pragma("foreign_keys", handle, path)
        }
    }

    /// Sets or reads a setting; returns the first column of the first row, or "".
    static func pragma(_ text: String, _ handle: OpaquePointer, _ path: String) throws(EngineError) -> String {
        var statement: OpaquePointer?
        defer { sqlite3_finalize(statement) }
        var result = sqlite3_prepare_v2(handle, "PRAGMA " + text, -1, &statement, nil)
        guard result == SQLITE_OK else { throw openError(handle, result, path) }
        var value = ""
        result = sqlite3_step(statement)
        if result == SQLITE_ROW {
            value = sqlite3_column_text(statement, 0).map { String(cString: $0) } ?? ""
            // To its end: changing the journal's mode commits after its one row, and only the end tells whether it did.
            while result == SQLITE_ROW { result = sqlite3_step(statement) }
        }
        guard result == SQLITE_DONE else { throw openError(handle, result, path) }
        return value
    }

    static func openError(_ handle: OpaquePointer, _ result: Int32, _ path: String) -> EngineError {
        if result & 0xff == SQLITE_CANTOPEN, let refusal = unwritableDirectory(path, result) { return refusal }
        // Nothing was committed by opening, so a lack of room for the log's index is just that.
        let systemError = sqlite3_system_errno(handle)
        var words = "\(path): \(String(cString: sqlite3_errmsg(handle)))"
        var status = stat()
        // The file itself is there: it is its log or the log's index that can't be made.
        if result & 0xff == SQLITE_CANTOPEN, lstat(path, &status) == 0 {
            words +=
                ". Its directory can't be written, and SQLite makes files beside a database even to read it. "
                + "Copy all its files to a writable place and open the copy"
        }
        let isFull = result == METASTORE_IOERR_SHMSIZE || result == METASTORE_IOERR_SHMOPEN
        return EngineError(
            sqlite: isFull && systemError == ENOSPC ? SQLITE_FULL : result, operation: "open",
            words: words, systemError: systemError)
    }

    /// A database with a write-ahead log can't be opened where nothing may be written; SQLite only says that it can't.
    private static func unwritableDirectory(_ path: String, _ result: Int32) -> EngineError? {
        let directory = path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
        guard access(directory.isEmpty ? "/" : directory, W_OK) != 0, errno == EROFS || errno == EACCES else {
            return nil
        }
        return EngineError(
            errno == EROFS ? .readOnly : .permissionDenied, operation: "open",
            message: "\(path): SQLite needs to write beside the database even to read it, and its directory is not "
                + "writable. Copy the database with its -wal file to a writable place and open that. Don't open it "
                + "as immutable: what is only in the log would be missing, without an error", engineCode: result)
    }
}

extension SQLiteConnection.Role {
    /// SQLite's file layer for it; nil for its own.
    fileprivate var fileLayer: String? {
        switch self {
        case .writer: LogCombiningVFS.name
        case .frozen: FrozenVFS.name
        case .reader, .memory: nil
        }
    }
}

extension Duration {
    /// For SQLite's time-outs, which are 32-bit milliseconds.
    var wholeMilliseconds: Int32 {
        let (seconds, attoseconds) = components
        return Int32(
            clamping: max(0, seconds.multipliedReportingOverflow(by: 1_000).partialValue)
                + attoseconds / 1_000_000_000_000_000)
    }
}
