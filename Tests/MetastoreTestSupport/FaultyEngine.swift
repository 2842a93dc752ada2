internal import Glibc
package import MetastoreEngine

/// A real engine, some of whose calls fail or take long, as its ``FaultPlan`` says.
package final class FaultyEngine: Engine {
    private let base: any Engine
    private let plan: FaultPlan
    private let tellsFile: Bool

    /// - Parameter tellsFile: false for a file system that can't tell a file from its copy.
    package init(_ base: any Engine, _ plan: FaultPlan, tellsFile: Bool = true) {
        self.base = base
        self.plan = plan
        self.tellsFile = tellsFile
    }

    package var place: String { base.place }
    package var dialect: Dialect { base.dialect }
    package var hasOneConnection: Bool { base.hasOneConnection }
    package var isReadOnly: Bool { base.isReadOnly }
    package var isExclusive: Bool { base.isExclusive }
    package var notices: [String] { base.notices }

    package func prepare() throws(EngineError) -> Found { try base.prepare() }
    @discardableResult
    package func create(_ populate: (any Connection) throws -> Void) throws -> Bool { try base.create(populate) }

    package func openWriter() throws(EngineError) -> any Connection {
        FaultyConnection(try base.openWriter(), plan, tellsFile: tellsFile)
    }

    package func openReader() throws(EngineError) -> any Connection {
        try plan.met(.openReader, on: nil)
        return FaultyConnection(try base.openReader(), plan, tellsFile: tellsFile)
    }

    package func announceCommit() { base.announceCommit() }
    package func watchCommits(_ wake: @escaping @Sendable () -> Void) { base.watchCommits(wake) }

    package func confirmHold() throws(EngineError) {
        try plan.met(.confirmHold, on: nil)
        try base.confirmHold()
    }

    package func maintain(_ writer: any Connection) throws(EngineError) -> Pressure {
        try base.maintain(real(writer))
    }

    package func settle(_ writer: any Connection) throws(EngineError) { try base.settle(real(writer)) }

    package func settleUnknownCommit() throws(EngineError) {
        try plan.met(.settleUnknownCommit, on: nil)
        try base.settleUnknownCommit()
    }

    package func keepNote(_ note: [UInt8]) throws(EngineError) {
        try plan.met(.keepNote, on: nil)
        try base.keepNote(note)
    }

    package func readNote() throws(EngineError) -> [UInt8]? { try base.readNote() }
    package func keepControl(_ control: [UInt8]) throws(EngineError) { try base.keepControl(control) }
    package func readControl() throws(EngineError) -> [UInt8]? { try base.readControl() }
    package func close() { base.close() }

    private func real(_ connection: any Connection) -> any Connection {
        (connection as? FaultyConnection)?.base ?? connection
    }
}

/// A connection of a ``FaultyEngine``.
package final class FaultyConnection: Connection {
    let base: any Connection
    private let plan: FaultPlan
    private let tellsFile: Bool

    init(_ base: any Connection, _ plan: FaultPlan, tellsFile: Bool) {
        self.base = base
        self.plan = plan
        self.tellsFile = tellsFile
    }

    package var dialect: Dialect { base.dialect }
    package var isUsable: Bool { base.isUsable }
    package var keepsSession: Bool { base.keepsSession }
    package var isInTransaction: Bool { base.isInTransaction }

    package func begin(_ mode: TransactionMode) throws(EngineError) {
        if mode == .write { try plan.met(.begin, on: base) }
        try base.begin(mode)
        if mode == .read { try plan.met(.snapshot, on: base) }
    }

    package func commit() throws(EngineError) {
        try plan.met(.beforeCommit, on: base)
        try base.commit()
        try plan.met(.afterCommit, on: base)
    }

    package func rollback() { base.rollback() }

    package func savepoint() throws(EngineError) {
        try plan.met(.savepoint, on: base)
        try base.savepoint()
    }

    package func releaseSavepoint() throws(EngineError) {
        try plan.met(.releaseSavepoint, on: base)
        try base.releaseSavepoint()
    }

    package func rollbackToSavepoint() throws(EngineError) {
        try plan.met(.rollbackToSavepoint, on: base)
        try base.rollbackToSavepoint()
    }

    package func execute(_ statement: SQL) throws(EngineError) -> Int {
        try plan.met(statement: statement.text, on: base)
        return try base.execute(statement)
    }

    package func flush() throws(EngineError) { try base.flush() }
    package var hasFailedEarlier: Bool { base.hasFailedEarlier }

    package func enqueue(_ statement: SQL) throws(EngineError) {
        try plan.met(statement: statement.text, on: base)
        try base.enqueue(statement)
    }

    package func forEachRow(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws {
        try plan.met(statement: statement.text, on: base)
        try base.forEachRow(statement, body)
    }

    package func executeScript(_ text: String) throws(EngineError) { try base.executeScript(text) }
    package func endScratch() throws { try base.endScratch() }
    package func executeAlone(_ text: String) throws(EngineError) { try base.executeAlone(text) }
    package func interrupter() -> @Sendable () -> Void { base.interrupter() }
    package func fileMark() throws(EngineError) -> FileMark? { tellsFile ? try base.fileMark() : nil }
    package func close() { base.close() }
}

func pause(_ duration: Duration) {
    let (seconds, attoseconds) = duration.components
    var time = timespec(tv_sec: Int(seconds), tv_nsec: Int(attoseconds / 1_000_000_000))
    nanosleep(&time, nil)
}

extension EngineSource {
    /// On a file system that can't tell a file from its copy.
    package var withoutFileMarks: EngineSource {
        EngineSource { FaultyEngine(try makeEngine($0), FaultPlan(), tellsFile: false) }
    }
}
