internal import MetastoreEngine
internal import MetastoreModel

/// A table as a copy sees it: what to read, in which order, and how a row proves that it is whole.
struct CopiedTable: Sendable {
    /// What can be said of a row without looking at others.
    enum Proof: Sendable {
        /// Nothing: no hash covers it.
        case none
        /// Its hash, which the digest of its kind sums up. The record's columns come first, the hash last.
        case record(Table, path: @Sendable ([Value]) throws(StoreError) -> String)
        /// As a record's, over the content, which has a hash of its own.
        case document
        /// Its link to the record before.
        case log
    }

    let name: String
    /// The first schema that has it.
    let since: Int64
    let columns: [(name: String, type: ColumnType)]
    /// Positions in ``columns`` of the primary key.
    let key: [Int]
    let proof: Proof
    private let selectText: String
    private let afterText: String
    private let orderText: String
    private let lastKeyText: String
    /// The statement for one row, for two, four, and so on: few texts, so that an engine keeps them prepared.
    private let insertTexts: [String]

    init(
        _ name: String, since: Int64 = 1, key keyNames: [String], _ columns: [(String, ColumnType)],
        proof: Proof = .none
    ) {
        self.name = name
        self.since = since
        self.columns = columns.map { (name: $0.0, type: $0.1) }
        self.proof = proof
        key = keyNames.map { name in columns.firstIndex { $0.0 == name }! }
        let names = columns.map(\.0).joined(separator: ", ")
        let keys = keyNames.joined(separator: ", ")
        func places(_ count: Int) -> String {
            "(" + Array(repeating: "\u{1}", count: count).joined(separator: ", ") + ")"
        }
        selectText = "SELECT \(names) FROM \(name)"
        afterText = keyNames.count == 1 ? " WHERE \(keys) > \u{1}" : " WHERE (\(keys)) > \(places(keyNames.count))"
        orderText = " ORDER BY \(keys) LIMIT "
        let backwards = keyNames.map { $0 + " DESC" }.joined(separator: ", ")
        lastKeyText = "SELECT \(keys) FROM \(name) ORDER BY \(backwards) LIMIT 1"
        insertTexts = (0...5).map { exponent in
            let rows = Array(repeating: places(columns.count), count: 1 << exponent).joined(separator: ", ")
            return "INSERT INTO \(name) (\(names)) VALUES \(rows)"
        }
    }

    /// The table of a record kind: its columns, those that only the database knows, its hash.
    init<R: StoredRecord>(_ record: R.Type, local: [(String, ColumnType)] = []) {
        let table = R.table
        self.init(
            table.name, key: table.key.map { table.columns[$0].name },
            table.columns.map { ($0.name, $0.type) } + local + [("row_hash", .integer)],
            proof: .record(table) { (row) throws(StoreError) in try R(image: row).recordKey.path })
    }

    /// Which digest sums up its rows.
    var kind: RecordKind? {
        switch proof {
        case .record(let table, _): table.kind
        case .document: .document
        case .none, .log: nil
        }
    }

    /// The first `most` rows after the one with this key, or from the beginning.
    func page(after key: [Value]?, most: Int) -> SQL {
        let text = selectText + (key == nil ? "" : afterText) + orderText + String(most)
        return SQL(trusted: text, values: key ?? [])
    }

    func values(_ row: borrowing Row) throws(EngineError) -> [Value] {
        var values: [Value] = []
        values.reserveCapacity(columns.count)
        for index in columns.indices { values.append(try row.value(index, as: columns[index].type)) }
        return values
    }

    func key(of row: [Value]) -> [Value] { key.map { row[$0] } }

    /// The key of the last row that is there.
    func lastKey(_ connection: any Connection) throws -> [Value]? {
        try connection.first(SQL(trusted: lastKeyText)) { row in
            var values: [Value] = []
            for (index, column) in key.enumerated() { values.append(try row.value(index, as: columns[column].type)) }
            return values
        }
    }

    /// The statement that writes the first rows of `rows`, at most `most` of them, and how many they are.
    func insertion(of rows: ArraySlice<[Value]>, most: Int) -> (statement: SQL, count: Int) {
        let largest = max(1, min(rows.count, most, 1 << (insertTexts.count - 1)))
        let exponent = Int.bitWidth - 1 - largest.leadingZeroBitCount
        let part = rows.prefix(1 << exponent)
        return (SQL(trusted: insertTexts[exponent], values: part.flatMap(\.self)), part.count)
    }
}

extension Value {
    /// About what it takes in memory and on the way, beside the place of the value itself.
    var payloadBytes: Int {
        switch self {
        case .null: 1
        case .integer, .real, .timestamp: 8
        case .uuid: 16
        case .text(let text): text.utf8.count
        case .bytes(let bytes): bytes.count
        }
    }
}
