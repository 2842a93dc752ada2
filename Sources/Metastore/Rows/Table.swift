package import MetastoreEngine
package import MetastoreModel

/// A column of a record's table.
package struct Column: Sendable {
    /// The field's number in the canonical encoding, for ever; 0 for a local column, which is neither logged nor
    /// digested.
    package let number: UInt8
    package let name: String
    package let type: ColumnType

    package var isLocal: Bool { number == 0 }
}

/// How one kind of record is kept: its table, its key and its columns, with the texts of its statements.
///
/// A *row image* is a record's values in the order of ``columns``: `created_revision` and `revision` first, then the
/// record's own fields, then local ones.
package final class Table: Sendable {
    package let kind: RecordKind
    package let name: String
    package let columns: [Column]
    /// Positions in ``columns`` of the primary key.
    package let key: [Int]
    /// How many of ``columns``, counted from the first, are logged.
    package let loggedCount: Int
    /// `created_revision, revision, …`, in the order of ``columns``.
    let columnList: String
    /// `SELECT … FROM …` and a space.
    let selectText: String
    let insertText: String
    let deleteText: String
    let selectByKeyText: String

    /// - Parameters:
    ///   - fields: the record's own fields in the order of their numbers, which count from 3.
    ///   - local: columns that are neither logged nor digested.
    init(
        _ kind: RecordKind, _ name: String, key keyNames: [String], fields: [(String, ColumnType)],
        local: [(String, ColumnType)] = []
    ) {
        self.kind = kind
        self.name = name
        var columns = [
            Column(number: 1, name: "created_revision", type: .integer),
            Column(number: 2, name: "revision", type: .integer),
        ]
        for (index, field) in fields.enumerated() {
            columns.append(Column(number: UInt8(index + 3), name: field.0, type: field.1))
        }
        loggedCount = columns.count
        columns += local.map { Column(number: 0, name: $0.0, type: $0.1) }
        self.columns = columns
        let key = keyNames.map { name in columns.firstIndex { $0.name == name }! }
        self.key = key
        let names = columns.map(\.name)
        columnList = names.joined(separator: ", ")
        selectText = "SELECT \(columnList) FROM \(name) "
        let condition = Self.condition(key.map { names[$0] })
        insertText = """
            INSERT INTO \(name) (\(names.joined(separator: ", ")), row_hash) \
            VALUES (\(Array(repeating: "\u{1}", count: names.count + 1).joined(separator: ", ")))
            """
        deleteText = "DELETE FROM \(name) WHERE \(condition)"
        selectByKeyText = selectText + "WHERE \(condition)"
    }

    /// The text of an UPDATE that sets the columns of the mask (bit *n* for the n-th column) and the row's hash.
    func updateText(_ mask: UInt64) -> String {
        let set = columns.indices.filter { mask & (1 << UInt64($0)) != 0 }.map { "\(columns[$0].name) = \u{1}" }
        let condition = Self.condition(key.map { columns[$0].name })
        return "UPDATE \(name) SET \((set + ["row_hash = \u{1}"]).joined(separator: ", ")) WHERE \(condition)"
    }

    private static func condition(_ names: [String]) -> String {
        names.map { "\($0) = \u{1}" }.joined(separator: " AND ")
    }
}

extension Row {
    /// The image of the row whose columns begin at `first`.
    func image(of table: Table, from first: Int = 0) throws(EngineError) -> [Value] {
        var image: [Value] = []
        image.reserveCapacity(table.columns.count)
        for index in table.columns.indices {
            image.append(try value(first + index, as: table.columns[index].type))
        }
        return image
    }
}
