internal import Glibc
package import MetastoreEngine
internal import Synchronization

/// A database in a file.
///
/// 1. One read-write connection per database file, on the whole machine: the lock file is held from ``prepare()`` to
///    ``close()``, and longer while a connection is still open.
/// 2. The path is resolved once; afterwards it is compared with what was locked and opened (device and inode).
/// 3. The database, its -wal and its -shm are never opened or closed plainly while a connection of this process has
///    them open (``OpenDatabases``).
package final class SQLiteEngine: Engine {
    package let place: String
    package let dialect = Dialect.sqlite
    package let hasOneConnection = false
    package var isReadOnly: Bool { options.isReadOnly }
    package let isExclusive = true
    package let notices: [String] = []

    let options: EngineOptions
    let limits: SQLiteLimits
    private let makesDirectory: Bool
    private let state = Mutex(State())

    private struct State: ~Copyable {
        var path: DatabasePath?
        var lock: LockFile?
        /// The database file, once it was found or made.
        var file: FileIdentity?
        var connections = 0
        var hasWriter = false
        var isClosing = false
    }

    /// - Parameter makesDirectory: a missing one, where it may write; else that is an error.
    package init(
        path: String, options: EngineOptions, limits: SQLiteLimits = SQLiteLimits(), makesDirectory: Bool = true
    ) {
        place = path
        self.options = options
        self.limits = limits
        self.makesDirectory = makesDirectory
    }

    package func prepare() throws(EngineError) -> Found {
        let path = try DatabasePath.resolve(place, makingDirectories: makesDirectory && !isReadOnly)
        guard let path else {
            guard isReadOnly else {
                throw EngineError(.missing, operation: "open", message: "the directory of \(place) isn't there")
            }
            return .nothing
        }
        let isReadOnly = isReadOnly
        return try state.withLock { state throws(EngineError) in
            state.path = path
            state.isClosing = false
            if !isReadOnly, state.lock == nil { state.lock = try LockFile(path.lock) }
            let found = try path.look(forWriting: !isReadOnly)
            state.file = found?.file
            return found.map { .database(hasWriteAheadLog: $0.hasWriteAheadLog) } ?? .nothing
        }
    }

    @discardableResult
    package func create(_ populate: (any Connection) throws -> Void) throws -> Bool {
        try make { path in try path.create(options, populate) }
        return true
    }

    /// Makes the database as an image of another one, page by page and of one moment, whoever writes meanwhile.
    ///
    /// The file is sealed: it needs no other beside it. As with ``create(_:)`` it is there as a whole, flushed, or not
    /// at all, and nothing is overwritten.
    ///
    /// - Parameters:
    ///   - source: a connection of another engine, outside a transaction.
    ///   - progress: told of the pages that were copied, and of how many; what it throws ends the work.
    ///   - finish: is given the image, before it has its name.
    package func create(
        imageOf source: any Connection, _ progress: (_ pages: Int, _ of: Int) throws -> Void,
        _ finish: (any Connection) throws -> Void
    ) throws {
        guard let source = source as? SQLiteConnection else {
            throw EngineError(.misuse, operation: "copy", message: "an image needs a database of the same engine")
        }
        try make { path in
            try path.create(options, image: { try source.copyImage(to: $0, progress) }, isSealed: true, finish)
        }
    }

    func make(_ body: (DatabasePath) throws -> FileIdentity) throws {
        let path = try heldPath("create")
        guard state.withLock({ $0.file == nil }) else {
            throw EngineError(.misuse, operation: "create", message: "there is a database already")
        }
        let made = try body(path)
        state.withLock { $0.file = made }
    }

    package func openWriter() throws(EngineError) -> any Connection {
        _ = try heldPath("open")
        let isFirst = state.withLock { state in
            defer { state.hasWriter = true }
            return !state.hasWriter
        }
        guard isFirst else {
            throw EngineError(.misuse, operation: "open", message: "this engine has a read-write connection already")
        }
        do {
            return try open(.writer)
        } catch {
            state.withLock { $0.hasWriter = false }
            throw error
        }
    }

    package func openReader() throws(EngineError) -> any Connection {
        try open(.reader)
    }

    package func announceCommit() {}
    package func watchCommits(_ wake: @escaping @Sendable () -> Void) {}

    package func confirmHold() throws(EngineError) {
        guard !isReadOnly else {
            throw EngineError(.readOnly, operation: "confirm the lock", message: "\(place) is open for reading only")
        }
        try state.withLock { state throws(EngineError) in
            guard let path = state.path, let named = try state.lock?.isStillNamed() else {
                throw EngineError(.misuse, operation: "confirm the lock", message: "no lock is held")
            }
            guard named else { throw holdLost(path.lock) }
            if let file = state.file { try confirm(path.database, is: file) }
        }
    }

    package func maintain(_ writer: any Connection) throws(EngineError) -> Pressure {
        try sqlite(writer).maintain(limits, confirm: confirmHold) { () throws(EngineError) in
            ReaderSearch.describe(ReaderSearch.logReaders, indexPath: try heldPath("checkpoint").index)
        }
    }

    package func settle(_ writer: any Connection) throws(EngineError) {
        try sqlite(writer).settle()
    }

    package func settleUnknownCommit() throws(EngineError) {
        let path = try heldPath("settle a commit")
        let (file, connections) = state.withLock { ($0.file, $0.connections) }
        guard let file, connections == 0 else { throw stillOpen }
        try confirmHold()
        let wasClosed = try OpenDatabases.whileClosed(file) { () throws(EngineError) in
            try path.writeBackLog()
        }
        guard wasClosed else { throw stillOpen }
    }

    package func keepNote(_ note: [UInt8]) throws(EngineError) {
        try heldPath("keep a note").keepNote(note)
    }

    package func readNote() throws(EngineError) -> [UInt8]? {
        guard let path = state.withLock({ $0.path }) else { return nil }
        return try path.readNote()
    }

    package func keepControl(_ control: [UInt8]) throws(EngineError) {
        guard let path = state.withLock({ $0.path }) else {
            throw EngineError(.missing, operation: "keep orders", message: "there is no database at \(place)")
        }
        try path.keepControl(control)
    }

    package func readControl() throws(EngineError) -> [UInt8]? {
        guard let path = state.withLock({ $0.path }) else { return nil }
        return try path.readControl()
    }

    package func close() {
        state.withLock { state in
            state.isClosing = true
            if state.connections == 0 { state.lock = nil }
        }
    }

    private func open(_ role: SQLiteConnection.Role) throws(EngineError) -> SQLiteConnection {
        let (path, file) = try state.withLock { state throws(EngineError) in
            guard let path = state.path, let file = state.file, !state.isClosing else {
                throw EngineError(.missing, operation: "open", message: "there is no database at \(place)")
            }
            state.connections += 1
            return (path, file)
        }
        // Registered before it is opened: from here on nobody in this process looks at the file plainly.
        OpenDatabases.add(file)
        let opened: SQLiteConnection
        do {
            try confirm(path.database, is: file)
            opened = try SQLiteConnection.open(path.database, role: role, options: options) { [self] in
                (try? confirmHold()) != nil
            } whenClosed: { [self] in
                forget(file, role)
            }
        } catch {
            forget(file, role)
            throw error
        }
        do {
            // Again, because the file may have been replaced just before SQLite opened it.
            try confirm(path.database, is: file)
            if role == .writer { try opened.executeScript("PRAGMA journal_size_limit = \(limits.truncateBytes)") }
        } catch {
            opened.close()
            throw error
        }
        return opened
    }

    private func forget(_ file: FileIdentity, _ role: SQLiteConnection.Role) {
        OpenDatabases.remove(file)
        state.withLock { state in
            state.connections -= 1
            if role == .writer { state.hasWriter = false }
            if state.isClosing, state.connections == 0 { state.lock = nil }
        }
    }

    /// The path, when this engine may write there now.
    /// Where the database is, once ``prepare()`` has looked.
    var knownPath: DatabasePath? { state.withLock { $0.path } }

    private func heldPath(_ operation: String) throws(EngineError) -> DatabasePath {
        guard !isReadOnly else {
            throw EngineError(.readOnly, operation: operation, message: "\(place) is open for reading only")
        }
        let path = state.withLock { state in state.lock == nil ? nil : state.path }
        guard let path else {
            throw EngineError(.misuse, operation: operation, message: "the lock of \(place) is not held")
        }
        return path
    }

    private func sqlite(_ writer: any Connection) throws(EngineError) -> SQLiteConnection {
        guard let writer = writer as? SQLiteConnection, writer.role == .writer else {
            throw EngineError(.misuse, operation: "checkpoint", message: "this needs the writer of this engine")
        }
        return writer
    }

    private func confirm(_ path: String, is file: FileIdentity) throws(EngineError) {
        guard let status = try fileStatus(path, operation: "confirm the lock"), FileIdentity(status) == file else {
            throw holdLost(path)
        }
    }

    private func holdLost(_ path: String) -> EngineError {
        EngineError(
            .holdLost, operation: "confirm the lock",
            message:
                "\(path) no longer is the file that was locked: it was deleted, moved or replaced while in use, and "
                + "another process may be writing. This process stops writing. Find out what replaced it, then start "
                + "again. Don't copy files over a database that is in use")
    }

    private var stillOpen: EngineError {
        EngineError(
            .misuse, operation: "settle a commit", message: "a connection of this process still has \(place) open")
    }
}
