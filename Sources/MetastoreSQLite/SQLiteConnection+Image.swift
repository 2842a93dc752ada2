internal import CSQLite
internal import MetastoreEngine

extension SQLiteConnection {
    /// Fills an empty file with this database as it is now. It isn't flushed, and belongs to nobody else until then.
    func copyImage(to path: String, _ progress: (_ pages: Int, _ of: Int) throws -> Void) throws {
        // One snapshot: without it SQLite begins again whenever somebody commits.
        let isOwn = !isInTransaction
        if isOwn { try begin(.read) }
        defer { if isOwn { rollback() } }
        let source = try open("copy")
        var opened: OpaquePointer?
        let flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_NOFOLLOW | SQLITE_OPEN_EXRESCODE
        let result = sqlite3_open_v2(path, &opened, flags, nil)
        defer { sqlite3_close_v2(opened) }
        guard result == SQLITE_OK, let target = opened else {
            throw EngineError(sqlite: result, operation: "copy", words: path)
        }
        // A crash leaves nothing that is used: what keeps a half-written file readable is left out.
        for setting in ["journal_mode = OFF", "synchronous = OFF"] { _ = try Self.pragma(setting, target, path) }
        guard let backup = sqlite3_backup_init(target, "main", source, "main") else {
            throw EngineError.last(target, sqlite3_errcode(target), operation: "copy", wasInTransaction: false)
        }
        do {
            try Self.run(backup, target, path, progress)
        } catch {
            sqlite3_backup_finish(backup)
            throw error
        }
        let end = sqlite3_backup_finish(backup)
        guard end == SQLITE_OK else {
            throw EngineError.last(target, end, operation: "copy", wasInTransaction: false)
        }
    }

    private static func run(
        _ backup: OpaquePointer, _ target: OpaquePointer, _ path: String, _ progress: (Int, Int) throws -> Void
    ) throws {
        while true {
            let result = sqlite3_backup_step(backup, SQLiteLimits.imagePages)
            guard result == SQLITE_OK || result == SQLITE_DONE else {
                throw EngineError(
                    sqlite: result, operation: "copy", words: "\(path): \(String(cString: sqlite3_errstr(result)))",
                    systemError: sqlite3_system_errno(target))
            }
            let of = Int(sqlite3_backup_pagecount(backup))
            try progress(of - Int(sqlite3_backup_remaining(backup)), of)
            if result == SQLITE_DONE { return }
        }
    }
}
