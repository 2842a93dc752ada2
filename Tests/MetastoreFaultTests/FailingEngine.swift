internal import FaultSupport
internal import MetastoreEngine

extension EngineSource {
    /// Statements that bind `text` end the SQL transaction, as a full device may.
    func failing(at text: String) -> EngineSource {
        EngineSource { options in FailingEngine(try self.makeEngine(options), text) {} }
    }

    /// Runs `body` right before each SQL transaction that writes.
    func beforeWriting(_ body: @escaping @Sendable () -> Void) -> EngineSource {
        EngineSource { options in FailingEngine(try self.makeEngine(options), "", beforeWriting: body) }
    }
}

/// Passes everything on to a real engine; its writer fails at one text.
private final class FailingEngine: Engine {
    private let engine: any Engine
    private let text: String
    private let beforeWriting: @Sendable () -> Void

    init(_ engine: any Engine, _ text: String, beforeWriting: @escaping @Sendable () -> Void) {
        self.engine = engine
        self.text = text
        self.beforeWriting = beforeWriting
    }

    var place: String { engine.place }
    var dialect: Dialect { engine.dialect }
    var hasOneConnection: Bool { engine.hasOneConnection }
    var isReadOnly: Bool { engine.isReadOnly }
    var isExclusive: Bool { engine.isExclusive }
    var notices: [String] { engine.notices }
    func announceCommit() { engine.announceCommit() }
    func watchCommits(_ wake: @escaping @Sendable () -> Void) { engine.watchCommits(wake) }
    func prepare() throws(EngineError) -> Found { try engine.prepare() }
    @discardableResult
    func create(_ populate: (any Connection) throws -> Void) throws -> Bool { try engine.create(populate) }
    func openWriter() throws(EngineError) -> any Connection {
        FailingConnection(try engine.openWriter(), text, beforeWriting)
    }
    func openReader() throws(EngineError) -> any Connection { try engine.openReader() }
    func confirmHold() throws(EngineError) { try engine.confirmHold() }
    func maintain(_ writer: any Connection) throws(EngineError) -> Pressure { try engine.maintain(inner(writer)) }
    func settle(_ writer: any Connection) throws(EngineError) { try engine.settle(inner(writer)) }
    func settleUnknownCommit() throws(EngineError) { try engine.settleUnknownCommit() }
    func keepNote(_ note: [UInt8]) throws(EngineError) { try engine.keepNote(note) }
    func readNote() throws(EngineError) -> [UInt8]? { try engine.readNote() }
    func keepControl(_ control: [UInt8]) throws(EngineError) { try engine.keepControl(control) }
    func readControl() throws(EngineError) -> [UInt8]? { try engine.readControl() }
    func close() { engine.close() }

    private func inner(_ writer: any Connection) -> any Connection { (writer as? FailingConnection)?.inner ?? writer }
}

private final class FailingConnection: Connection {
    let inner: any Connection
    private let text: String
    private let beforeWriting: @Sendable () -> Void

    init(_ inner: any Connection, _ text: String, _ beforeWriting: @escaping @Sendable () -> Void) {
        self.inner = inner
        self.text = text
        self.beforeWriting = beforeWriting
    }

    var dialect: Dialect { inner.dialect }
    var isUsable: Bool { inner.isUsable }
    var keepsSession: Bool { inner.keepsSession }
    var isInTransaction: Bool { inner.isInTransaction }
    func begin(_ mode: TransactionMode) throws(EngineError) {
        if mode == .write { beforeWriting() }
        try inner.begin(mode)
    }
    func commit() throws(EngineError) { try inner.commit() }
    func rollback() { inner.rollback() }
    func savepoint() throws(EngineError) { try inner.savepoint() }
    func releaseSavepoint() throws(EngineError) { try inner.releaseSavepoint() }
    func rollbackToSavepoint() throws(EngineError) { try inner.rollbackToSavepoint() }

    func execute(_ statement: SQL) throws(EngineError) -> Int {
        try failIfMet(statement)
        return try inner.execute(statement)
    }

    func flush() throws(EngineError) { try inner.flush() }
    var hasFailedEarlier: Bool { inner.hasFailedEarlier }

    func enqueue(_ statement: SQL) throws(EngineError) {
        try failIfMet(statement)
        try inner.enqueue(statement)
    }

    private func failIfMet(_ statement: SQL) throws(EngineError) {
        guard statement.values.contains(.bytes(Array(text.utf8))) else { return }
        inner.rollback()
        throw EngineError(.full, operation: "execute", message: "no room", endedTransaction: true)
    }

    func forEachRow(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws {
        try inner.forEachRow(statement, body)
    }
    func executeScript(_ text: String) throws(EngineError) { try inner.executeScript(text) }
    func endScratch() throws { try inner.endScratch() }
    func executeAlone(_ text: String) throws(EngineError) { try inner.executeAlone(text) }
    func interrupter() -> @Sendable () -> Void { inner.interrupter() }
    func fileMark() throws(EngineError) -> FileMark? { try inner.fileMark() }
    func close() { inner.close() }
}
