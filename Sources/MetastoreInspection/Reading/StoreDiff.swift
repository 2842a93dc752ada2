// Invariants
// 1. Both stores are read side by side in the order of their keys: memory is that of two rows.
// 2. Rows are equal when all their logged fields are, revisions left out: the same objects in stores with different
//    histories are no difference.

internal import Metastore
internal import MetastoreEngine
package import MetastoreModel

/// One record that isn't the same in two stores.
package struct RecordDifference: Sendable {
    package enum What: String, Sendable {
        case created, deleted, changed
    }

    package let key: RecordKey
    package let what: What
    /// Those that differ; for what is in one of them only, what it was or is.
    package let fields: [ChangedField]
    /// What stands there on either side has another hash than its own.
    package let isDoubtful: Bool
}

/// How two stores differ.
package enum StoreDiff {
    /// What a comparison came to.
    package struct Compared: Sendable, Hashable {
        package var records = 0
        /// Rows, of either store, that have another hash than their own.
        package var doubtful = 0
    }

    /// Lends every difference, kind by kind, in the order of keys.
    ///
    /// - Throws: ``StoreError/damaged(place:reason:)`` where a row can't be read: nothing is known of what follows.
    @discardableResult
    package static func run(
        _ old: Inspection, _ new: Inspection, kinds: [RecordKind] = RecordKind.allCases,
        progress: (Int) throws -> Void = { _ in }, _ body: (RecordDifference) throws -> Void
    ) throws -> Compared {
        var compared = Compared()
        for kind in kinds where kind != .cluster {
            var left = RowStream(old, kind)
            var right = RowStream(new, kind)
            var (one, other) = (try left.next(), try right.next())
            while one != nil || other != nil {
                compared.records += 1
                if compared.records.isMultiple(of: 10_000) { try progress(compared.records) }
                let order = one.map { one in other.map { one.compare($0) } ?? -1 } ?? 1
                let (before, after) = (order <= 0 ? one : nil, order >= 0 ? other : nil)
                compared.doubtful += [before, after].count { $0?.isProven == false }
                if let before, let after, before.key != after.key {
                    // An id that each store gave to something else.
                    for part in [difference(before, nil), difference(nil, after)] { try part.map(body) }
                } else if let difference = difference(before, after) {
                    try body(difference)
                }
                if order <= 0 { one = try left.next() }
                if order >= 0 { other = try right.next() }
            }
        }
        return compared
    }

    private static func difference(_ before: StoredRow?, _ after: StoredRow?) -> RecordDifference? {
        guard let key = (after ?? before)?.key else { return nil }
        let isDoubtful = before?.isProven == false || after?.isProven == false
        let what: RecordDifference.What = before == nil ? .created : after == nil ? .deleted : .changed
        if let before, let after, before.logged == after.logged { return nil }
        let fields = ChangedField.between(before, after)
        guard what != .changed || !fields.isEmpty else { return nil }
        return RecordDifference(key: key, what: what, fields: fields, isDoubtful: isDoubtful)
    }

    /// The rows of a kind, some at a time: two statements can't be stepped through in turn.
    private struct RowStream {
        let inspection: Inspection
        let kind: RecordKind
        private var rows: [StoredRow] = []
        private var position = 0
        private var isAtEnd = false
        private static let chunk = 1_000

        init(_ inspection: Inspection, _ kind: RecordKind) {
            self.inspection = inspection
            self.kind = kind
        }

        mutating func next() throws -> StoredRow? {
            if position == rows.count, !isAtEnd { try fetch() }
            guard position < rows.count else { return nil }
            defer { position += 1 }
            return rows[position]
        }

        private mutating func fetch() throws {
            let last = rows.last.map { row in row.table.key.map { row.image[$0] } }
            var found: [StoredRow] = []
            try inspection.store.forEachRow(of: kind, after: last) { read in
                switch read {
                case .row(let row):
                    // Going on after a row that isn't the greatest so far might never end.
                    if let before = found.last ?? rows.last, before.compare(row) >= 0 {
                        throw StoreError.damaged(
                            place: kind.name, reason: "its rows are out of order: \(row.key) comes after \(before.key)")
                    }
                    found.append(row)
                case .unreadable(let reason): throw StoreError.damaged(place: kind.name, reason: reason)
                }
                return found.count < Self.chunk
            }
            isAtEnd = found.count < Self.chunk
            (rows, position) = (found, 0)
        }
    }
}

extension StoredRow {
    /// All logged values but the revisions.
    fileprivate var logged: ArraySlice<Value> { image[2..<table.loggedCount] }

    /// By the primary key, as a database orders it.
    fileprivate func compare(_ other: StoredRow) -> Int {
        for index in table.key {
            switch (image[index], other.image[index]) {
            case (.integer(let left), .integer(let right)) where left != right: return left < right ? -1 : 1
            case (.text(let left), .text(let right)) where !left.utf8.elementsEqual(right.utf8):
                return left.utf8.lexicographicallyPrecedes(right.utf8) ? -1 : 1
            case (.bytes(let left), .bytes(let right)) where left != right:
                return left.lexicographicallyPrecedes(right) ? -1 : 1
            default: continue
            }
        }
        return 0
    }
}
