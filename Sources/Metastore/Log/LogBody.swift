internal import MetastoreEngine
internal import MetastoreModel

/// One row's way through one transaction: from the first image to the last, however often it was written in between.
struct PendingChange: Sendable {
    let table: Table
    let key: String
    var before: [Value]?
    var beforeHash: RowHash?
    var after: [Value]?
    var afterHash: RowHash?
    /// The canonical fields of `after`.
    var afterFields: [UInt8]

    var operation: ChangeOperation {
        if before == nil { return .created }
        return after == nil ? .deleted : .updated
    }
}

/// The changes of one closure: each key once, in the order in which they were first changed.
struct PendingChanges {
    private(set) var list: [PendingChange] = []
    /// By key, once there are so many that looking through them takes longer.
    private var places: [String: Int] = [:]
    private static let linearSearchLimit = 8

    mutating func removeAll() {
        list.removeAll(keepingCapacity: true)
        places.removeAll(keepingCapacity: true)
    }

    /// Where the key's change stands, if it has one.
    func place(of key: String) -> Int? {
        list.count <= Self.linearSearchLimit ? list.firstIndex { $0.key == key } : places[key]
    }

    subscript(place: Int) -> PendingChange {
        get { list[place] }
        _modify { yield &list[place] }
    }

    /// Adds the change of a key that has none.
    mutating func append(_ change: PendingChange) {
        if list.count == Self.linearSearchLimit {
            for (place, earlier) in list.enumerated() { places[earlier.key] = place }
        }
        if list.count >= Self.linearSearchLimit { places[change.key] = list.count }
        list.append(change)
    }
}

/// What a repeated operation is answered with.
package struct OperationRecord: Sendable, Hashable {
    /// SHA-256 of the request: 32 bytes.
    package let fingerprint: [UInt8]
    package let result: [UInt8]
}

/// The body of a log record, before encoding and after decoding.
struct LogBody: Sendable {
    static let formatVersion: UInt8 = 1

    /// The head's counters that moved, by number, with the value after.
    var counters: [(number: UInt8, next: Int64)] = []
    var operation: OperationRecord?

    /// The body's bytes.
    func encoded(_ changes: [PendingChange]) -> [UInt8] {
        var body = CanonicalWriter(
            capacity: 128 + changes.reduce(0) { $0 + $1.afterFields.count + $1.key.utf8.count + 8 })
        body.byte(Self.formatVersion)
        body.number(UInt64(counters.count))
        for counter in counters {
            body.byte(counter.number)
            body.signed(counter.next)
        }
        body.byte(operation == nil ? 0 : 1)
        if let operation {
            body.raw(operation.fingerprint)
            body.blob(operation.result)
        }
        body.number(UInt64(changes.count))
        var scratch = CanonicalWriter()
        for change in changes {
            body.byte(change.table.kind.rawValue)
            body.byte(change.operation.rawValue)
            body.text(change.key)
            body.blob(change.after == nil ? [] : change.afterFields)
            scratch.removeAll()
            scratch.before(change)
            body.blob(scratch.bytes)
        }
        return body.bytes
    }
}

extension CanonicalWriter {
    /// The old values: of every changed column of an update (nulls too), of every field of a deletion.
    fileprivate mutating func before(_ change: PendingChange) {
        guard let before = change.before else { return }
        guard let after = change.after else { return row(change.table, before) }
        for index in 0..<change.table.loggedCount where before[index] != after[index] {
            field(UInt8(index + 1), before[index])
        }
    }
}
