// Invariants
// 1. Revisions come in order and without a hole, each record linked to the one before, or the walk ends with an error
//    that names the record: nothing after it is shown as if it followed.
// 2. Memory is that of one record.

internal import MetastoreEngine
package import MetastoreModel

/// What was done to one record in one revision, whatever its kind.
package struct LoggedChange: Sendable {
    package let operation: ChangeOperation
    package let key: RecordKey
    /// Both without local columns, which no log knows.
    package let before: StoredRow?
    package let after: StoredRow?
}

extension ClosedStore {
    /// Everything the head row says that people ask for.
    package struct Facts: Sendable {
        package let summary: Summary
        package let time: Timestamp
        package let isClean: Bool
        package let logBytes: Int64
        /// The next id of each counter.
        package let counters: [(name: String, next: Int64)]
    }

    /// What the head row says.
    package func facts() throws(StoreError) -> Facts {
        let summary = try summary()
        return try caught {
            let head = try Head.load(connection, locking: false)
            return Facts(
                summary: summary, time: head.time, isClean: head.isClean, logBytes: head.logBytes,
                counters: Counter.allCases.map { ("\($0)", head.counters[Int($0.rawValue) - 1]) })
        }
    }

    /// Lends the log's records after a revision and up to another, until the closure says false.
    ///
    /// - Parameter kinds: records that change none of them are not lent, but their links are made sure of.
    /// - Throws: ``StoreError/compacted(oldest:)`` when the log begins later; ``StoreError/damaged(place:reason:)``.
    package func forEachCommit(
        after start: Revision, through end: Revision? = nil, kinds: RecordKinds = .all,
        _ body: (LogRecord) throws -> Bool
    ) throws {
        let head = try Head.load(connection, locking: false)
        guard start >= head.compactedRevision else { throw StoreError.compacted(oldest: head.oldest) }
        var (revision, chain) = (start.rawValue, head.compactedChain)
        if start > head.compactedRevision {
            guard start <= head.revision else { return }
            chain =
                try connection.first("SELECT chain FROM log WHERE revision = \(start.rawValue)") {
                    try $0.bytes(0)
                } ?? []
        }
        let last = end ?? head.revision
        let statement =
            SQL(trusted: "SELECT \(LogRecord.columns) FROM log ")
            + "WHERE revision > \(start.rawValue) AND revision <= \(last.rawValue) ORDER BY revision"
        var isStopped = false
        try connection.forEachRow(statement) { row in
            revision += 1
            let record = try LogRecord(row)
            guard record.revision.rawValue == revision, record.link(after: chain) == record.chain else {
                throw StoreError.damaged(
                    place: "log record \(record.revision)",
                    reason: "it doesn't follow the record before it: the log has a hole, or was changed")
            }
            chain = record.chain
            isStopped = kinds.isDisjoint(with: record.kinds) ? false : try !body(record)
            return !isStopped
        }
        guard isStopped || revision >= min(last, head.revision).rawValue else {
            throw StoreError.damaged(
                place: "the log",
                reason: "it ends at revision \(revision), and the head row at \(head.revision): records are missing")
        }
    }

    /// The log's record of a revision, which its link proves; nil where it isn't kept.
    ///
    /// - Throws: ``StoreError/damaged(place:reason:)`` where it should be, and isn't, or isn't as it was written.
    package func commit(_ revision: Revision) throws -> LogRecord? {
        let head = try Head.load(connection, locking: false)
        guard revision > head.compactedRevision, revision <= head.revision else { return nil }
        let record = try connection.first(
            SQL(trusted: "SELECT \(LogRecord.columns) FROM log ") + "WHERE revision = \(revision.rawValue)"
        ) { try LogRecord($0) }
        let before = try link(before: revision, head)
        guard let record, record.revision == revision, record.link(after: before) == record.chain else {
            throw StoreError.damaged(
                place: "log record \(revision)",
                reason: record == nil
                    ? "it is missing" : "it doesn't follow the record before it: one of them was changed")
        }
        return record
    }

    /// What a record is linked to; nothing where that is missing.
    func link(before revision: Revision, _ head: Head) throws -> [UInt8] {
        guard revision.rawValue - 1 > head.compactedRevision.rawValue else { return head.compactedChain }
        return try connection.first("SELECT chain FROM log WHERE revision = \(revision.rawValue - 1)") {
            try $0.bytes(0)
        } ?? []
    }

    /// The last revision at or before a time; absent where the log begins later.
    package func revision(at time: Timestamp) throws -> Revision {
        // Times never go back with the revision.
        let found = try connection.first(
            """
            SELECT revision FROM log WHERE time <= \(Value.timestamp(time.microseconds)) \
            ORDER BY revision DESC LIMIT 1
            """
        ) { try $0.integer(0) }
        return Revision(rawValue: found ?? 0)
    }

    /// The oldest revision at which the store can be shown as it was.
    package func oldestShown() throws -> Revision { try Head.load(connection, locking: false).compactedRevision }

    /// The position of that revision.
    package func oldestPosition() throws -> Position { try Head.load(connection, locking: false).oldest }
}

extension LogRecord {
    /// What was done to the records of the given kinds, each with both images.
    package func changes(of kinds: RecordKinds = .all, under prefix: KeyPrefix? = nil) throws -> [LoggedChange] {
        var found: [LoggedChange] = []
        try decodeBody { (raw) throws(StoreError) in
            guard raw.kind != .cluster, kinds.contains(raw.kind), prefix?.matches(utf8: raw.key) ?? true else { return }
            let images = try raw.images(raw.kind.table)
            let before = try images.before.map { (image) throws(StoreError) in
                try StoredRow(raw.kind, image: image, stored: nil)
            }
            let after = try images.after.map { (image) throws(StoreError) in
                try StoredRow(raw.kind, image: image, stored: nil)
            }
            guard let key = after?.key ?? before?.key else { return }
            found.append(LoggedChange(operation: raw.operation, key: key, before: before, after: after))
        }
        return found
    }
}
