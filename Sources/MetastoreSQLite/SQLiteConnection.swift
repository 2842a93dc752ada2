internal import CSQLite
package import MetastoreEngine

/// One SQLite connection: blocking, used by one thread at a time.
///
/// 1. Only a writer checkpoints, and never at closing unless everything was settled before: a failed commit must not
///    be written into the database file by closing (DESIGN D2, D6).
/// 2. Nothing but ``interrupter()``'s closure is called from another thread.
/// 3. While a statement runs, closing waits for its end, so that a row never outlives its statement.
package final class SQLiteConnection: Connection {
    package let dialect = Dialect.sqlite
    let role: Role
    let log: WriteAheadLog
    let busyTimeout: Duration
    private var handle: OpaquePointer?
    private let cache: StatementCache
    /// By the statement's raw value.
    private var control: [Cursor?] = Array(repeating: nil, count: Control.allCases.count)
    private let interruption: Interruption
    private var running = 0
    private var isClosing = false
    private let mayRemoveLog: @Sendable () -> Bool
    private let whenClosed: @Sendable () -> Void

    /// Takes over an open and configured handle.
    init(
        _ handle: OpaquePointer, role: Role, pageBytes: Int, options: EngineOptions,
        mayRemoveLog: @escaping @Sendable () -> Bool, whenClosed: @escaping @Sendable () -> Void
    ) {
        self.handle = handle
        self.role = role
        self.mayRemoveLog = mayRemoveLog
        self.whenClosed = whenClosed
        busyTimeout = options.busyTimeout
        cache = StatementCache(capacity: options.statementCacheCapacity)
        interruption = Interruption(handle)
        log = WriteAheadLog(pageBytes: pageBytes)
        if role == .writer { watchLog(handle) }
    }

    deinit { finishClosing() }

    /// The open handle; throws once the connection is closed.
    func open(_ operation: String) throws(EngineError) -> OpaquePointer {
        guard let handle, !isClosing else {
            throw EngineError(.misuse, operation: operation, message: "the connection is closed")
        }
        return handle
    }

    package let keepsSession = true

    package func fileMark() throws(EngineError) -> FileMark? {
        let handle = try open("look at the file")
        guard role == .writer || role == .reader, let name = sqlite3_db_filename(handle, "main") else { return nil }
        return try FileMark(ofFileAt: String(cString: name))
    }

    package var isUsable: Bool { handle != nil && !isClosing }

    package var isInTransaction: Bool {
        guard let handle else { return false }
        return sqlite3_get_autocommit(handle) == 0
    }

    @discardableResult
    package func execute(_ statement: SQL) throws(EngineError) -> Int {
        let handle = try open("execute")
        let cursor = try start(statement, handle)
        defer { finish(cursor) }
        let before = sqlite3_total_changes64(handle)
        try runToEnd(cursor, handle, operation: "execute")
        // The count of the last change stays as it was when a statement changes nothing, as in a CREATE TABLE.
        return sqlite3_total_changes64(handle) == before ? 0 : Int(sqlite3_changes64(handle))
    }

    package func enqueue(_ statement: SQL) throws(EngineError) { try execute(statement) }
    package func flush() throws(EngineError) {}
    package var hasFailedEarlier: Bool { false }

    package func forEachRow(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws {
        let handle = try open("query")
        let cursor = try start(statement, handle)
        defer { finish(cursor) }
        let wasInTransaction = sqlite3_get_autocommit(handle) == 0
        let row = Row(cursor)
        while true {
            let result = cursor.statement.step()
            guard result == SQLITE_ROW else {
                if result == SQLITE_DONE { return }
                throw EngineError.last(handle, result, operation: "query", wasInTransaction: wasInTransaction)
            }
            guard try body(row) else { return }
            if isClosing { _ = try open("query") }
        }
    }

    package func first<Result>(_ statement: SQL, _ body: (borrowing Row) throws -> Result) throws -> Result? {
        let handle = try open("query")
        let cursor = try start(statement, handle)
        defer { finish(cursor) }
        let wasInTransaction = sqlite3_get_autocommit(handle) == 0
        switch cursor.statement.step() {
        case SQLITE_ROW: return try body(Row(cursor))
        case SQLITE_DONE: return nil
        case let result: throw EngineError.last(handle, result, operation: "query", wasInTransaction: wasInTransaction)
        }
    }

    package func executeScript(_ text: String) throws(EngineError) {
        let handle = try open("execute script")
        guard !text.utf8.contains(0) else {
            throw EngineError(.misuse, operation: "execute script", message: "the script contains a NUL")
        }
        let wasInTransaction = sqlite3_get_autocommit(handle) == 0
        let result = sqlite3_exec(handle, text, nil, nil, nil)
        guard result == SQLITE_OK else {
            throw .last(handle, result, operation: "execute script", wasInTransaction: wasInTransaction)
        }
    }

    package func executeAlone(_ text: String) throws(EngineError) {
        guard !isInTransaction else {
            throw EngineError(.misuse, operation: "execute alone", message: "a transaction is open")
        }
        try executeScript(text)
    }

    package func interrupter() -> @Sendable () -> Void {
        let interruption = self.interruption
        return { interruption.interrupt() }
    }

    package func close() {
        isClosing = true
        if running == 0 { finishClosing() }
    }

    /// Runs one of the few statements without values that every transaction needs.
    func run(_ statement: Control, operation: String) throws(EngineError) {
        let handle = try open(operation)
        let cursor = try controlCursor(statement, handle)
        defer { cursor.statement.reset() }
        try runToEnd(cursor, handle, operation: operation)
    }

    private func controlCursor(_ statement: Control, _ handle: OpaquePointer) throws(EngineError) -> Cursor {
        if let cursor = control[statement.rawValue] { return cursor }
        let cursor = Cursor(try PreparedStatement(statement.text, on: handle))
        control[statement.rawValue] = cursor
        return cursor
    }

    private func start(_ statement: SQL, _ handle: OpaquePointer) throws(EngineError) -> Cursor {
        let cursor = try cache.cursor(for: statement, on: handle)
        do {
            try cursor.statement.bind(statement.values)
        } catch {
            cursor.statement.reset()
            throw error
        }
        cursor.isRunning = true
        running += 1
        return cursor
    }

    private func finish(_ cursor: Cursor) {
        cursor.statement.reset()
        cursor.isRunning = false
        running -= 1
        if isClosing, running == 0 {
            // Whoever calls still holds this cursor, and an unfinished statement would keep the file open.
            cursor.statement.finalize()
            finishClosing()
        }
    }

    private func runToEnd(_ cursor: Cursor, _ handle: OpaquePointer, operation: String) throws(EngineError) {
        let wasInTransaction = sqlite3_get_autocommit(handle) == 0
        while true {
            let result = cursor.statement.step()
            if result == SQLITE_DONE { return }
            guard result == SQLITE_ROW else {
                throw .last(handle, result, operation: operation, wasInTransaction: wasInTransaction)
            }
        }
    }

    private func finishClosing() {
        guard let open = handle else { return }
        handle = nil
        interruption.forget()
        cache.removeAll()
        for index in control.indices { control[index] = nil }
        if role == .writer, log.isSettled, sqlite3_get_autocommit(open) != 0, mayRemoveLog() {
            // Everything is in the database file: let SQLite remove the empty log and its index.
            _ = metastore_set_database_flag(open, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 0)
        }
        sqlite3_wal_hook(open, nil, nil)
        sqlite3_close_v2(open)
        whenClosed()
    }

    private func watchLog(_ handle: OpaquePointer) {
        // The log outlives the hook: `finishClosing` removes the hook, and runs before `self.log` goes.
        sqlite3_wal_hook(
            handle,
            { log, _, _, pages in
                Unmanaged<WriteAheadLog>.fromOpaque(log!).takeUnretainedValue().committed(pages: Int(pages))
                return SQLITE_OK
            }, Unmanaged.passUnretained(log).toOpaque())
    }
}

extension SQLiteConnection {
    /// What a connection may do.
    enum Role: Sendable, Hashable {
        case writer, reader
        /// The only connection of a private in-memory database.
        case memory
        /// Of a ``FrozenFile``, which nobody can change.
        case frozen
    }

    /// Statements that are kept apart from the cache because every batch runs them.
    enum Control: Int, CaseIterable {
        case beginRead, beginWrite, commit, rollback, savepoint, release, rollbackToSavepoint, takeSnapshot

        var text: String {
            switch self {
            case .beginRead: "BEGIN"
            case .beginWrite: "BEGIN IMMEDIATE"
            case .commit: "COMMIT"
            case .rollback: "ROLLBACK"
            case .savepoint: "SAVEPOINT closure"
            case .release: "RELEASE closure"
            case .rollbackToSavepoint: "ROLLBACK TO closure"
            // Whatever reads would do: it costs 3 microseconds.
            case .takeSnapshot: "PRAGMA data_version"
            }
        }
    }
}
