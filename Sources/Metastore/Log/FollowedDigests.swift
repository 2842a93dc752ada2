// Invariants
// 1. After a record they are what the head row of the store said after it: rows aren't needed, the log tells both
//    images of every change.
// 2. A counter that isn't known yet is told by none: the log says what a counter is after a change, not before.

internal import MetastoreEngine
package import MetastoreModel

/// A store's digests, followed through its log.
package struct FollowedDigests: Sendable {
    package private(set) var digests: StateDigests
    /// By code, from 1: the next id; nil where it isn't known.
    private var counters: [Int64?]

    /// Those of a store without a revision.
    package init() {
        digests = StateDigests()
        counters = Array(repeating: 1, count: Counter.allCases.count)
        digests[.cluster] = counters.compactMap(\.self).hash.sum
    }

    /// Those of a store at its head.
    package init(at head: LogHead) {
        digests = head.digests
        counters = head.counters
    }

    /// What records change, whatever was before them.
    package static var changes: FollowedDigests {
        var changes = FollowedDigests()
        changes.digests = StateDigests()
        changes.counters = Array(repeating: nil, count: Counter.allCases.count)
        return changes
    }

    /// Those before these changes, which led to a head. Counters are unknown.
    package func before(_ head: LogHead) -> FollowedDigests {
        var before = Self.changes
        for kind in RecordKind.allCases { before.digests[kind] = head.digests[kind] &- digests[kind] }
        return before
    }

    /// The records up to a head were followed: its counters are these.
    package mutating func settle(at head: LogHead) {
        counters = head.counters
        digests[.cluster] = head.counters.hash.sum
    }

    /// The digest of the `cluster` kind is that of the counters, and is known.
    package var knowsCounters: Bool { counters.allSatisfy { $0 != nil } }

    /// Takes in the next record.
    ///
    /// - Returns: the kinds whose digests it changed.
    /// - Throws: ``StoreError/damaged(place:reason:)``.
    @discardableResult
    package mutating func follow(_ record: LogRecord) throws(StoreError) -> Set<RecordKind> {
        var (digests, counters) = (digests, counters)
        var changed: Set<RecordKind> = []
        try record.decodeBody { (code, next) throws(StoreError) in
            guard counters.indices.contains(Int(code) - 1) else {
                throw .damaged(place: "log record \(record.revision.rawValue)", reason: "a counter is unknown")
            }
            counters[Int(code) - 1] = next
            changed.insert(.cluster)
        } change: { (raw) throws(StoreError) in
            guard raw.kind != .cluster else { return }
            digests.replace(try raw.beforeHash, by: raw.afterHash, of: raw.kind)
            changed.insert(raw.kind)
        }
        let known = counters.compactMap(\.self)
        if changed.contains(.cluster), known.count == counters.count { digests[.cluster] = known.hash.sum }
        (self.digests, self.counters) = (digests, counters)
        return changed
    }
}

extension [Int64] {
    /// Of the counters of a head row, in the order of their codes: what stands for the `cluster` kind.
    var hash: RowHash {
        var fields = CanonicalWriter()
        for (index, next) in enumerated() { fields.field(UInt8(index + 1), .integer(next)) }
        return RowHash(kind: .cluster, key: "cluster", fields: fields.bytes)
    }
}

extension RawChange {
    private var name: String { String(decoding: key, as: UTF8.self) }

    /// Of the row as it is afterwards.
    var afterHash: RowHash? {
        operation == .deleted ? nil : RowHash(kind: kind, key: name, fields: Array(after))
    }

    /// Of the row that the change was made to.
    var beforeHash: RowHash? {
        get throws(StoreError) {
            switch operation {
            case .created: return nil
            case .deleted: return RowHash(kind: kind, key: name, fields: Array(before))
            case .updated:
                guard let image = try images(kind.table).before else { return nil }
                var fields = CanonicalWriter()
                fields.row(kind.table, image)
                return RowHash(kind: kind, key: name, fields: fields.bytes)
            }
        }
    }
}
