internal import CSQLite
internal import Glibc
internal import MetastoreEngine

extension EngineError {
    /// The error for an SQLite result code.
    ///
    /// SQLite's messages name tables and columns, never values; expanded SQL is never put into one.
    init(
        sqlite result: Int32, operation: String, words: String, systemError: Int32 = 0, endedTransaction: Bool = false
    ) {
        let code = EngineError.code(sqlite: result, systemError: systemError)
        let advice = EngineError.advice(code, result, operation)
        self.init(
            code, operation: operation, message: advice.isEmpty ? words : "\(words). \(advice)",
            engineCode: result, endedTransaction: endedTransaction)
    }

    /// The error that a connection just reported. `wasInTransaction` is what held before the failing call.
    static func last(
        _ handle: OpaquePointer, _ result: Int32, operation: String, wasInTransaction: Bool
    ) -> EngineError {
        let damage = damage(handle, result, operation)
        return EngineError(
            sqlite: damage == nil ? result : SQLITE_CORRUPT, operation: operation,
            words: damage ?? String(cString: sqlite3_errmsg(handle)),
            systemError: sqlite3_system_errno(handle),
            endedTransaction: wasInTransaction && sqlite3_get_autocommit(handle) != 0)
    }

    /// Where SQLite blames a bound for what is damage; nil elsewhere.
    private static func damage(_ handle: OpaquePointer, _ result: Int32, _ operation: String) -> String? {
        switch result & 0xff {
        // There is no device to be full: SQLite says so of the number of a page that no database can have.
        case SQLITE_FULL where FrozenVFS.serves(handle): "a page that can't be there is named"
        // Preparing makes no value: what is too big was read in the schema, after some other part that was wrong or
        // not. Of a statement other words are said.
        case SQLITE_TOOBIG where operation == "prepare" && blamesSchema(String(cString: sqlite3_errmsg(handle))):
            "the schema has a text that can't be there"
        default: nil
        }
    }

    private static func blamesSchema(_ words: String) -> Bool {
        words == "string or blob too big" || words.hasPrefix("malformed database schema")
    }

    private static func code(sqlite result: Int32, systemError: Int32) -> Code {
        switch result & 0xff {
        case SQLITE_BUSY, SQLITE_LOCKED, SQLITE_PROTOCOL, SQLITE_SCHEMA: .busy
        case SQLITE_INTERRUPT: .interrupted
        case SQLITE_CONSTRAINT: .constraint(constraint(result))
        case SQLITE_MISMATCH: .constraint(.other)
        case SQLITE_FULL: .full
        case SQLITE_IOERR: .inputOutput
        case SQLITE_CORRUPT: .damaged
        case SQLITE_NOTADB: .notADatabase
        case SQLITE_READONLY: .readOnly
        case SQLITE_PERM, SQLITE_AUTH: .permissionDenied
        case SQLITE_TOOBIG, SQLITE_NOMEM, SQLITE_NOLFS: .tooBig
        case SQLITE_CANTOPEN: cannotOpen(systemError)
        default: .misuse
        }
    }

    private static func constraint(_ result: Int32) -> Constraint {
        switch result {
        case METASTORE_CONSTRAINT_PRIMARYKEY, METASTORE_CONSTRAINT_ROWID: .primaryKey
        case METASTORE_CONSTRAINT_UNIQUE: .unique
        case METASTORE_CONSTRAINT_FOREIGNKEY: .foreignKey
        case METASTORE_CONSTRAINT_CHECK: .check
        case METASTORE_CONSTRAINT_NOTNULL: .notNull
        default: .other
        }
    }

    private static func cannotOpen(_ systemError: Int32) -> Code {
        switch systemError {
        case ENOENT, ENOTDIR: .missing
        case EACCES, EPERM, ELOOP: .permissionDenied
        case EROFS: .readOnly
        case ENOSPC, EDQUOT: .full
        default: .inputOutput
        }
    }

    private static func advice(_ code: Code, _ result: Int32, _ operation: String) -> String {
        switch code {
        case .busy: "Another connection holds a lock. Nothing was done; try again"
        case .full: "There is no room on the device. Make room and try again; don't delete the database or its -wal"
        case .inputOutput where operation == "commit":
            "The device failed, so the outcome of the commit is unknown until the database was opened again. "
                + "Look at the system's log; don't delete or rebuild the database because of this"
        case .inputOutput:
            "The device failed. Look at the system's log; don't delete or rebuild the database because of this"
        case .damaged:
            "This may be a passing fault of the device: close and open again before believing it. "
                + "Don't delete the database or its -wal; copy all files first, then verify or restore a backup"
        case .notADatabase: "Don't delete it before you know what it is; name another path or restore a backup"
        case .readOnly where result == METASTORE_READONLY_DIRECTORY || result == METASTORE_READONLY_CANTINIT:
            "SQLite needs to write beside the database even to read it. Copy it and its -wal to a writable place"
        default: ""
        }
    }
}
