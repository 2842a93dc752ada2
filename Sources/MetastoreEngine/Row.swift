public import FoundationEssentials

/// What an engine's cursor can be asked about the row it stands on. Columns count from 0.
///
/// A column of another type than asked for means that the file is damaged or was changed behind our back:
/// ``EngineError/Code/damaged``.
public protocol RowSource: AnyObject {
    /// Every column of the row, fetched at once; valid for as long as the row is lent.
    ///
    /// A time is an integer of microseconds here, a UUID 16 bytes. What is not as its column should be is for the
    /// calls below, which know how to tell of it.
    func columns() -> UnsafeBufferPointer<RawColumn>
    /// What the statement calls a column.
    func name(_ column: Int) -> String
    func isNull(_ column: Int) -> Bool
    func integer(_ column: Int) throws(EngineError) -> Int64
    func real(_ column: Int) throws(EngineError) -> Double
    func text(_ column: Int) throws(EngineError) -> String
    func bytes(_ column: Int) throws(EngineError) -> [UInt8]
    func uuid(_ column: Int) throws(EngineError) -> UUID
    /// Microseconds since 1970-01-01T00:00:00Z.
    func timestamp(_ column: Int) throws(EngineError) -> Int64
    /// The bytes of a `bytes` or `text` column, lent for one call; empty when the column is null.
    func withBytes<Result>(
        _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result
}

/// One column of a lent row, where the engine keeps it: the way to read a whole row without a call for each value.
@frozen public struct RawColumn {
    /// What ``word`` and ``count`` stand for.
    @frozen public enum Kind: UInt8 {
        case null
        /// ``word`` is the number's bits.
        case integer, real
        /// ``word`` is the address of ``count`` bytes; text isn't checked to be UTF-8.
        case text, bytes
    }

    /// What the column holds.
    public let kind: Kind
    /// How many bytes a text or bytes have.
    public let count: Int
    @usableFromInline let word: UInt64

    /// A column that is null.
    @inlinable public static var null: RawColumn { RawColumn(kind: .null, count: 0, word: 0) }
    /// A column of an integer, or of a time in microseconds.
    @inlinable public static func integer(_ number: Int64) -> RawColumn {
        RawColumn(kind: .integer, count: 0, word: UInt64(bitPattern: number))
    }
    /// A column of a number.
    @inlinable public static func real(_ number: Double) -> RawColumn {
        RawColumn(kind: .real, count: 0, word: number.bitPattern)
    }
    /// A column of a text.
    @inlinable public static func text(_ content: UnsafeRawBufferPointer) -> RawColumn { RawColumn(.text, content) }
    /// A column of bytes.
    @inlinable public static func bytes(_ content: UnsafeRawBufferPointer) -> RawColumn { RawColumn(.bytes, content) }

    @inlinable init(kind: Kind, count: Int, word: UInt64) {
        self.kind = kind
        self.count = count
        self.word = word
    }

    @inlinable init(_ kind: Kind, _ content: UnsafeRawBufferPointer) {
        self.init(kind: kind, count: content.count, word: UInt64(UInt(bitPattern: content.baseAddress)))
    }

    /// The number of a column of kind `integer`.
    @inlinable public var integer: Int64 { Int64(bitPattern: word) }
    /// The number of a column of kind `real`.
    @inlinable public var real: Double { Double(bitPattern: word) }
    /// The text of a column of kind `text`; nil when it isn't UTF-8.
    public var string: String? {
        // Most names: as short as this they take no memory, and of ASCII there is nothing to check.
        if count <= 15, content.allSatisfy({ $0 < 0x80 }) {
            return String(unsafeUninitializedCapacity: count) { place in
                UnsafeMutableRawBufferPointer(place).copyMemory(from: content)
                return count
            }
        }
        // Not String(validating:): that is generic code of the library, and costs more than the check.
        let bytes = content.bindMemory(to: UInt8.self).span
        guard let valid = try? UTF8Span(validating: bytes) else { return nil }
        return String(copying: valid)
    }
    /// Lends the text of a column of kind `text` where it lies; nil when it isn't UTF-8.
    @inlinable public func withText<Result>(_ body: (UTF8Span) -> Result) -> Result? {
        let bytes = content.bindMemory(to: UInt8.self).span
        guard let valid = try? UTF8Span(validating: bytes) else { return nil }
        return body(valid)
    }
    /// The bytes of a column of kind `text` or `bytes`.
    @inlinable public var content: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: UnsafeRawPointer(bitPattern: UInt(word)), count: count)
    }
}

/// A row, lent for one call of the closure that reads it.
public struct Row: ~Copyable {
    @usableFromInline let source: any RowSource

    /// Made by an engine for the row its cursor stands on.
    public init(_ source: any RowSource) {
        self.source = source
    }

    /// What answers for it; valid for as long as the row is lent.
    @inlinable package var lent: any RowSource { source }

    /// True when the column is null.
    public func isNull(_ column: Int) -> Bool { source.isNull(column) }
    /// An integer column.
    public func integer(_ column: Int) throws(EngineError) -> Int64 { try source.integer(column) }
    /// A number column; an integer is a number too.
    public func real(_ column: Int) throws(EngineError) -> Double { try source.real(column) }
    /// A text column, checked to be UTF-8.
    public func text(_ column: Int) throws(EngineError) -> String { try source.text(column) }
    /// A column of bytes, copied.
    public func bytes(_ column: Int) throws(EngineError) -> [UInt8] { try source.bytes(column) }
    /// A column of 16 bytes.
    public func uuid(_ column: Int) throws(EngineError) -> UUID { try source.uuid(column) }
    /// Microseconds since 1970-01-01T00:00:00Z.
    public func timestamp(_ column: Int) throws(EngineError) -> Int64 { try source.timestamp(column) }

    /// The bytes of a `bytes` or `text` column, lent for one call; empty when the column is null.
    public func withBytes<Result>(
        _ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result
    ) throws -> Result {
        try source.withBytes(column, body)
    }

    /// The column as a value of the given type, or `.null`.
    public func value(_ column: Int, as type: ColumnType) throws(EngineError) -> Value {
        if source.isNull(column) { return .null }
        return switch type {
        case .integer: .integer(try source.integer(column))
        case .real: .real(try source.real(column))
        case .text: .text(try source.text(column))
        case .bytes: .bytes(try source.bytes(column))
        case .uuid: .uuid(try source.uuid(column))
        case .timestamp: .timestamp(try source.timestamp(column))
        }
    }
}
