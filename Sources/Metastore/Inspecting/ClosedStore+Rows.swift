// Invariants
// 1. Every row is compared with its own hash when it is read; one that can't be read is told, not left out.
// 2. Rows come in the order of their tables' keys, which is the same on every engine.

package import MetastoreEngine
package import MetastoreModel

/// What was read where a row was looked for.
package enum ReadRow: Sendable {
    case row(StoredRow)
    /// There is a row, and it can't be read: why.
    case unreadable(String)
}

extension ClosedStore {
    /// Lends the typed reads over what the connection sees now, which is one state if a transaction is open.
    package func withSnapshot<Result>(_ body: (borrowing Snapshot) throws -> Result) rethrows -> Result {
        try body(Snapshot(Session(connection, control: nil)))
    }

    /// Lends the rows of a kind in the order of their key, after a row with the given key values, until the closure
    /// says false.
    ///
    /// - Parameters:
    ///   - condition: further conditions, which begin with ` AND `.
    ///   - order: a trusted column's name and direction, for another order than that of the keys.
    package func forEachRow(
        of kind: RecordKind, after key: [Value]? = nil, where condition: SQL = "", orderedBy order: String? = nil,
        _ body: (ReadRow) throws -> Bool
    ) throws {
        let table = kind.table
        let names = table.key.map { table.columns[$0].name }
        var statement = SQL(trusted: "SELECT \(kind.storedColumns) FROM \(table.name) WHERE 1 = 1")
        if let key {
            let places = Array(repeating: "\u{1}", count: names.count).joined(separator: ", ")
            statement += SQL(trusted: " AND (\(names.joined(separator: ", "))) > (\(places))", values: key)
        }
        let sorted = order.map { "\($0) NULLS LAST, " } ?? ""
        statement += condition + SQL(trusted: " ORDER BY \(sorted)\(names.joined(separator: ", "))")
        try connection.forEachRow(statement) { row in try body(Self.read(row, of: kind)) }
    }

    /// The row with a key; nil when there is none.
    package func row(_ key: RecordKey) throws -> ReadRow? {
        guard key.kind != .cluster, let values = try keyValues(key) else { return nil }
        let table = key.kind.table
        let conditions = table.key.map { "\(table.columns[$0].name) = \u{1}" }.joined(separator: " AND ")
        let found = try connection.first(
            SQL(trusted: "SELECT \(key.kind.storedColumns) FROM \(table.name) WHERE \(conditions)", values: values)
        ) { row in Self.read(row, of: key.kind) }
        // A record under another experiment's path is another record.
        if case .row(let row)? = found, row.key != key { return nil }
        return found
    }

    /// How many rows a kind has.
    package func count(of kind: RecordKind, where condition: SQL = "") throws -> Int64 {
        let statement = SQL(trusted: "SELECT count(*) FROM \(kind.table.name) WHERE 1 = 1") + condition
        return try connection.first(statement) { try $0.integer(0) } ?? 0
    }

    /// The values of the primary key that a record's key stands for; nil when no row can have it.
    package func keyValues(_ key: RecordKey) throws -> [Value]? {
        switch key {
        case .experiment(let id), .snapshot(let id): [.integer(id.rawValue)]
        case .trial(_, let id): [.integer(id.rawValue)]
        case .workload(_, _, let id): [.integer(id.rawValue)]
        case .checkpoint(_, _, let uuid):
            try connection.first("SELECT number FROM checkpoints WHERE uuid = \(uuid)") {
                [.integer(try $0.integer(0))]
            }
        case .pool(let name), .agent(let name), .consumer(let name): [.text(name)]
        case .slot(let agent, let index): [.text(agent), .integer(Int64(index))]
        case .task(let id): [.integer(id.rawValue)]
        case .allocation(_, let id): [.integer(id.rawValue)]
        case .container(_, _, let id): [.integer(id.rawValue)]
        case .port(let host, let port): [.text(host), .integer(Int64(port))]
        case .instance(let token), .spotRequest(let token): [.text(token)]
        case .keyValue(let namespace, let name): [.text(namespace), .text(name)]
        case .lease(let id): [.integer(id.rawValue)]
        case .document(let hash): [.bytes(hash.bytes)]
        case .leadership: [.integer(1)]
        case .cluster: nil
        }
    }

    private static func read(_ row: borrowing Row, of kind: RecordKind) -> ReadRow {
        do {
            let image = kind == .document ? try documentImage(row) : try row.image(of: kind.table)
            let hash = try row.integer(kind == .document ? 4 : image.count)
            return .row(try StoredRow(kind, image: image, stored: hash))
        } catch {
            return .unreadable("\(StoreError(error))")
        }
    }

    /// A document may be compressed where it lies, and its revision is that of its insertion.
    private static func documentImage(_ row: borrowing Row) throws -> [Value] {
        let hash = try row.bytes(1)
        let content = try Encoding.content(
            try row.bytes(3), as: try row.integer(2), cap: Limits.documentBytes, place: "a document")
        let created = Value.integer(try row.integer(0))
        return [created, created, .bytes(hash), .bytes(content)]
    }
}

extension RecordKind {
    /// What ``ClosedStore`` reads of a row, the hash last but for local columns.
    fileprivate var storedColumns: String {
        self == .document
            ? "created_revision, hash, encoding, content, row_hash" : table.columnList + ", row_hash"
    }
}
