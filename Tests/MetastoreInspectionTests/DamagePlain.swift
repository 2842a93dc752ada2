internal import CSQLite
internal import MetastoreModel
internal import Metastore

/// What SQLite itself reads of a database, with nothing but statements: what `.dump` and every ordinary tool show.
struct PlainRows: Equatable {
    private(set) var rows: [String: [[UInt8]]] = [:]
    /// SQLite said that something is wrong.
    private(set) var hasFailed = false

    /// - Parameter hasLog: open it with its log, as such tools do; else as files that can't change.
    init(_ path: String, hasLog: Bool) {
        var handle: OpaquePointer?
        let name = hasLog ? "file:\(path)" : "file:\(path)?immutable=1"
        let flags = SQLITE_OPEN_URI | (hasLog ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY)
        hasFailed = sqlite3_open_v2(name, &handle, flags, nil) != SQLITE_OK
        defer { sqlite3_close(handle) }
        for kind in RecordKind.allCases where kind != .cluster && !hasFailed { read(kind.table.name, handle) }
    }

    private mutating func read(_ table: String, _ handle: OpaquePointer?) {
        var statement: OpaquePointer?
        guard sqlite3_prepare_v2(handle, "SELECT * FROM \(table)", -1, &statement, nil) == SQLITE_OK else {
            hasFailed = true
            return
        }
        defer { sqlite3_finalize(statement) }
        var found: [[UInt8]] = []
        var result = sqlite3_step(statement)
        while result == SQLITE_ROW {
            found.append(Self.row(statement))
            result = sqlite3_step(statement)
        }
        rows[table] = found
        if result != SQLITE_DONE { hasFailed = true }
    }

    private static func row(_ statement: OpaquePointer?) -> [UInt8] {
        var row: [UInt8] = []
        for column in 0..<sqlite3_column_count(statement) {
            row.append(UInt8(truncatingIfNeeded: sqlite3_column_type(statement, column)))
            let count = Int(sqlite3_column_bytes(statement, column))
            if let bytes = sqlite3_column_blob(statement, column) {
                row += UnsafeRawBufferPointer(start: bytes, count: count)
            }
            row.append(0xFF)
        }
        return row
    }
}
