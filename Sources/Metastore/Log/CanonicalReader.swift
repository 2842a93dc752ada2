// Invariants
// 1. Nothing outside the given bytes is read; every length is checked before it is believed.
// 2. Bytes that the writer would not have written are damage, not a value.

internal import FoundationEssentials
internal import MetastoreEngine

/// Takes canonical bytes apart. Valid only while the bytes it was given are.
struct CanonicalReader {
    private let bytes: UnsafeRawBufferPointer
    private var position = 0

    init(_ bytes: UnsafeRawBufferPointer) {
        self.bytes = bytes
    }

    var isAtEnd: Bool { position == bytes.count }

    private func damage(_ reason: String) -> StoreError {
        .damaged(place: "a log record", reason: "\(reason) at byte \(position)")
    }

    mutating func byte() throws(StoreError) -> UInt8 {
        guard position < bytes.count else { throw damage("it ends early") }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func number() throws(StoreError) -> UInt64 {
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

    mutating func signed() throws(StoreError) -> Int64 {
        let zigzag = try number()
        return Int64(bitPattern: (zigzag >> 1) ^ (0 &- (zigzag & 1)))
    }

    mutating func fixed() throws(StoreError) -> UInt64 {
        UInt64(bigEndian: try slice(8).loadUnaligned(as: UInt64.self))
    }

    /// The next `count` bytes, in place.
    mutating func slice(_ count: Int) throws(StoreError) -> UnsafeRawBufferPointer {
        guard count >= 0, count <= bytes.count - position else { throw damage("it ends early") }
        defer { position += count }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<(position + count)])
    }

    /// A length and as many bytes, in place.
    mutating func sized() throws(StoreError) -> UnsafeRawBufferPointer {
        guard let count = Int(exactly: try number()) else { throw damage("a length is too large") }
        return try slice(count)
    }

    mutating func text() throws(StoreError) -> String {
        guard let text = String(validating: try sized(), as: UTF8.self) else { throw damage("a text is not UTF-8") }
        return text
    }

    mutating func uuid() throws(StoreError) -> UUID {
        UUID(uuid: try slice(16).loadUnaligned(as: uuid_t.self))
    }

    mutating func value() throws(StoreError) -> Value {
        switch try byte() {
        case FieldTag.null: return .null
        case FieldTag.integer: return .integer(try signed())
        case FieldTag.real: return .real(Double(bitPattern: try fixed()))
        case FieldTag.text: return .text(try text())
        case FieldTag.bytes: return .bytes(Array(try sized()))
        case FieldTag.uuid: return .uuid(try uuid())
        case FieldTag.timestamp: return .timestamp(Int64(bitPattern: try fixed()))
        default: throw damage("a field has no known type")
        }
    }

    /// Fields until the end, laid over `image`. Fields of a newer schema are skipped.
    mutating func fields(over image: inout [Value]) throws(StoreError) {
        var last: UInt8 = 0
        while !isAtEnd {
            let number = try byte()
            guard number > last else { throw damage("fields don't ascend") }
            last = number
            let value = try value()
            if Int(number) <= image.count { image[Int(number) - 1] = value }
        }
    }
}
