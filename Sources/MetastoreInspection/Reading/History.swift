// Invariants
// 1. What is told of a change is what stands in the log: both images, field by field, with who committed it and when.
// 2. A record's history is walked back by its own revisions: a before-image holds the revision of the change before it.
//    It ends where the record was made, or where the log begins, and says which.

package import Metastore
package import MetastoreModel

/// One field that a change set to another value.
package struct ChangedField: Sendable, Hashable {
    package let name: String
    package let before: FieldValue
    package let after: FieldValue
}

/// One change of one record, with the commit it came in.
package struct HistoryEntry: Sendable {
    package let revision: Revision
    package let time: Timestamp
    package let epoch: Int64
    package let actor: String
    package let operation: ChangeOperation
    package let key: RecordKey
    /// Those that differ; all of them where it was created or deleted.
    package let fields: [ChangedField]

    init(_ record: LogRecord, _ change: LoggedChange) {
        (revision, time, epoch, actor) = (record.revision, record.time, record.epoch.number, record.actor)
        (operation, key) = (change.operation, change.key)
        fields = ChangedField.between(change.before, change.after)
    }
}

extension ChangedField {
    /// What a change did to each field.
    package static func between(_ change: LoggedChange) -> [ChangedField] { between(change.before, change.after) }

    /// What isn't the same in both; the revisions, which every change moves, are left out.
    static func between(_ before: StoredRow?, _ after: StoredRow?) -> [ChangedField] {
        let (old, new) = (before.map { RecordView($0, isLogged: true) }, after.map { RecordView($0, isLogged: true) })
        return (new ?? old)?.fields.compactMap { field in
            guard field.name != "revision", field.name != "created_revision" else { return nil }
            let (was, is_) = (old?[field.name] ?? .none, new?[field.name] ?? .none)
            return was == is_ ? nil : ChangedField(name: field.name, before: was, after: is_)
        } ?? []
    }
}

/// A record's changes, the oldest first.
package struct RecordHistory: Sendable {
    package let key: RecordKey
    package let entries: [HistoryEntry]
    /// True when the first entry made the record; else the log begins later than the record.
    package let isComplete: Bool
}

extension Inspection {
    /// Every change of a record that the log still has; nil when there is neither the record nor a change of it.
    package func history(of key: RecordKey) throws -> RecordHistory? {
        guard case .row(let row)? = try store.row(key) else { return try historyOfDeleted(key) }
        var entries: [HistoryEntry] = []
        var revision = row.revision
        var isComplete = false
        while revision > .absent {
            guard let record = try store.commit(revision),
                let change = try record.changes(of: RecordKinds(key.kind)).first(where: { $0.key == key })
            else { break }
            entries.append(HistoryEntry(record, change))
            guard let before = change.before else {
                isComplete = true
                break
            }
            guard before.revision < revision else {
                throw StoreError.damaged(place: "log record \(revision)", reason: "it goes back to a later one")
            }
            revision = before.revision
        }
        // An id is never given again, but a name may be: what had it before is told, too.
        if isComplete, key.mayComeAgain, let first = entries.last {
            let before = try scan(key, through: Revision(rawValue: first.revision.rawValue - 1))
            entries += before.reversed()
        }
        return RecordHistory(key: key, entries: entries.reversed(), isComplete: isComplete)
    }

    private func historyOfDeleted(_ key: RecordKey) throws -> RecordHistory? {
        let entries = try scan(key, through: nil)
        guard let first = entries.first else { return nil }
        return RecordHistory(key: key, entries: entries, isComplete: first.operation == .created)
    }

    private func scan(_ key: RecordKey, through end: Revision?) throws -> [HistoryEntry] {
        var entries: [HistoryEntry] = []
        let oldest = try store.oldestShown()
        if let end, end < oldest { return [] }
        try store.forEachCommit(after: oldest, through: end, kinds: RecordKinds(key.kind)) { record in
            for change in try record.changes(of: RecordKinds(key.kind), under: KeyPrefix(key)) where change.key == key {
                entries.append(HistoryEntry(record, change))
            }
            return true
        }
        return entries
    }

    /// Lends the commits after a revision, with the changes that are wanted, until the closure says false; those
    /// without one are left out when anything is asked for.
    package func log(
        after start: Revision, kinds: RecordKinds = .all, under prefix: KeyPrefix? = nil,
        _ body: (LogRecord, [LoggedChange]) throws -> Bool
    ) throws {
        let filter = prefix.map { kinds.intersection($0.kinds) } ?? kinds
        let isFiltered = kinds != .all || prefix != nil
        try store.forEachCommit(after: start, kinds: isFiltered ? filter : RecordKinds(rawValue: .max)) { record in
            let changes = try record.changes(of: filter, under: prefix)
            return changes.isEmpty && isFiltered ? true : try body(record, changes)
        }
    }
}

extension RecordKey {
    /// False for records with ids, which are never given again.
    fileprivate var mayComeAgain: Bool {
        switch kind {
        case .pool, .agent, .slot, .port, .instance, .spotRequest, .keyValue, .document, .consumer, .leadership: true
        default: false
        }
    }
}
