internal import Glibc
package import MetastoreEngine
internal import Synchronization

/// A database of which nothing is asked but to be read as its files hold it: whatever lies beside it, wherever it lies,
/// and without leaving a trace (``FrozenFile``).
///
/// Nobody may be writing it meanwhile: pages of two moments would be mixed. Whoever opens it looks first.
package final class FrozenEngine: Engine {
    package let place: String
    package let dialect = Dialect.sqlite
    package let hasOneConnection = false
    package let isReadOnly = true
    package let isExclusive = true
    package let notices: [String] = []

    private let options: EngineOptions
    private let choice: FrozenFile.LogChoice
    private let found = Mutex<FrozenFile?>(nil)

    package init(path: String, log choice: FrozenFile.LogChoice = .last, options: EngineOptions) {
        place = path
        self.choice = choice
        self.options = options
    }

    /// What the files hold; after ``prepare()``.
    package var file: FrozenFile? { found.withLock { $0 } }

    package func prepare() throws(EngineError) -> Found {
        guard let file = try FrozenFile(place, log: choice) else { return .nothing }
        try DatabaseHeader.check(
            place, try file.header(), fileBytes: file.bytes, logBytes: file.shownCommits > 0 ? file.bytes : 0)
        found.withLock { $0 = file }
        return .database(hasWriteAheadLog: file.log != nil)
    }

    package func openReader() throws(EngineError) -> any Connection {
        guard let file else {
            throw EngineError(.missing, operation: "open", message: "there is no database at \(place)")
        }
        let path = FrozenVFS.add(file)
        let name = "file:\(path)?immutable=1"
        do {
            return try SQLiteConnection.open(name, role: .frozen, options: options) {
                FrozenVFS.remove(path)
            }
        } catch {
            FrozenVFS.remove(path)
            throw EngineError(
                error.code, operation: error.operation, message: error.message.replacing(name, with: place),
                engineCode: error.engineCode)
        }
    }

    package func readNote() throws(EngineError) -> [UInt8]? {
        try FrozenBytes(place + ".head")?.read(SQLiteLimits.noteBytes, at: 0)
    }

    package func readControl() throws(EngineError) -> [UInt8]? {
        try FrozenBytes(place + ".control")?.read(SQLiteLimits.noteBytes, at: 0)
    }

    package func announceCommit() {}
    package func watchCommits(_ wake: @escaping @Sendable () -> Void) {}
    package func close() { found.withLock { $0 = nil } }

    // MARK: What nobody asks of it

    @discardableResult
    package func create(_ populate: (any Connection) throws -> Void) throws -> Bool { throw refusal("create") }
    package func openWriter() throws(EngineError) -> any Connection { throw refusal("open") }
    package func confirmHold() throws(EngineError) { throw refusal("confirm the lock") }
    package func maintain(_ writer: any Connection) throws(EngineError) -> Pressure { throw refusal("checkpoint") }
    package func settle(_ writer: any Connection) throws(EngineError) { throw refusal("checkpoint") }
    package func settleUnknownCommit() throws(EngineError) { throw refusal("settle a commit") }
    package func keepNote(_ note: [UInt8]) throws(EngineError) { throw refusal("keep a note") }
    package func keepControl(_ control: [UInt8]) throws(EngineError) { throw refusal("keep orders") }

    private func refusal(_ operation: String) -> EngineError {
        EngineError(.readOnly, operation: operation, message: "\(place) is open for reading only")
    }
}
