public import FoundationEssentials

/// One value of one column, the same on every engine.
///
/// An engine chooses its own representation (SQLite keeps a UUID as 16 bytes and a time as an integer; PostgreSQL has
/// `uuid` and `timestamptz`) and must give back what it was given.
///
/// Two values are equal when their bytes are: Swift's own equality of texts takes both spellings of "é" for one.
public enum Value: Sendable {
    case null
    case integer(Int64)
    /// Never −0.0 and never NaN or an infinity: the store takes care of that before a value gets here.
    case real(Double)
    /// UTF-8 without NUL.
    case text(String)
    case bytes([UInt8])
    case uuid(UUID)
    /// Microseconds since 1970-01-01T00:00:00Z.
    case timestamp(Int64)
}

extension Value: Hashable {
    /// Equal in kind and content: texts by their bytes, unlike `String`.
    public static func == (left: Value, right: Value) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.integer(let left), .integer(let right)): left == right
        case (.real(let left), .real(let right)): left == right
        case (.text(let left), .text(let right)):
            left.hasSameBytes(as: right)
        case (.bytes(let left), .bytes(let right)): left == right
        case (.uuid(let left), .uuid(let right)): left == right
        case (.timestamp(let left), .timestamp(let right)): left == right
        default: false
        }
    }

    /// Agrees with `==`.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .integer(let value): hasher.combine(value)
        case .real(let value): hasher.combine(value)
        case .text(let value): for byte in value.utf8 { hasher.combine(byte) }
        case .bytes(let value): hasher.combine(value)
        case .uuid(let value): hasher.combine(value)
        case .timestamp(let value): hasher.combine(value)
        }
    }
}

extension String {
    fileprivate func hasSameBytes(as other: String) -> Bool {
        guard utf8.count == other.utf8.count else { return false }
        let same = utf8.withContiguousStorageIfAvailable { left in
            other.utf8.withContiguousStorageIfAvailable { right in
                UnsafeRawBufferPointer(left).hasSameBytes(as: UnsafeRawBufferPointer(right))
            }
        }
        return (same ?? nil) ?? utf8.elementsEqual(other.utf8)
    }
}

extension UnsafeRawBufferPointer {
    /// Eight bytes at a time: long texts that didn't change are compared in every update. Both have the same count.
    fileprivate func hasSameBytes(as other: UnsafeRawBufferPointer) -> Bool {
        if baseAddress == other.baseAddress { return true }
        let whole = count & ~7
        for offset in stride(from: 0, to: whole, by: 8)
        where loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            != other.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
        {
            return false
        }
        for offset in whole..<count where self[offset] != other[offset] { return false }
        return true
    }
}

/// What a column holds; needed to read a column whose engine has fewer types than we have.
public enum ColumnType: Sendable, Hashable {
    case integer, real, text, bytes, uuid, timestamp
}

/// Something that may stand in an SQL interpolation: it is bound, never spliced.
public protocol SQLBindable {
    /// The value to bind.
    var sqlValue: Value { get }
}

extension Value: SQLBindable {
    /// The value itself.
    @inlinable public var sqlValue: Value { self }
}

extension Int64: SQLBindable {
    /// As an integer.
    @inlinable public var sqlValue: Value { .integer(self) }
}

extension Int: SQLBindable {
    /// As an integer.
    @inlinable public var sqlValue: Value { .integer(Int64(self)) }
}

extension Bool: SQLBindable {
    /// As 1 or 0.
    @inlinable public var sqlValue: Value { .integer(self ? 1 : 0) }
}

extension Double: SQLBindable {
    /// As a number.
    @inlinable public var sqlValue: Value { .real(self) }
}

extension String: SQLBindable {
    /// As text.
    @inlinable public var sqlValue: Value { .text(self) }
}

extension [UInt8]: SQLBindable {
    /// As bytes.
    @inlinable public var sqlValue: Value { .bytes(self) }
}

extension UUID: SQLBindable {
    /// As 16 bytes.
    @inlinable public var sqlValue: Value { .uuid(self) }
}

extension Optional: SQLBindable where Wrapped: SQLBindable {
    /// As what it holds, or null.
    @inlinable public var sqlValue: Value { self?.sqlValue ?? .null }
}
