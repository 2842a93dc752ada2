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
    init(image: [Value]) throws(StoreError) {
        var reader = RowReader(table: Self.table, image: image)
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

/// Takes a row image apart, value by value.
struct RowReader {
    private let table: Table
    private let image: [Value]
    private var next = 0

    init(table: Table, image: [Value]) {
        self.table = table
        self.image = image
    }

    private func mismatch(_ index: Int) -> StoreError {
        .damaged(place: "a row of \(table.name)", reason: "\(table.columns[index].name) is not of its type")
    }

    mutating func value() throws(StoreError) -> Value {
        defer { next += 1 }
        guard next < image.count else { return .null }
        return image[next]
    }

    mutating func int() throws(StoreError) -> Int64 {
        guard case .integer(let number) = try value() else { throw mismatch(next - 1) }
        return number
    }

    mutating func optionalInt() throws(StoreError) -> Int64? {
        switch try value() {
        case .integer(let number): return number
        case .null: return nil
        default: throw mismatch(next - 1)
        }
    }

    mutating func bool() throws(StoreError) -> Bool { try int() != 0 }
    mutating func id<R>() throws(StoreError) -> ID<R> { ID(rawValue: try int()) }
    mutating func optionalID<R>() throws(StoreError) -> ID<R>? { try optionalInt().map(ID.init(rawValue:)) }
    mutating func revision() throws(StoreError) -> Revision { Revision(rawValue: try int()) }

    mutating func optionalReal() throws(StoreError) -> Double? {
        switch try value() {
        case .real(let number): return number
        case .null: return nil
        default: throw mismatch(next - 1)
        }
    }

    mutating func text() throws(StoreError) -> String {
        guard case .text(let text) = try value() else { throw mismatch(next - 1) }
        return text
    }

    mutating func optionalText() throws(StoreError) -> String? {
        switch try value() {
        case .text(let text): return text
        case .null: return nil
        default: throw mismatch(next - 1)
        }
    }

    mutating func bytes() throws(StoreError) -> [UInt8] {
        guard case .bytes(let bytes) = try value() else { throw mismatch(next - 1) }
        return bytes
    }

    mutating func hash() throws(StoreError) -> DocumentHash {
        guard case .bytes(let bytes) = try value(), let hash = DocumentHash(bytes: bytes) else {
            throw mismatch(next - 1)
        }
        return hash
    }

    mutating func optionalHash() throws(StoreError) -> DocumentHash? {
        switch try value() {
        case .bytes(let bytes):
            guard let hash = DocumentHash(bytes: bytes) else { throw mismatch(next - 1) }
            return hash
        case .null: return nil
        default: throw mismatch(next - 1)
        }
    }

    mutating func uuid() throws(StoreError) -> UUID {
        guard case .uuid(let uuid) = try value() else { throw mismatch(next - 1) }
        return uuid
    }

    mutating func optionalUUID() throws(StoreError) -> UUID? {
        switch try value() {
        case .uuid(let uuid): return uuid
        case .null: return nil
        default: throw mismatch(next - 1)
        }
    }

    mutating func time() throws(StoreError) -> Timestamp {
        guard case .timestamp(let time) = try value() else { throw mismatch(next - 1) }
        return Timestamp(microseconds: time)
    }

    mutating func optionalTime() throws(StoreError) -> Timestamp? {
        switch try value() {
        case .timestamp(let time): return Timestamp(microseconds: time)
        case .null: return nil
        default: throw mismatch(next - 1)
        }
    }

    /// An enumeration stored by its code.
    mutating func code<Code: RawRepresentable>() throws(StoreError) -> Code where Code.RawValue == Int16 {
        guard case .integer(let number) = try value(), let raw = Int16(exactly: number), let code = Code(rawValue: raw)
        else { throw mismatch(next - 1) }
        return code
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
