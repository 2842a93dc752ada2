// Invariants
// 1. The fields fill the record exactly; one that doesn't is none.
// 2. A field becomes a value only of the type its column has: nothing is converted but an integer where a number is
//    wanted, which SQLite stores so.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine

/// A row's record, taken apart (SQLite's file format, section 2.1).
struct RecordFields {
    private enum Field {
        case null
        case integer(Int64)
        case real(Double)
        case text(Range<Int>)
        case bytes(Range<Int>)
    }

    private let bytes: [UInt8]
    private var fields: [Field] = []

    /// More columns than any table has.
    private static let most = 64

    var count: Int { fields.count }

    /// Nil for what is no record.
    init?(_ bytes: [UInt8]) {
        self.bytes = bytes
        var place = 0
        guard let header = BTreePage.varint(bytes, &place, bytes.count), header <= UInt64(bytes.count) else {
            return nil
        }
        var body = Int(header)
        while place < Int(header) {
            guard fields.count < Self.most, let type = BTreePage.varint(bytes, &place, Int(header)),
                let field = field(type, &body)
            else { return nil }
            fields.append(field)
        }
        guard place == Int(header), body == bytes.count else { return nil }
    }

    /// How many fields a header tells of; nil for what is no header.
    static func countFields(_ header: ArraySlice<UInt8>) -> Int? {
        var count = 0
        var isInside = false
        for byte in header.dropFirst() {
            isInside = byte & 0x80 != 0
            if !isInside { count += 1 }
        }
        return isInside ? nil : count
    }

    private func field(_ type: UInt64, _ place: inout Int) -> Field? {
        func integer(_ count: Int) -> Int64? {
            guard place + count <= bytes.count else { return nil }
            var number: Int64 = bytes[place] & 0x80 == 0 ? 0 : -1
            for byte in bytes[place..<place + count] { number = number << 8 | Int64(byte) }
            place += count
            return number
        }
        switch type {
        case 0: return .null
        case 1...4: return integer(Int(type)).map { .integer($0) }
        case 5: return integer(6).map { .integer($0) }
        case 6: return integer(8).map { .integer($0) }
        case 7: return integer(8).map { .real(Double(bitPattern: UInt64(bitPattern: $0))) }
        case 8, 9: return .integer(Int64(type) - 8)
        case 10, 11: return nil
        default:
            guard type < UInt64(2 * BTreePage.mostBytes) else { return nil }
            let count = Int(type - 12) / 2
            guard place + count <= bytes.count else { return nil }
            let range = place..<place + count
            place += count
            return type.isMultiple(of: 2) ? .bytes(range) : .text(range)
        }
    }

    /// The row of a table; nil when it can't be one of that table.
    ///
    /// - Parameter number: the row's number in the tree.
    func values(_ table: SalvagedTable, number: Int64?) -> [Value]? {
        guard count == table.columns.count, (number == nil) == table.isKeyed else { return nil }
        var values: [Value] = []
        values.reserveCapacity(count)
        for (index, column) in table.columns.enumerated() {
            if index == table.number {
                guard case .null = fields[index], let number else { return nil }
                values.append(.integer(number))
                continue
            }
            guard let value = value(index, column) else { return nil }
            values.append(value)
        }
        return values
    }

    private func value(_ index: Int, _ column: SalvagedTable.Column) -> Value? {
        switch (fields[index], column.type) {
        case (.null, _): return column.isNullable ? .null : nil
        case (.integer(let number), .integer): return .integer(number)
        case (.integer(let number), .timestamp): return .timestamp(number)
        case (.integer(let number), .real): return .real(Double(number))
        case (.real(let number), .real): return number.isFinite ? .real(number) : nil
        case (.text(let range), .text): return String(validating: bytes[range], as: UTF8.self).map { .text($0) }
        case (.bytes(let range), .bytes): return .bytes(Array(bytes[range]))
        case (.bytes(let range), .uuid):
            guard range.count == 16 else { return nil }
            return bytes[range].withUnsafeBytes { .uuid(UUID(uuid: $0.loadUnaligned(as: uuid_t.self))) }
        default: return nil
        }
    }

    /// A text or integer field, for the schema's own rows.
    func text(_ index: Int) -> String? {
        guard index < fields.count, case .text(let range) = fields[index] else { return nil }
        return String(validating: bytes[range], as: UTF8.self)
    }

    func integer(_ index: Int) -> Int64? {
        guard index < fields.count, case .integer(let number) = fields[index] else { return nil }
        return number
    }

    func isNull(_ index: Int) -> Bool {
        guard index < fields.count, case .null = fields[index] else { return false }
        return true
    }
}
