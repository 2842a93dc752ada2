internal import Glibc
public import MetastoreEngine

/// A real engine, some of whose calls fail or take long, as its ``FaultPlan`` says.
public final class FaultyEngine: Engine {
    private let base: any Engine
    private let plan: FaultPlan

    public init(_ base: any Engine, _ plan: FaultPlan) {
        self.base = base
        self.plan = plan
    }

    public var place: String { base.place }
    public var dialect: Dialect { base.dialect }
    public var closuresPerBatch: Int { base.closuresPerBatch }
    public var hasOneConnection: Bool { base.hasOneConnection }
    public var isReadOnly: Bool { base.isReadOnly }

    public func prepare() throws(EngineError) -> Found { try base.prepare() }
    public func create(_ populate: (any Connection) throws -> Void) throws { try base.create(populate) }

    public func openWriter() throws(EngineError) -> any Connection {
        FaultyConnection(try base.openWriter(), plan)
    }

    public func openReader() throws(EngineError) -> any Connection {
        try plan.met(.openReader, on: nil)
        return FaultyConnection(try base.openReader(), plan)
    }

    public func confirmHold() throws(EngineError) {
        try plan.met(.confirmHold, on: nil)
        try base.confirmHold()
    }

    public func maintain(_ writer: any Connection) throws(EngineError) -> Pressure {
        try base.maintain(real(writer))
    }

    public func settle(_ writer: any Connection) throws(EngineError) { try base.settle(real(writer)) }

    public func settleUnknownCommit() throws(EngineError) {
        try plan.met(.settleUnknownCommit, on: nil)
        try base.settleUnknownCommit()
    }

    public func keepNote(_ note: [UInt8]) throws(EngineError) {
        try plan.met(.keepNote, on: nil)
        try base.keepNote(note)
    }

    public func readNote() throws(EngineError) -> [UInt8]? { try base.readNote() }
    public func close() { base.close() }

    private func real(_ connection: any Connection) -> any Connection {
        (connection as? FaultyConnection)?.base ?? connection
    }
}

/// A connection of a ``FaultyEngine``.
public final class FaultyConnection: Connection {
    let base: any Connection
    private let plan: FaultPlan

    init(_ base: any Connection, _ plan: FaultPlan) {
        self.base = base
        self.plan = plan
    }

    public var dialect: Dialect { base.dialect }
    public var isInTransaction: Bool { base.isInTransaction }

    public func begin(_ mode: TransactionMode) throws(EngineError) {
        if mode == .write { try plan.met(.begin, on: base) }
        try base.begin(mode)
    }

    public func commit() throws(EngineError) {
        try plan.met(.beforeCommit, on: base)
        try base.commit()
        try plan.met(.afterCommit, on: base)
    }

    public func rollback() { base.rollback() }

    public func savepoint() throws(EngineError) {
        try plan.met(.savepoint, on: base)
        try base.savepoint()
    }

    public func releaseSavepoint() throws(EngineError) {
        try plan.met(.releaseSavepoint, on: base)
        try base.releaseSavepoint()
    }

    public func rollbackToSavepoint() throws(EngineError) {
        try plan.met(.rollbackToSavepoint, on: base)
        try base.rollbackToSavepoint()
    }

    public func execute(_ statement: SQL) throws(EngineError) -> Int {
        try plan.met(statement: statement.text, on: base)
        return try base.execute(statement)
    }

    public func forEachRow(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws {
        try plan.met(statement: statement.text, on: base)
        try base.forEachRow(statement, body)
    }

    public func executeScript(_ text: String) throws(EngineError) { try base.executeScript(text) }
    public func interrupter() -> @Sendable () -> Void { base.interrupter() }
    public func changeToken() throws(EngineError) -> Int64 { try base.changeToken() }
    public func close() { base.close() }
}

func pause(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    nanosleep(&time, nil)
}
