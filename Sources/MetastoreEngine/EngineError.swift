/// What an engine can fail with. Its text never holds a bound value, a password or a row's content.
public struct EngineError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What a caller can decide on; the same for every engine.
    public enum Code: Sendable, Hashable {
        /// Another connection holds a lock longer than the busy time-out. Nothing was done; try again.
        case busy
        /// ``Connection/interrupt`` was called, or the task was cancelled.
        case interrupted
        /// The server didn't answer within the bound of a call. A connection that gave no answer at all is closed.
        case timedOut
        /// No server answers there, or it takes no more connections. Nothing was done; try again.
        case unreachable
        /// The connection was lost while a call waited. A commit may have happened (DESIGN D6).
        case disconnected
        /// The server on the other end isn't proven to be the one that was asked for. Nothing was told to it.
        case untrusted
        /// The server, or a pooler before it, lacks what the store needs; the message names it.
        case unsupported
        /// The server is another one than before, or went on from an older state: a primary that was replaced.
        case olderLineage
        /// A constraint refused the row.
        case constraint(Constraint)
        /// No room on the device. Nothing of the transaction is kept.
        case full
        /// The device failed. On commit this means *unknown* (DESIGN D6).
        case inputOutput
        /// The file contradicts itself. It may also be a passing fault: reopen before believing it.
        case damaged
        /// The file is something else, or its header is destroyed.
        case notADatabase
        /// The file has no bytes at all.
        case emptyFile
        /// There is nothing at this path.
        case missing
        /// The medium or the connection doesn't take writes.
        case readOnly
        /// The operating system refuses access.
        case permissionDenied
        /// Another process (or handle) has the database open for writing.
        case locked(holder: String)
        /// The path lies on a file system whose locks can't be trusted.
        case unsuitableFileSystem(name: String)
        /// The path no longer names the file that was locked: another may be writing.
        case holdLost
        /// The write-ahead log has reached its bound because a reader holds it.
        case writeAheadLogFull(holder: String)
        /// A value or statement is over the engine's limits.
        case tooBig
        /// A call that the contract forbids; a defect in the store.
        case misuse
    }

    /// Which kind of constraint refused a row.
    public enum Constraint: Sendable, Hashable {
        case primaryKey, unique, foreignKey, check, notNull, other
    }

    /// What happened, in terms that are the same on every engine.
    public let code: Code
    /// The engine's own number: SQLite's extended result code; 0 where there is none.
    public let engineCode: Int32
    /// PostgreSQL's five characters; empty where there are none.
    public let sqlState: String
    /// What was being done, as a verb: "open", "commit".
    public let operation: String
    /// The engine's own words, without values.
    public let message: String
    /// True when this error ended the SQL transaction itself, so that nothing of it can go on.
    public let endedTransaction: Bool

    /// Made by an engine; `message` has no bound values in it.
    public init(
        _ code: Code, operation: String, message: String, engineCode: Int32 = 0, sqlState: String = "",
        endedTransaction: Bool = false
    ) {
        self.code = code
        self.operation = operation
        self.message = message
        self.engineCode = engineCode
        self.sqlState = sqlState
        self.endedTransaction = endedTransaction
    }

    /// True where a commit that failed this way may nevertheless be on the disk.
    public var leavesCommitUnknown: Bool {
        switch code {
        case .inputOutput, .damaged, .disconnected: true
        default: false
        }
    }

    /// What failed, in the engine's own words and without its advice: the first sentence of ``message``.
    public var words: String {
        message.firstRange(of: ". ").map { String(message[..<$0.lowerBound]) } ?? message
    }

    /// True when a statement names a table or column that isn't there.
    public var isAboutMissingTable: Bool {
        code == .misuse && operation == "prepare" && (engineCode == 1 || ["42P01", "42703"].contains(sqlState))
    }

    /// What was being done, the engine's words and its number.
    public var description: String {
        if !sqlState.isEmpty { return "\(operation): \(message) (SQLSTATE \(sqlState))" }
        return engineCode == 0 ? "\(operation): \(message)" : "\(operation): \(message) (code \(engineCode))"
    }
}
