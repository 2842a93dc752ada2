// Invariants
// 1. Nothing outside the given bytes is read; every length is checked before it is believed.
// 2. Bytes that the writer would not have written are damage, not a value.

package import FoundationEssentials
package import MetastoreEngine

/// Takes canonical bytes apart. Valid only while the bytes it was given are.
package struct CanonicalReader {
    private let bytes: UnsafeRawBufferPointer
    /// How many bytes were taken.
    package private(set) var position = 0

    private static let negativeZero: UInt64 = 1 << 63

    package init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    package var isAtEnd: Bool { position == bytes.count }

    func damage(_ reason: String) -> StoreError {
        .damaged(place: "a log record", reason: "\(reason) at byte \(position)")
    }

    package mutating func byte() throws(StoreError) -> UInt8 {
        guard position < bytes.count else { throw damage("it ends early") }
        defer { position += 1 }
        return bytes[position]
    }

    /// 0 or 1.
    package mutating func flag() throws(StoreError) -> Bool {
        let flag = try byte()
        guard flag <= 1 else { throw damage("a flag is neither 0 nor 1") }
        return flag == 1
    }

    package mutating func number() throws(StoreError) -> UInt64 {
        if position < bytes.count, bytes[position] < 0x80 { return UInt64(try byte()) }
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let next = try byte()
            guard shift < 63 || next <= 1 else { throw damage("a number is too large") }
            result |= UInt64(next & 0x7F) << shift
            if next & 0x80 == 0 {
                guard next != 0 || shift == 0 else { throw damage("a number is not minimal") }
                return result
            }
            shift += 7
        }
    }

    package mutating func signed() throws(StoreError) -> Int64 {
        let zigzag = try number()
        return Int64(bitPattern: (zigzag >> 1) ^ (0 &- (zigzag & 1)))
    }

    package mutating func fixed() throws(StoreError) -> UInt64 {
        UInt64(bigEndian: try slice(8).loadUnaligned(as: UInt64.self))
    }

    /// The next `count` bytes, in place.
    package mutating func slice(_ count: Int) throws(StoreError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - position else { throw damage("it ends early") }
        defer { position += count }
        return UnsafeRawBufferPointer(start: bytes.baseAddress.map { $0 + position }, count: count)
    }

    /// A length and as many bytes, in place.
    package mutating func sized() throws(StoreError) -> UnsafeRawBufferPointer {
        guard let count = Int(exactly: try number()) else { throw damage("a length is too large") }
        return try slice(count)
    }

    package mutating func text() throws(StoreError) -> String {
        guard let text = RawColumn.text(try sized()).string else { throw damage("a text is not UTF-8") }
        return text
    }

    private mutating func real() throws(StoreError) -> Double {
        let bits = try fixed()
        guard bits != Self.negativeZero else { throw damage("a zero has a sign") }
        return Double(bitPattern: bits)
    }

    package mutating func uuid() throws(StoreError) -> UUID {
        UUID(uuid: try slice(16).loadUnaligned(as: uuid_t.self))
    }

    package mutating func value() throws(StoreError) -> Value {
        switch try byte() {
        case FieldTag.null: return .null
        case FieldTag.integer: return .integer(try signed())
        case FieldTag.real: return .real(try real())
        case FieldTag.text: return .text(try text())
        case FieldTag.bytes: return .bytes(Array(try sized()))
        case FieldTag.uuid: return .uuid(try uuid())
        case FieldTag.timestamp: return .timestamp(Int64(bitPattern: try fixed()))
        default: throw damage("a field has no known type")
        }
    }

    /// A value where it lies: nothing is copied, and a text isn't checked to be UTF-8.
    private mutating func column(of type: ColumnType) throws(StoreError) -> RawColumn {
        switch (try byte(), type) {
        case (FieldTag.null, _): return .null
        case (FieldTag.integer, .integer): return .integer(try signed())
        case (FieldTag.real, .real): return .real(try real())
        case (FieldTag.text, .text): return .text(try sized())
        case (FieldTag.bytes, .bytes): return .bytes(try sized())
        case (FieldTag.uuid, .uuid): return .bytes(try slice(16))
        case (FieldTag.timestamp, .timestamp): return .integer(Int64(bitPattern: try fixed()))
        default: throw damage("a field is not of its column's type")
        }
    }

    /// Fields until the end, laid over a whole row of the table. Fields of a newer schema are skipped.
    mutating func fields(over row: UnsafeMutableBufferPointer<RawColumn>, of table: Table) throws(StoreError) {
        try forEachField { (reader, index) throws(StoreError) in
            if index < table.loggedCount {
                row[index] = try reader.column(of: table.columns[index].type)
            } else {
                _ = try reader.value()
            }
        }
    }

    /// Fields until the end, laid over `image`. Fields of a newer schema are skipped.
    package mutating func fields(over image: inout [Value]) throws(StoreError) {
        try forEachField { (reader, index) throws(StoreError) in
            let value = try reader.value()
            if index < image.count { image[index] = value }
        }
    }

    /// Lends the reader before each value, with the place of its field in a row.
    @inline(__always)
    private mutating func forEachField(
        _ read: (inout CanonicalReader, Int) throws(StoreError) -> Void
    ) throws(StoreError) {
        var last: UInt8 = 0
        while !isAtEnd {
            let number = try byte()
            guard number > last else { throw damage("fields don't ascend") }
            last = number
            try read(&self, Int(number) - 1)
        }
    }
}
