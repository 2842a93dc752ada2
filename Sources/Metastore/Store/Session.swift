// Invariants
// 1. A session is used by one thread, and only for as long as the transaction it stands for.
// 2. Once its read has expired or was cancelled, every further call fails.

internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// What a read is told from outside while it runs.
final class ReadControl: Sendable {
    enum Order: UInt8, AtomicRepresentable {
        case goOn, cancelled, expired, closed
    }

    private let order = Atomic(Order.goOn)

    func give(_ new: Order) { order.store(new, ordering: .releasing) }
    var current: Order { order.load(ordering: .acquiring) }
}

/// The statements of one transaction on one connection: what snapshots and transactions are made of.
class Session {
    let connection: any Connection
    private let control: ReadControl?

    init(_ connection: any Connection, control: ReadControl?) {
        self.connection = connection
        self.control = control
    }

    /// Before summaries are read: what this transaction still owes them is written. A read owes nothing.
    func settleSummaries() throws(StoreError) {}

    /// Throws when the read was told to end.
    final func goOn() throws(StoreError) {
        switch control?.current {
        case .none, .goOn: return
        case .expired: throw .snapshotExpired
        case .closed: throw .closed
        case .cancelled:
            throw .engine(EngineError(.interrupted, operation: "read", message: "the read was cancelled"))
        }
    }

    /// Lends each row in turn until the closure says false.
    final func forEach(_ statement: SQL, _ body: (borrowing Row) throws -> Bool) throws(StoreError) {
        try goOn()
        do {
            try connection.forEachRow(statement, body)
        } catch {
            try goOn()
            throw StoreError(error)
        }
    }

    final func all<Result>(
        _ statement: SQL, _ body: (borrowing Row) throws -> Result
    ) throws(StoreError) -> [Result] {
        var found: [Result] = []
        try forEach(statement) { row in
            found.append(try body(row))
            return true
        }
        return found
    }

    final func first<Result>(
        _ statement: SQL, _ body: (borrowing Row) throws -> Result
    ) throws(StoreError) -> Result? {
        try goOn()
        do {
            return try connection.first(statement, body)
        } catch {
            try goOn()
            throw StoreError(error)
        }
    }

    /// The records of `SELECT columns FROM table …`, `rest` being what follows the table's name.
    ///
    /// - Parameter most: how many there will be at most, where that is known.
    final func records<R: StoredRecord>(_ rest: SQL, most: Int = 0) throws(StoreError) -> [R] {
        var found: [R] = []
        found.reserveCapacity(most)
        try forEach(SQL(trusted: R.table.selectText) + rest) { row in
            found.append(try R(row: row))
            return true
        }
        return found
    }

    final func record<R: StoredRecord>(_ rest: SQL) throws(StoreError) -> R? {
        try first(SQL(trusted: R.table.selectText) + rest) { row in
            try R(row: row)
        }
    }

    /// The record with this primary key, or nil.
    final func find<R: StoredRecord>(_ type: R.Type, _ key: Value...) throws(StoreError) -> R? {
        try first(SQL(trusted: R.table.selectByKeyText, values: key)) { row in
            try R(row: row)
        }
    }
}
