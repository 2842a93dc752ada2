// Invariants (docs/FORMAT.md says the same, byte by byte)
// 1. A part holds whole rows, in the order of the tables and, in each, of the key. Where it ends follows from the rows
//    alone.

internal import Metastore
package import MetastoreEngine
internal import MetastoreModel

/// Puts the rows of a portable snapshot into parts.
struct SnapshotRowWriter {
    private var content = CanonicalWriter(capacity: Limits.snapshotPartBytes + (1 << 20))
    private var table: Int?

    /// Adds a row.
    ///
    /// - Returns: a part's content, if the row fills it.
    mutating func add(_ row: [Value], of table: Int) -> [UInt8]? {
        // Of another table than the row before, or the first of its part.
        if self.table == table {
            content.byte(0)
        } else {
            content.byte(1)
            content.number(UInt64(table))
            self.table = table
        }
        for value in row { content.value(value) }
        return content.bytes.count >= Limits.snapshotPartBytes ? end() : nil
    }

    /// What is left; nil when nothing is.
    mutating func end() -> [UInt8]? {
        guard !content.bytes.isEmpty else { return nil }
        defer {
            content = CanonicalWriter(capacity: Limits.snapshotPartBytes + (1 << 20))
            table = nil
        }
        return content.bytes
    }
}

extension SnapshotPart {
    /// Lends its rows, those of one table at a time.
    ///
    /// - Parameter name: of the object, for errors; bytes are counted in its content.
    package func forEachTable(
        _ tables: [SnapshotManifest.TableShape], named name: String, _ take: (_ table: Int, [[Value]]) throws -> Void
    ) throws {
        // Collected first: what the closure throws is no ArchiveError.
        var found: [(table: Int, rows: [[Value]])] = []
        try content.withRawBytes { (raw) throws(ArchiveError) in
            var reader = ObjectReader(raw, of: "the rows of \(name)")
            while !reader.isAtEnd {
                let offset = reader.offset
                switch try reader.byte() {
                case 0 where !found.isEmpty: break
                case 1:
                    let table = try reader.count("a table", in: (found.last.map { $0.table + 1 } ?? 0)...tables.count)
                    guard table < tables.count else { throw reader.damage("there is no such table", at: offset) }
                    found.append((table, []))
                default: throw reader.damage("a row is of no table", at: offset)
                }
                let columns = tables[found[found.count - 1].table].columns
                var row: [Value] = []
                row.reserveCapacity(columns.count)
                for column in columns { row.append(try reader.value(of: column.type)) }
                found[found.count - 1].rows.append(row)
            }
        }
        for (table, rows) in found { try take(table, rows) }
    }
}
