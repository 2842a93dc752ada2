internal import Crypto
package import MetastoreEngine
internal import MetastoreMigration
package import MetastoreModel

/// A table as its rows lie in the pages of a file: for whoever reads them without the database.
package struct SalvagedTable: Sendable {
    package struct Column: Sendable {
        package let name: String
        package let type: ColumnType
        package let isNullable: Bool
    }

    package let name: String
    /// Whose rows they are; nil for the log, the head row and the epochs.
    package let kind: RecordKind?
    /// In the order in which a row's record has them.
    package let columns: [Column]
    /// The column that is the row's number in the tree, and null in its record.
    package let number: Int?
    /// The tree is ordered by the key, and its inner pages hold rows too (WITHOUT ROWID).
    package let isKeyed: Bool
    /// Where the tree begins in a new store.
    package let root: UInt32
    let copied: CopiedTable
    /// For each of the copied table's columns, where it stands in ``columns``.
    private let places: [Int]
    /// Writes a row, over an older one with the same key.
    let insertText: String
    let selectText: String

    /// The tables whose rows can't be made from others.
    static func all(_ connection: any Connection) throws -> [SalvagedTable] {
        let derived: Set = ["experiment_labels", "trial_summaries", "backfills", "operations"]
        let all = CopiedTable.all(of: Migrator.ofThisLibrary.known)
        let tables = all.filter { !derived.contains($0.name) } + [CopiedTable.head]
        return try tables.map { try SalvagedTable($0, connection) }
    }

    private init(_ copied: CopiedTable, _ connection: any Connection) throws {
        let types = Dictionary(uniqueKeysWithValues: copied.columns.map { ($0.name, $0.type) })
        let found = try connection.all(
            "SELECT name, \"notnull\", pk, type FROM pragma_table_info(\(copied.name)) ORDER BY cid"
        ) { row in
            (
                name: try row.text(0), isNullable: try row.integer(1) == 0, key: try row.integer(2),
                type: try row.text(3)
            )
        }
        let tree = try connection.first("SELECT rootpage, sql FROM sqlite_schema WHERE name = \(copied.name)") { row in
            (root: try row.integer(0), isKeyed: try row.text(1).contains("WITHOUT ROWID"))
        }
        guard let tree, found.allSatisfy({ types[$0.name] != nil }), found.count == types.count else {
            throw StoreError.misuse(reason: "table \(copied.name) is not the one that is copied")
        }
        self.copied = copied
        name = copied.name
        kind = copied.kind
        root = UInt32(tree.root)
        isKeyed = tree.isKeyed
        let keys = found.indices.filter { found[$0].key > 0 }
        let number = !tree.isKeyed && keys.count == 1 && found[keys[0]].type == "INTEGER" ? keys[0] : nil
        self.number = number
        columns = found.enumerated().map { index, column in
            Column(
                name: column.name, type: types[column.name] ?? .integer,
                isNullable: column.isNullable && column.key == 0)
        }
        places = copied.columns.map { column in found.firstIndex { $0.name == column.name } ?? 0 }
        let names = found.map(\.name)
        let list = names.joined(separator: ", ")
        let key = copied.key.map { copied.columns[$0].name }
        selectText = "SELECT \(list) FROM \(name)"
        let marks = Array(repeating: "\u{1}", count: names.count).joined(separator: ", ")
        let insertion =
            "INSERT INTO \(name) (\(list)) VALUES (\(marks)) ON CONFLICT (\(key.joined(separator: ", "))) DO "
        guard copied.kind != nil, copied.kind != .document else {
            insertText = insertion + "NOTHING"
            return
        }
        let set = names.filter { !key.contains($0) }.map { "\($0) = excluded.\($0)" }.joined(separator: ", ")
        insertText = insertion + "UPDATE SET \(set) WHERE excluded.revision > \(name).revision"
    }

    /// The row as the tables of records have it: the values of a copy, from those of the file.
    func copiedRow(_ values: [Value]) -> [Value] { places.map { values[$0] } }

    /// The record that these values are, and whether they prove it: by the row's own hash, a document by its content's
    /// too.
    ///
    /// - Throws: ``StoreError/damaged(place:reason:)`` when they are no record of this kind.
    package func record(_ values: [Value]) throws(StoreError) -> StoredRow {
        guard let kind else { throw .misuse(reason: "\(name) has no records") }
        let row = copiedRow(values)
        guard case .integer(let hash)? = row.last else {
            throw .damaged(place: "a row of \(name)", reason: "it has no hash")
        }
        guard kind == .document else {
            return try StoredRow(kind, image: Array(row.prefix(kind.table.columns.count)), stored: hash)
        }
        guard case .bytes(let name) = row[0], case .integer(let code) = row[1], case .bytes(let stored) = row[2],
            case .integer(let size) = row[3], case .integer = row[4]
        else { throw .damaged(place: "a row of documents", reason: "a column is not of its type") }
        let content = try Encoding.content(stored, as: code, cap: Limits.documentBytes, place: "a document")
        guard Array(SHA256.hash(data: content)) == name, Int64(content.count) == size else {
            throw .damaged(place: "a document", reason: "its content has another hash, or another size")
        }
        return try StoredRow(kind, image: [row[4], row[4], row[0], .bytes(content)], stored: hash)
    }
}

/// Where a row was found, and so whether it is the last of its key.
package enum SalvagedStanding: Sendable {
    /// In the tree of its table, as the newest state has it.
    case current
    /// In a page that may have been given up since: only the log can tell whether the row was changed or deleted.
    case unknown
}

/// A row that could not go into the new store.
package struct SalvagedAside: Sendable {
    package let table: String
    package let key: String?
    package let values: [(name: String, value: Value)]
    package let why: String

    package init(table: String, key: String?, values: [(name: String, value: Value)], why: String) {
        (self.table, self.key, self.values, self.why) = (table, key, values, why)
    }
}
