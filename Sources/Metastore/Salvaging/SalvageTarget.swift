// Invariants
// 1. A row of a record goes in only if its hash proves it, or as the image of a log record that the chain proves.
// 2. Of two rows of one key the later revision stays. What can't stay is handed out, with the reason.
// 3. Nothing holds all rows: what has to be remembered of them stands in a table of its own while the store is made.

package import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel

/// A store that is made of what was found of another one, row by row. Its connection is that of a database being made.
package final class SalvageTarget {
    package let tables: [SalvagedTable]
    let connection: any Connection
    let options: StoreOptions
    private let tell: (SalvagedAside) throws -> Void
    private var uncommitted = 0
    private var alternativeBytes = 0
    /// Further records of a revision that the log has one of already: one of them is damaged.
    var alternatives: [Int64: [[Value]]] = [:]
    var heads: [Head] = []
    package private(set) var asideCounts: [String: Int] = [:]

    static let batchRows = 10_000
    /// What is kept of further records of the log; more are left out.
    static let alternativeBytesKept = 64 << 20

    /// Makes the schema.
    ///
    /// - Parameter tell: is given what can't go in.
    package init(
        _ connection: any Connection, _ options: StoreOptions, tell: @escaping (SalvagedAside) throws -> Void
    ) throws {
        self.connection = connection
        self.options = options
        self.tell = tell
        let time = options.time.now()
        let placeholder = Head(
            cluster: .version7(time, options.time.random), epoch: Epoch(number: 0, nonce: 0), time: time, schema: 1)
        try Migrator.ofThisLibrary.apply(to: connection, now: { time.microseconds }) { step, connection in
            if step == 1 { try placeholder.insert(connection) }
        }
        tables = try SalvagedTable.all(connection)
        // Rows come in the order in which they are found, not that of what belongs to what.
        try connection.executeScript("PRAGMA foreign_keys = OFF")
        try connection.executeScript(
            """
            CREATE TABLE salvage_marks (kind INTEGER NOT NULL, key TEXT NOT NULL, state INTEGER NOT NULL,
                PRIMARY KEY (kind, key)) STRICT, WITHOUT ROWID
            """)
        try connection.begin(.write)
    }

    func step() throws {
        uncommitted += 1
        guard uncommitted >= Self.batchRows else { return }
        uncommitted = 0
        try connection.commit()
        try connection.begin(.write)
    }

    // MARK: Rows

    /// Puts in a record's row that its hash proves.
    ///
    /// - Parameter values: in the order of the table's columns.
    package func put(
        _ values: [Value], _ record: StoredRow, of table: SalvagedTable, _ standing: SalvagedStanding
    ) throws {
        let changed: Int
        do {
            changed = try connection.execute(SQL(trusted: table.insertText, values: values))
        } catch {
            guard case .constraint = error.code, !error.endedTransaction else { throw error }
            return try aside(
                table, values, record.key, "another row has what only one row may have, or a value is out of bounds")
        }
        // A row newer than the head is from a page that was written later, or of another store.
        let isBeyond = heads.first.map { record.revision > $0.revision } ?? false
        if changed > 0, standing == .unknown || isBeyond { try mark(record.key, .unconfirmed) }
        try step()
    }

    /// What is remembered of a row until the store is made.
    enum Mark: Int64 {
        /// From a page that may have been given up, or of a revision whose record is lost.
        case unconfirmed = 1
        /// Made from the log.
        case rebuilt = 2
        /// Made from the log, after which the log has a hole.
        case rebuiltBeforeHole = 3
    }

    func mark(_ key: RecordKey, _ mark: Mark?) throws {
        guard let mark else {
            try connection.execute(
                "DELETE FROM salvage_marks WHERE kind = \(Int(key.kind.rawValue)) AND key = \(key.path)")
            return
        }
        try connection.execute(
            """
            INSERT INTO salvage_marks (kind, key, state) VALUES (\(Int(key.kind.rawValue)), \(key.path), \
            \(mark.rawValue)) ON CONFLICT (kind, key) DO UPDATE SET state = excluded.state
            """)
    }

    /// Hands out what can't go in.
    func aside(_ table: SalvagedTable, _ values: [Value], _ key: RecordKey?, _ why: String) throws {
        asideCounts[table.name, default: 0] += 1
        let named = zip(table.columns, values).map { (name: $0.name, value: $1) }
        try tell(SalvagedAside(table: table.name, key: key?.path, values: named, why: why))
    }

    /// Takes rows out that can't stay.
    ///
    /// - Returns: how many there were.
    @discardableResult
    func takeOut(_ name: String, where condition: String, _ why: String) throws -> Int {
        guard let table = tables.first(where: { $0.name == name }), let kind = table.kind else { return 0 }
        try connection.forEachRow(SQL(trusted: "\(table.selectText) WHERE \(condition)")) { row in
            let values = try table.columns.indices.map { try row.value($0, as: table.columns[$0].type) }
            try aside(table, values, try? table.record(values).key, why)
            return true
        }
        return try connection.execute(SQL(trusted: "DELETE FROM \(kind.table.name) WHERE \(condition)"))
    }

    // MARK: What isn't a record

    /// Puts in a row of the log: whether it is one the chain tells later.
    package func putLog(_ values: [Value]) throws {
        guard let table = tables.first(where: { $0.name == "log" }) else { return }
        guard try connection.execute(SQL(trusted: table.insertText, values: values)) == 0 else { return try step() }
        guard case .integer(let revision) = values[0], case .bytes(let body) = values[11],
            case .bytes(let chain) = values[12]
        else { return }
        let isSame = try connection.first("SELECT chain, body FROM log WHERE revision = \(revision)") { row in
            try row.bytes(0) == chain && row.bytes(1) == body
        }
        guard isSame != true, alternativeBytes + body.count <= Self.alternativeBytesKept,
            alternatives[revision]?.contains(values) != true
        else { return }
        alternativeBytes += body.count + 256
        alternatives[revision, default: []].append(values)
    }

    /// Takes note of a head row: nothing proves it but what else was found.
    package func putHead(_ values: [Value]) {
        guard let table = tables.first(where: { $0.name == "head" }) else { return }
        let row = Dictionary(uniqueKeysWithValues: zip(table.columns.map(\.name), values))
        guard let head = Head(salvaged: row), !heads.contains(head) else { return }
        // The first is from the tree: one of another store may lie elsewhere in the file.
        if let first = heads.first, first.cluster != head.cluster { return }
        heads.append(head)
    }

    /// A head row was found.
    package var hasHead: Bool { !heads.isEmpty }

    package func putEpoch(_ values: [Value]) throws {
        guard let table = tables.first(where: { $0.name == "epochs" }) else { return }
        try connection.execute(SQL(trusted: table.insertText, values: values))
    }

    /// Commits what is pending.
    func endBatch() throws {
        uncommitted = 0
        try connection.commit()
        try connection.begin(.write)
    }
}

extension Head {
    /// From a row of a file; nil when it can't be one.
    fileprivate init?(salvaged row: [String: Value]) {
        func integer(_ name: String) -> Int64? { if case .integer(let number)? = row[name] { number } else { nil } }
        func bytes(_ name: String) -> [UInt8]? { if case .bytes(let bytes)? = row[name] { bytes } else { nil } }
        guard case .uuid(let cluster)? = row["cluster"], let epoch = integer("epoch"),
            let nonce = integer("epoch_nonce"), let revision = integer("revision"), revision >= 0,
            let compacted = integer("compacted_revision"), compacted >= 0, compacted <= revision,
            let chain = bytes("chain"), chain.count == 32, let compactedChain = bytes("compacted_chain"),
            compactedChain.count == 32, case .timestamp(let time)? = row["time"],
            let digests = bytes("digests").flatMap({ StateDigests(bytes: $0) })
        else { return nil }
        let counters = [
            "next_experiment", "next_trial", "next_workload", "next_checkpoint", "next_task", "next_allocation",
            "next_container", "next_lease",
        ].compactMap { integer($0) }
        guard counters.count == Counter.allCases.count, counters.allSatisfy({ $0 >= 1 }) else { return nil }
        self.init(
            cluster: cluster, epoch: Epoch(number: epoch, nonce: UInt64(bitPattern: nonce)),
            time: Timestamp(microseconds: time), schema: Migrator.ofThisLibrary.known)
        self.revision = Revision(rawValue: revision)
        compactedRevision = Revision(rawValue: compacted)
        self.chain = chain
        self.compactedChain = compactedChain
        self.digests = digests
        self.counters = counters
    }

    /// The digests sum up the counters too: a damaged counter shows.
    var hasProvenCounters: Bool { digests[.cluster] == countersHash.sum }
}
