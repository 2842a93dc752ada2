// Invariants
// 1. After the deadline no statement begins, and the running one is interrupted until it ends.
// 2. A statement inside another's rows is bound by the outer one's deadline, so that no file makes its reader go on
//    for ever by having rows.

internal import Glibc
internal import MetastoreEngine
internal import Synchronization

/// A connection whose statements end at a deadline: each for itself, or all of a read together.
final class BoundedConnection: Connection {
    private let base: any Connection
    private let limit: Duration
    /// What the one who ran into it is told.
    private let advice: String
    private let watch: Watch
    private var depth = 0

    init(_ base: any Connection, limit: Duration, advice: String) {
        self.base = base
        self.limit = limit
        self.advice = advice
        watch = Watch(base.interrupter())
        watch.start()
    }

    deinit { watch.end() }

    /// Runs statements with one deadline for all of them, in one snapshot.
    func read<Result>(_ body: () throws -> Result) throws -> Result {
        try bounded {
            try base.begin(.read)
            defer { base.rollback() }
            return try body()
        }
    }

    private func bounded<Result>(_ body: () throws -> Result) throws -> Result {
        try enter()
        defer { leave() }
        do {
            return try body()
        } catch let error as EngineError where error.code == .interrupted && watch.isOver {
            throw excess
        }
    }

    /// As above, where only the engine can fail.
    private func boundedCall<Result>(
        _ body: () throws(EngineError) -> Result
    ) throws(EngineError) -> Result {
        try enter()
        defer { leave() }
        do throws(EngineError) {
            return try body()
        } catch {
            throw error.code == .interrupted && watch.isOver ? excess : error
        }
    }

    private func enter() throws(EngineError) {
        if depth == 0 {
            watch.begin(.now + limit)
        } else if watch.isOver {
            throw excess
        }
        depth += 1
    }

    private func leave() {
        depth -= 1
        if depth == 0 { watch.rest() }
    }

    private var excess: EngineError {
        EngineError(.interrupted, operation: "read", message: "it took longer than \(limit). \(advice)")
    }

    // MARK: Connection

    var dialect: Dialect { base.dialect }
    var isInTransaction: Bool { base.isInTransaction }
    var isUsable: Bool { base.isUsable }
    var keepsSession: Bool { base.keepsSession }
    var hasFailedEarlier: Bool { base.hasFailedEarlier }

    func begin(_ mode: TransactionMode) throws(EngineError) { try base.begin(mode) }
    func commit() throws(EngineError) { try base.commit() }
    func rollback() { base.rollback() }
    func savepoint() throws(EngineError) { try base.savepoint() }
    func releaseSavepoint() throws(EngineError) { try base.releaseSavepoint() }
    func rollbackToSavepoint() throws(EngineError) { try base.rollbackToSavepoint() }
    func enqueue(_ statement: SQL) throws(EngineError) { try base.enqueue(statement) }
    func flush() throws(EngineError) { try base.flush() }

    @discardableResult
    func execute(_ statement: SQL) throws(EngineError) -> Int {
        try boundedCall { () throws(EngineError) in try base.execute(statement) }
    }

    func forEachRow(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws {
        try bounded {
            try base.forEachRow(statement) { row in
                // Rows that come fast, and never end, aren't caught by an interrupt alone.
                if watch.isOver { throw excess }
                return try body(row)
            }
        }
    }

    func first<Result>(_ statement: SQL, _ body: (borrowing Row) throws -> Result) throws -> Result? {
        try bounded { try base.first(statement, body) }
    }

    func executeScript(_ text: String) throws(EngineError) {
        try boundedCall { () throws(EngineError) in try base.executeScript(text) }
    }

    func endScratch() throws { try base.endScratch() }

    func executeAlone(_ text: String) throws(EngineError) {
        try boundedCall { () throws(EngineError) in try base.executeAlone(text) }
    }

    func interrupter() -> @Sendable () -> Void { base.interrupter() }
    func fileMark() throws(EngineError) -> FileMark? { try base.fileMark() }

    func close() {
        watch.end()
        base.close()
    }
}

/// Interrupts, from a thread of its own, what runs past a deadline.
private final class Watch: Sendable {
    private struct State {
        var deadline: ContinuousClock.Instant?
        var isEnded = false
    }

    private let state = Mutex(State())
    private let interrupt: @Sendable () -> Void

    init(_ interrupt: @escaping @Sendable () -> Void) { self.interrupt = interrupt }

    func start() {
        // Without a thread the deadline still holds between statements and rows.
        _ = BlockingThread.tryStart { [self] in
            while look() { usleep(20_000) }
        }
    }

    func begin(_ deadline: ContinuousClock.Instant) { state.withLock { $0.deadline = deadline } }
    func rest() { state.withLock { $0.deadline = nil } }
    func end() { state.withLock { $0.isEnded = true } }

    var isOver: Bool { state.withLock { $0.deadline.map { $0 < .now } ?? false } }

    private func look() -> Bool {
        state.withLock { state in
            if let deadline = state.deadline, deadline < .now { interrupt() }
            return !state.isEnded
        }
    }
}
