// Invariants
// 1. Nothing is made, changed or removed where something else than an unfinished copy of the same cluster stands.
// 2. Rows and the mark that tells of them commit together; a run that was taken over writes nothing more.
// 3. The head row comes last: until then nobody can open the target as a store.

internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel

/// The place that is copied to.
final class CopyTarget {
    let engine: any Engine
    private let time: TimeSource
    private var writer: (any Connection)?

    /// Takes the right to write there; changes nothing yet.
    init(_ target: EngineSource, _ options: EngineOptions, _ time: TimeSource) throws {
        engine = try target.makeEngine(options)
        self.time = time
    }

    func close() {
        writer?.close()
        writer = nil
        engine.close()
    }

    /// Whatever fails in here failed at the target.
    private func here<Result>(_ body: () throws -> Result) throws(StoreError) -> Result {
        do {
            return try body()
        } catch {
            throw StoreError(error, at: engine.place)
        }
    }

    private func connection() throws -> any Connection {
        if let writer { return writer }
        let opened = try engine.openWriter()
        writer = opened
        return opened
    }

    private func transaction(_ body: (any Connection) throws -> Void) throws {
        let connection = try connection()
        try connection.begin(.write)
        do {
            try body(connection)
            try connection.commit()
        } catch {
            connection.rollback()
            throw error
        }
    }

    // MARK: Beginning

    /// What stands there. Only looks: a connection that could write might leave traces in another's database.
    func look(for source: Head) throws(StoreError) -> CopySight {
        try here {
            let found = try engine.prepare()
            // Where a later state of this cluster was durable, an earlier one would be refused at opening.
            if let note = try engine.readNote(), let lack = source.lack(.nothing, note: note, place: engine.place) {
                throw lack
            }
            guard found != .nothing else { return .nothing }
            let reader = try engine.openReader()
            defer { reader.close() }
            switch try StoreSight.look(reader) {
            case .foreign: return .other("another program's database")
            case .headless: return .other("a store without its head row")
            case .store: return .store(try Head.load(reader, locking: false))
            case .unfinishedCopy(let mark):
                return .unfinished(mark, schema: try Migrator.ofThisLibrary.status(reader).found)
            }
        }
    }

    /// Makes the schema, and the mark in it.
    func create(_ mark: CopyMark, schema: Int64) throws(StoreError) {
        try here {
            let isMade = try engine.create { connection in
                try migrate(connection, to: schema, isNew: true)
                try connection.executeScript(CopyMark.creation)
                try connection.begin(.write)
                try mark.insert(connection)
                try connection.commit()
            }
            guard isMade else {
                throw StoreError.targetNotEmpty(place: engine.place, holds: "what another process made just now")
            }
        }
    }

    /// Goes on with the copy that is there, in place of whoever began it.
    func takeOver(_ mark: CopyMark) throws(StoreError) {
        try here {
            try transaction { connection in
                guard let found = try CopyMark.load(connection, locking: true), found.head == mark.head,
                    found.table == mark.table, found.tableRows == mark.tableRows
                else { throw isTaken }
                try mark.replace(connection)
            }
        }
    }

    /// Empties what is there of an earlier copy, and brings it to the schema.
    func beginAnew(_ mark: CopyMark, from earlier: Int64, to schema: Int64) throws(StoreError) {
        try here {
            let connection = try connection()
            let tables = CopiedTable.all(of: earlier)
            switch connection.dialect.name {
            case .sqlite:
                // Where nothing can refer to a table its pages go as they are, not row by row.
                try connection.executeScript("PRAGMA foreign_keys = OFF")
                defer { try? connection.executeScript("PRAGMA foreign_keys = ON") }
                try empty(mark) { connection in
                    for table in tables { try connection.execute(SQL(trusted: "DELETE FROM \(table.name)")) }
                }
            case .postgresql:
                try empty(mark) { connection in
                    let names = tables.map(\.name).joined(separator: ", ")
                    try connection.execute(SQL(trusted: "TRUNCATE \(names)"))
                }
            }
            if earlier < schema { try migrate(connection, to: schema, isNew: false) }
        }
    }

    private func empty(_ mark: CopyMark, _ body: (any Connection) throws -> Void) throws {
        try transaction { connection in
            guard try CopyMark.load(connection, locking: true) != nil else { throw isTaken }
            try body(connection)
            try mark.replace(connection)
        }
    }

    /// The steps up to the source's schema, without what they tell a store's log.
    private func migrate(_ connection: any Connection, to schema: Int64, isNew: Bool) throws {
        let migrator = Migrator.ofThisLibrary(upTo: schema)
        let now = { [time] in time.now().microseconds }
        let lock = isNew ? nil : try migrator.takeLock(connection, waiting: .zero, now: now)
        defer { lock?.release(connection) }
        try migrator.apply(to: connection, lock: lock, now: now) { _, _ in }
    }

    // MARK: Rows

    /// Where to go on in a table: the key of its last row.
    func lastKey(of table: CopiedTable) throws(StoreError) -> [Value]? {
        try here { try table.lastKey(connection()) }
    }

    /// The last link that is there.
    func lastLink() throws(StoreError) -> (revision: Revision, chain: [UInt8])? {
        try here {
            try connection().first("SELECT revision, chain FROM log ORDER BY revision DESC LIMIT 1") { row in
                (Revision(rawValue: try row.integer(0)), try row.bytes(1))
            }
        }
    }

    /// Commits a batch, and the mark behind it.
    func write(_ rows: [[Value]], of table: CopiedTable, _ mark: CopyMark) throws(StoreError) {
        try here {
            try transaction { connection in
                try move(mark, connection)
                var rest = rows[...]
                while !rest.isEmpty {
                    let most = Self.fitting(rest.prefix(connection.dialect.rowsPerInsert))
                    let (statement, count) = table.insertion(of: rest, most: most)
                    try connection.enqueue(statement)
                    rest = rest.dropFirst(count)
                }
            }
            if case .refuseWrites(let holder) = try engine.maintain(connection()) {
                throw StoreError.writeAheadLogFull(holder: holder)
            }
        }
    }

    /// How many of these rows a statement carries by their size.
    static func fitting(_ rows: ArraySlice<[Value]>) -> Int {
        var bytes = 0
        for (count, row) in rows.enumerated() {
            bytes += row.reduce(0) { $0 + $1.payloadBytes }
            if bytes > Limits.copyStatementBytes { return max(1, count) }
        }
        return rows.count
    }

    /// Whoever took the copy over may have finished it already: then there is no mark any more.
    private func move(_ mark: CopyMark, _ connection: any Connection) throws {
        do {
            guard try mark.move(connection) else { throw isTaken }
        } catch let error as EngineError where error.isAboutMissingTable || error.sqlState == "42P01" {
            throw isTaken
        }
    }

    private var isTaken: StoreError {
        .fenced(reason: "another process goes on with the copy to \(engine.place)")
    }

    // MARK: End

    /// Computes anew what the target holds, and compares it with the head row.
    func verify(_ tables: [CopiedTable], _ head: Head, progress: (CopiedTable, Int64) throws -> Void) throws(StoreError)
    {
        try here {
            let reader = try engine.openReader()
            defer { reader.close() }
            try reader.begin(.read)
            var check = CopyCheck(place: engine.place, head: head)
            for table in tables {
                var rows: Int64 = 0
                try table.forEachRow(reader, at: engine.place, after: nil) { row in
                    try check.check(row, of: table)
                    rows += 1
                    if rows.isMultiple(of: Int64(Limits.copyPageRows)) { try progress(table, rows) }
                }
                try check.end(table)
                try progress(table, rows)
            }
            try check.end()
        }
    }

    /// Makes a store of it, closed cleanly.
    func finish(_ mark: CopyMark, _ head: CopiedHead) throws(StoreError) {
        try here {
            var row = head.row
            row[CopiedTable.clean] = .integer(1)
            try transaction { connection in
                try move(mark, connection)
                try connection.execute(CopiedTable.head.insertion(of: [row], most: 1).statement)
                try connection.execute(CopyMark.removal)
                try StoreIdentity.settle(connection, schema: head.head.schema, as: head.role)
            }
            try engine.settle(connection())
            try engine.keepNote(HeadNote(head.head).bytes)
        }
    }
}
