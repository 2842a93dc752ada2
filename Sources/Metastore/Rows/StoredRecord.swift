internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// A record as the store keeps it: the same fields, in the same order, in its table's columns.
///
/// The three listings of a record (columns, reading, writing) stand together in one file; a test round-trips each.
protocol StoredRecord: Record {
    static var table: Table { get }
    /// Reads the fields in the order of the table's columns, `created_revision` and `revision` first.
    init(reading row: inout RowReader) throws(StoreError)
    /// Writes them in the same order.
    func write(to row: inout RowWriter)
    var createdRevision: Revision { get set }
    var revision: Revision { get set }
}

extension StoredRecord {
    /// From the row a cursor stands on, whose columns are the table's.
    @inline(__always)
    init(row: borrowing Row) throws(StoreError) {
        var reader = RowReader(Self.self, row: row)
        try self.init(reading: &reader)
    }

    init(image: [Value]) throws(StoreError) {
        var reader = RowReader(Self.self, image: image)
        try self.init(reading: &reader)
    }

    var image: [Value] {
        var writer = RowWriter(capacity: Self.table.columns.count)
        writer.add(createdRevision)
        writer.add(revision)
        write(to: &writer)
        return writer.image
    }
}

/// Puts a row image together, value by value.
struct RowWriter {
    private(set) var image: [Value] = []

    init(capacity: Int) {
        image.reserveCapacity(capacity)
    }

    mutating func add(_ value: some SQLBindable) { image.append(value.sqlValue) }
    mutating func add(_ code: some RawRepresentable<Int16>) { image.append(.integer(Int64(code.rawValue))) }
    mutating func add<R>(_ id: ID<R>) { image.append(.integer(id.rawValue)) }
    mutating func add<R>(_ id: ID<R>?) { image.append(id.map { .integer($0.rawValue) } ?? .null) }
    mutating func add(_ revision: Revision) { image.append(.integer(revision.rawValue)) }
    mutating func add(_ time: Timestamp) { image.append(.timestamp(time.microseconds)) }
    mutating func add(_ time: Timestamp?) { image.append(time.map { .timestamp($0.microseconds) } ?? .null) }
    mutating func add(_ hash: DocumentHash) { image.append(.bytes(hash.bytes)) }
    mutating func add(_ hash: DocumentHash?) { image.append(hash.map { .bytes($0.bytes) } ?? .null) }
    /// A number column: a NaN or an infinity is kept as null, and −0.0 as 0.0 (DESIGN D4).
    mutating func addReal(_ number: Double?) {
        guard let number, number.isFinite else { return image.append(.null) }
        image.append(.real(number == 0 ? 0 : number))
    }
}
