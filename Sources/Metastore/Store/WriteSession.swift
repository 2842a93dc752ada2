// Invariants
// 1. A row, its hash, its change in the log and the digests move together: every write of a record goes through
//    insert, update or delete below.
// 2. One transaction logs one change a key, from what was there before it to what is there after it; what ends as it
//    began is no change, and keeps its revision.
// 3. A call that failed after it wrote something poisons the closure: its error is the closure's, even if swallowed.
// 4. `lastTrial` is what a query would find: every statement that writes forgets it.

internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// The writes of one closure after another, in one SQL transaction.
final class WriteSession: Session {
    var head: Head
    let time: Timestamp
    let randomness: @Sendable () -> UInt64
    private(set) var changes = PendingChanges()
    private var countersAtStart: [Int64] = []
    private let texts: StatementTexts
    /// Where a row's bytes under its hash are put together.
    private var rowBytes = CanonicalWriter(capacity: 1_024)
    /// The trial as the last report left it: the next one is often of the same, and needn't read it again.
    var lastTrial: Trial?
    /// What the closure changed that the trials' summaries don't say yet.
    var pendingSummaries = PendingSummaries()
    /// The summaries written last; nil while a store is opened.
    var summaryMemory: SummaryMemory?
    /// Every trial's summaries are filled; else ``backfill`` tells which.
    var isBackfilled = false
    /// As this transaction sees it, once it was asked for.
    var backfill: Backfill?
    private(set) var poison: StoreError?
    private(set) var writes = 0
    /// About how many bytes the pending changes log.
    private(set) var loggedBytes = 0
    /// Where leases that are granted or ended run, once that is committed; nil while a store is opened.
    var leases: LeaseClock?
    var actor = ""
    var operation: (id: UUID, record: OperationRecord)?
    var consumer: ConsumerProgress?
    /// Run once the batch has committed.
    private(set) var afterCommit: [@Sendable () -> Void] = []
    /// Rows of the log are held back, to go together when the batch ends. Nothing in it reads them before: nobody knows
    /// a position of theirs yet.
    var isHoldingLog = false
    private var heldRows: [[Value]] = []

    init(
        _ connection: any Connection, head: Head, now: Timestamp, randomness: @escaping @Sendable () -> UInt64,
        texts: StatementTexts
    ) {
        self.head = head
        time = max(now, head.time)
        self.randomness = randomness
        self.texts = texts
        super.init(connection, control: nil)
    }

    /// The revision this closure commits as, if it changes anything.
    var revision: Revision { Revision(rawValue: head.revision.rawValue + 1) }

    /// Before each closure: nothing is pending, nothing is wrong.
    func begin(actor: String) {
        changes.removeAll()
        pendingSummaries.removeAll()
        countersAtStart = head.counters
        lastTrial = nil
        poison = nil
        writes = 0
        loggedBytes = 0
        operation = nil
        consumer = nil
        self.actor = actor
    }

    func whenCommitted(_ body: @escaping @Sendable () -> Void) { afterCommit.append(body) }

    /// What the closures so far left to be done later.
    struct Mark {
        fileprivate let head: Head
        fileprivate let promises: Int
        fileprivate let rows: Int
    }

    /// Where ``undo(to:)`` goes back to.
    var mark: Mark { Mark(head: head, promises: afterCommit.count, rows: heldRows.count) }

    /// A closure is undone, and its statements with it: nothing of it is left for later either.
    func undo(to mark: Mark) {
        head = mark.head
        backfill = nil
        summaryMemory?.undo()
        afterCommit.removeSubrange(mark.promises...)
        heldRows.removeSubrange(mark.rows...)
    }

    override func settleSummaries() throws(StoreError) { try writeSummaries() }

    /// Writes the rows of the log that were held back.
    func writeHeldRows() throws(EngineError) {
        let rows = heldRows
        heldRows.removeAll()
        for statement in LogRecord.insertions(of: rows[...], most: connection.dialect.rowsPerInsert) {
            try connection.enqueue(statement)
        }
    }

    // MARK: Statements

    /// Runs a statement that writes something no log knows (derived rows, positions).
    @discardableResult
    func execute(_ statement: SQL) throws(StoreError) -> Int {
        if let poison { throw poison }
        lastTrial = nil
        do {
            let changed = try connection.execute(statement)
            writes += 1
            return changed
        } catch {
            let failure = StoreError(error)
            poison = failure
            throw failure
        }
    }

    /// Like ``execute(_:)``, for a statement whose count nobody needs. Its error may come out of a later call of this
    /// closure, or of its end.
    func enqueue(_ statement: SQL) throws(StoreError) {
        if let poison { throw poison }
        lastTrial = nil
        do {
            try connection.enqueue(statement)
            writes += 1
        } catch {
            let failure = StoreError(error)
            poison = failure
            throw failure
        }
    }

    /// One call of a repository: all of it or nothing, also when the closure swallows its error.
    func atomically<Result>(_ body: () throws(StoreError) -> Result) throws(StoreError) -> Result {
        if let poison { throw poison }
        let before = writes
        do {
            return try body()
        } catch {
            if writes != before { poison = poison ?? error }
            throw error
        }
    }

    // MARK: Records

    func insert<R: StoredRecord>(_ record: R) throws(StoreError) -> R {
        var record = record
        record.createdRevision = revision
        record.revision = revision
        var image = record.image
        let key = record.recordKey.path
        let (fields, hash) = encoded(R.table, key, image)
        // The statement's values, and an image still: nobody looks behind its last column.
        image.append(.integer(hash.column))
        try enqueue(SQL(trusted: R.table.insertText, values: image))
        try note(R.table, key, before: nil, after: image, hash, fields)
        return record
    }

    /// Writes `record` over `before`, if they differ; returns it as it is stored.
    @discardableResult
    func update<R: StoredRecord>(_ record: R, from before: R) throws(StoreError) -> R {
        let table = R.table
        let stored = before.image
        var image = record.image
        image[0] = stored[0]
        image[1] = stored[1]
        // Bit n stands for column n.
        var mask: UInt64 = 0
        for index in image.indices where image[index] != stored[index] { mask |= 1 << UInt64(index) }
        let logged: UInt64 = (1 << UInt64(table.loggedCount)) - 1
        let key = record.recordKey.path
        let place = changes.place(of: key)
        if let place, let earlier = changes[place].before, sameContent(table, earlier, image) {
            image[1] = earlier[1]
        } else if mask & logged != 0 {
            image[1] = .integer(revision.rawValue)
        }
        if image[1] != stored[1] { mask |= 1 << 1 }
        guard mask != 0 else { return before }
        let (fields, hash) = encoded(table, key, image)
        var values: [Value] = []
        values.reserveCapacity(mask.nonzeroBitCount + 1 + table.key.count)
        for index in image.indices where mask & (1 << UInt64(index)) != 0 { values.append(image[index]) }
        values.append(.integer(hash.column))
        for index in table.key { values.append(stored[index]) }
        try enqueue(SQL(trusted: texts.update(table, mask), values: values))
        if mask & logged != 0 {
            try note(table, key, at: place, before: stored, after: image, hash, fields)
        }
        return try R(image: image)
    }

    func delete<R: StoredRecord>(_ record: R) throws(StoreError) {
        let image = record.image
        try enqueue(SQL(trusted: R.table.deleteText, values: R.table.key.map { image[$0] }))
        try note(R.table, record.recordKey.path, before: image, after: nil, nil, [])
    }

    /// Adds a change whose row is written by the caller (documents, the head).
    func note(
        _ table: Table, _ key: String, before: [Value]?, after: [Value]?, _ hash: RowHash?, _ fields: [UInt8]
    ) throws(StoreError) {
        try note(table, key, at: changes.place(of: key), before: before, after: after, hash, fields)
    }

    /// - Parameter place: that of the key's change, if it has one.
    private func note(
        _ table: Table, _ key: String, at place: Int?, before: [Value]?, after: [Value]?, _ hash: RowHash?,
        _ fields: [UInt8]
    ) throws(StoreError) {
        loggedBytes += fields.count + key.utf8.count + 16
        var beforeHash: RowHash?
        // The hash of what was there before the transaction is known, once it has changed.
        if let before, place == nil || after == nil {
            let count: Int
            (beforeHash, count) = encode(table, key, before)
            if after == nil { loggedBytes += count }
        }
        if before != nil, after != nil { loggedBytes += 32 }
        guard loggedBytes <= Limits.transactionLogBytes else {
            let failure = StoreError.transactionTooLarge(bytes: loggedBytes, limit: Limits.transactionLogBytes)
            poison = poison ?? failure
            throw failure
        }
        if let place {
            changes[place].after = after
            changes[place].afterHash = hash
            changes[place].afterFields = fields
            return
        }
        changes.append(
            PendingChange(
                table: table, key: key, before: before, beforeHash: beforeHash, after: after, afterHash: hash,
                afterFields: fields))
    }

    /// The canonical fields of a row, and its hash.
    func encoded(_ table: Table, _ key: String, _ image: [Value]) -> ([UInt8], RowHash) {
        let (hash, count) = encode(table, key, image)
        return (Array(rowBytes.bytes.suffix(count)), hash)
    }

    /// Leaves the canonical fields of a row at the end of `rowBytes`; returns its hash, and how many bytes they are.
    private func encode(_ table: Table, _ key: String, _ image: [Value]) -> (hash: RowHash, fields: Int) {
        rowBytes.removeAll()
        rowBytes.rowName(table.kind, key)
        let start = rowBytes.bytes.count
        rowBytes.row(table, image)
        return (RowHash(named: rowBytes.bytes), rowBytes.bytes.count - start)
    }

    /// Equal in every logged field but the revisions.
    private func sameContent(_ table: Table, _ left: [Value], _ right: [Value]) -> Bool {
        for index in 2..<table.loggedCount where left[index] != right[index] { return false }
        return left[0] == right[0]
    }

    // MARK: The end of a closure

    /// The counters moved with a record that is in the log already: none of our own tells of them.
    func countersAreLogged() { countersAtStart = head.counters }

    /// Turns what is pending into one revision. Returns its record, or nil when nothing changed.
    func seal() throws(StoreError) -> LogRecord? {
        if let poison { throw poison }
        try writeSummaries()
        let real = changes.list.filter { change in
            guard let before = change.before else { return change.after != nil }
            guard let after = change.after else { return true }
            return before[1] != after[1]
        }
        var record: LogRecord?
        // An id that was taken is spent, also when its record is gone again: it is logged, so that nobody gets it
        // twice.
        if !real.isEmpty || head.counters != countersAtStart { record = try append(real) }
        if let operation {
            let revision = head.revision.rawValue
            try enqueue(
                """
                INSERT INTO operations (id, fingerprint, result, revision, time) VALUES (\(operation.id), \
                \(operation.record.fingerprint), \(operation.record.result), \(revision), \
                \(Value.timestamp(time.microseconds)))
                """)
        }
        return record
    }

    /// Appends one revision with these changes, which may be none.
    func append(_ real: [PendingChange]) throws(StoreError) -> LogRecord {
        var body = LogBody()
        for (index, next) in head.counters.enumerated() where next != countersAtStart[index] {
            body.counters.append((UInt8(index + 1), next))
        }
        body.operation = operation?.record
        var kinds: RecordKinds = []
        for change in real {
            kinds.insert(RecordKinds(change.table.kind))
            // The head row's digest is that of its counters, and is taken below.
            guard change.table.kind != .cluster else { continue }
            head.digests.replace(change.beforeHash, by: change.afterHash, of: change.table.kind)
        }
        if !body.counters.isEmpty { head.digests[.cluster] = head.countersHash.sum }
        var record = LogRecord(
            revision: revision, epoch: head.epoch, time: time, schema: head.schema, actor: actor,
            operation: operation?.id, consumer: consumer, kinds: kinds, body: body.encoded(real), chain: [])
        guard record.body.count <= Limits.logBodyBytes else {
            throw .transactionTooLarge(bytes: record.body.count, limit: Limits.transactionLogBytes)
        }
        record.chain = record.link(after: head.chain)
        let row = record.row
        if isHoldingLog {
            heldRows.append(row.values)
            writes += 1
        } else {
            try enqueue(LogRecord.insertion(of: row.values))
        }
        head.logBytes += Int64(row.bytes + Limits.logRowOverhead)
        head.revision = record.revision
        head.chain = record.chain
        head.time = time
        return record
    }
}
