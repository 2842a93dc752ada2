internal import CSQLite
internal import FoundationEssentials
internal import MetastoreEngine

/// A prepared statement of one connection, and the row it stands on. Kept in the connection's cache and reused: reading
/// a row allocates nothing but the values asked for.
final class Cursor: RowSource {
    let statement: PreparedStatement
    /// The abstract text it was made from; empty for one that stands in no cache.
    let text: String
    /// True from binding to resetting: nobody else may use it meanwhile.
    var isRunning = false
    /// When it was last asked for, counted in statements; the lowest leaves a full cache first.
    var lastUse: UInt64 = 0
    private let pointer: OpaquePointer
    /// Where ``columns()`` puts a row; made when it is first asked for.
    private var raw = UnsafeMutableBufferPointer<RawColumn>(start: nil, count: 0)

    init(_ statement: PreparedStatement, text: String = "") {
        self.text = text
        pointer = statement.pointer
        self.statement = statement
    }

    deinit { raw.deallocate() }

    func columns() -> UnsafeBufferPointer<RawColumn> {
        let count = Int(sqlite3_column_count(pointer))
        if raw.count != count {
            raw.deallocate()
            raw = .allocate(capacity: count)
        }
        var next = raw.baseAddress
        for index in 0..<Int32(count) {
            // One look at the value, then its parts: the calls by column look for it and lock each time. A value on
            // its own is "unprotected" to SQLite, which is right for a connection that one thread uses at a time.
            let value = sqlite3_column_value(pointer, index)
            let column: RawColumn =
                switch sqlite3_value_type(value) {
                case SQLITE_INTEGER: .integer(sqlite3_value_int64(value))
                case SQLITE_FLOAT: .real(sqlite3_value_double(value))
                case SQLITE_TEXT: .text(Self.content(value))
                case SQLITE_BLOB: .bytes(Self.content(value))
                default: .null
                }
            next?.initialize(to: column)
            next = next?.successor()
        }
        return UnsafeBufferPointer(raw)
    }

    private static func content(_ value: OpaquePointer?) -> UnsafeRawBufferPointer {
        let start = sqlite3_value_blob(value)
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_value_bytes(value)))
    }

    func name(_ column: Int) -> String {
        sqlite3_column_name(pointer, Int32(column)).map { String(cString: $0) } ?? ""
    }

    func isNull(_ column: Int) -> Bool {
        sqlite3_column_type(pointer, Int32(column)) == SQLITE_NULL
    }

    func integer(_ column: Int) throws(EngineError) -> Int64 {
        guard sqlite3_column_type(pointer, Int32(column)) == SQLITE_INTEGER else {
            throw mismatch(column, "an integer")
        }
        return sqlite3_column_int64(pointer, Int32(column))
    }

    func timestamp(_ column: Int) throws(EngineError) -> Int64 { try integer(column) }

    func real(_ column: Int) throws(EngineError) -> Double {
        // A sum over no rows, or an expression of integers, has no REAL affinity: an integer is a number too.
        switch sqlite3_column_type(pointer, Int32(column)) {
        case SQLITE_FLOAT, SQLITE_INTEGER: return sqlite3_column_double(pointer, Int32(column))
        default: throw mismatch(column, "a number")
        }
    }

    func text(_ column: Int) throws(EngineError) -> String {
        guard sqlite3_column_type(pointer, Int32(column)) == SQLITE_TEXT else { throw mismatch(column, "text") }
        guard let text = RawColumn.text(content(column)).string else { throw mismatch(column, "UTF-8 text") }
        return text
    }

    func bytes(_ column: Int) throws(EngineError) -> [UInt8] {
        guard sqlite3_column_type(pointer, Int32(column)) == SQLITE_BLOB else { throw mismatch(column, "bytes") }
        return [UInt8](content(column))
    }

    func uuid(_ column: Int) throws(EngineError) -> UUID {
        guard sqlite3_column_type(pointer, Int32(column)) == SQLITE_BLOB else { throw mismatch(column, "a UUID") }
        let content = content(column)
        guard content.count == 16 else { throw mismatch(column, "a UUID of 16 bytes") }
        return UUID(uuid: content.loadUnaligned(as: uuid_t.self))
    }

    func withBytes<Result>(_ column: Int, _ body: (UnsafeRawBufferPointer) throws -> Result) throws -> Result {
        switch sqlite3_column_type(pointer, Int32(column)) {
        case SQLITE_BLOB, SQLITE_TEXT: return try body(content(column))
        case SQLITE_NULL: return try body(UnsafeRawBufferPointer(start: nil, count: 0))
        default: throw mismatch(column, "bytes or text")
        }
    }

    /// The bytes of a column where they lie. Text too is read through the blob call: the text call first copies the
    /// column to append a NUL that nobody here wants.
    private func content(_ column: Int) -> UnsafeRawBufferPointer {
        let start = sqlite3_column_blob(pointer, Int32(column))
        return UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(pointer, Int32(column))))
    }

    private func mismatch(_ column: Int, _ expected: String) -> EngineError {
        let name = sqlite3_column_name(pointer, Int32(column)).map { String(cString: $0) } ?? "\(column)"
        let found =
            switch sqlite3_column_type(pointer, Int32(column)) {
            case SQLITE_INTEGER: "an integer"
            case SQLITE_FLOAT: "a real number"
            case SQLITE_TEXT: "text"
            case SQLITE_BLOB: "bytes"
            default: "NULL"
            }
        return EngineError(
            .damaged, operation: "read",
            message: "column \(name) holds \(found) where \(expected) is expected. The file is damaged or was changed "
                + "by another program. Verify it, or restore a backup; don't edit the file by hand")
    }
}
