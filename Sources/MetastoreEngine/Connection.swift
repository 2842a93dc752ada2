/// One connection to one database: blocking, used by one thread at a time.
///
/// Statements run through ``forEachRow(_:_:)`` and ``execute(_:)``; an engine keeps a bounded cache of prepared
/// statements, keyed by ``SQL/text``.
public protocol Connection: AnyObject {
    var dialect: Dialect { get }

    /// True between a successful ``begin(_:)`` and its commit or rollback, for as long as the transaction can still be
    /// committed: some errors end it by themselves. On PostgreSQL every failed statement does, except after
    /// ``savepoint()``: there ``rollbackToSavepoint()`` revives it, and nothing else is taken before.
    var isInTransaction: Bool { get }

    /// False once the connection was lost or closed: every further call fails, and only a new connection helps.
    var isUsable: Bool { get }

    /// False behind a pooler: what one transaction leaves in its session the next doesn't find.
    var keepsSession: Bool { get }

    /// Begins a transaction. `.write` takes the write lock at once where the engine has one (SQLite `BEGIN IMMEDIATE`),
    /// `.read` holds one snapshot, from now to the end.
    ///
    /// An engine may send the beginning of a write, and the two calls that open and release a savepoint, together with
    /// a later call; what fails in them comes out of that call.
    func begin(_ mode: TransactionMode) throws(EngineError)
    /// Commits and flushes. On ``EngineError/leavesCommitUnknown`` only ``Engine/settleUnknownCommit()`` may follow.
    func commit() throws(EngineError)
    /// Ends the transaction without a trace. Does nothing outside a transaction. Never fails: a connection that can't
    /// roll back is closed.
    func rollback()

    /// Ends the writing of temporary tables in a `.scratch` transaction: from now on it only reads, them too.
    func endScratch() throws

    /// Opens the one savepoint a batch uses at a time.
    func savepoint() throws(EngineError)
    func releaseSavepoint() throws(EngineError)
    /// Undoes everything since ``savepoint()`` and removes it.
    func rollbackToSavepoint() throws(EngineError)

    /// Runs a statement and returns how many rows it changed.
    @discardableResult
    func execute(_ statement: SQL) throws(EngineError) -> Int

    /// Runs a statement whose count nobody needs. The engine may send it together with a later call, also one after its
    /// savepoint was released; its error then comes out of that call, at the latest out of ``flush()`` or ``commit()``.
    func enqueue(_ statement: SQL) throws(EngineError)

    /// Sends what is queued, and waits for its answers.
    func flush() throws(EngineError)

    /// True when the transaction was ended by something that was queued before the latest savepoint, or before the
    /// commit: the call that failed isn't the one to blame.
    var hasFailedEarlier: Bool { get }

    /// Runs a statement and lends each row in turn, until the closure says `false` or the rows end.
    func forEachRow(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws

    /// Runs a statement and lends the first row; nil when there is none.
    func first<Result>(_ statement: SQL, _ body: (borrowing Row) throws -> Result) throws -> Result?

    /// Runs several statements, separated by semicolons: the body of a migration. Trusted text.
    func executeScript(_ text: String) throws(EngineError)

    /// Runs one statement of a migration outside of any transaction, and waits as long as for a script: what a server
    /// doesn't do inside one. Trusted text.
    func executeAlone(_ text: String) throws(EngineError)

    /// A closure that ends the running statement of this connection with ``EngineError/Code/interrupted``. It may be
    /// called from any thread, at any time, also after the connection was closed (then it does nothing).
    func interrupter() -> @Sendable () -> Void

    /// Which file it has open; nil where there is none that is the database alone: on a server, and in memory.
    func fileMark() throws(EngineError) -> FileMark?

    /// Closes it. Afterwards every call throws ``EngineError/Code/misuse``.
    func close()
}

/// What a transaction is for.
public enum TransactionMode: Sendable, Hashable {
    case read, write
    /// One snapshot, as `.read`, in which temporary tables may be made and written until ``Connection/endScratch()``.
    case scratch
}

extension Connection {
    /// By ``forEachRow(_:_:)``.
    @inlinable public func first<Result>(_ statement: SQL, _ body: (borrowing Row) throws -> Result) throws -> Result? {
        var found: Result?
        try forEachRow(statement) { row in
            found = try body(row)
            return false
        }
        return found
    }

    /// All rows.
    @inlinable public func all<Result>(_ statement: SQL, _ body: (borrowing Row) throws -> Result) throws -> [Result] {
        var found: [Result] = []
        try forEachRow(statement) { row in
            found.append(try body(row))
            return true
        }
        return found
    }
}
