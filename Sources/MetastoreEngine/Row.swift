public import FoundationEssentials

/// What an engine's cursor can be asked about the row it stands on. Columns count from 0.
///
/// A column of another type than asked for means that the file is damaged or was changed behind our back:
/// ``EngineError/Code/damaged``.
public protocol RowSource: AnyObject {
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

/// A row, lent for one call of the closure that reads it.
public struct Row: ~Copyable {
    private let source: any RowSource

    /// Made by an engine for the row its cursor stands on.
    public init(_ source: any RowSource) {
        self.source = source
    }

    /// What answers for it; valid for as long as the row is lent.
    package var lent: any RowSource { source }

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
