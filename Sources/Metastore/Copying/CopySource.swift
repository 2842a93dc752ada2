internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel

/// The store that is copied: one connection that can't write, in one read transaction from the head row to the log.
final class CopySource {
    let engine: any Engine
    let head: CopiedHead
    let tables: [CopiedTable]
    private let connection: any Connection

    /// Opens the snapshot, and makes sure that everything in it may be read.
    init(_ source: EngineSource, _ options: EngineOptions) throws {
        var options = options
        options.isReadOnly = true
        let engine = try source.makeEngine(options)
        do {
            let found = try engine.prepare()
            guard found != .nothing else {
                throw StoreError.unusable(place: engine.place, reason: "there is no store here to copy from")
            }
            // Before the snapshot: afterwards a running master's note may be ahead of it.
            let note = try engine.readNote()
            let connection = try engine.openReader()
            do {
                try Self.checkIsStore(connection, engine.place)
                try connection.begin(.read)
                let schema = try Self.schema(connection, engine.place)
                head = try CopiedHead(connection)
                if let lack = head.head.lack(found, note: note, place: engine.place) { throw lack }
                tables = CopiedTable.all(of: schema)
                for table in tables { _ = try table.lastKey(connection) }
            } catch {
                connection.close()
                throw error
            }
            self.connection = connection
            self.engine = engine
        } catch {
            engine.close()
            throw StoreError(error, at: engine.place)
        }
    }

    private static func checkIsStore(_ connection: any Connection, _ place: String) throws {
        switch try StoreSight.look(connection) {
        case .store, .headless: return
        case .unfinishedCopy(let mark): throw mark.error(place)
        case .foreign: throw StoreError.unusable(place: place, reason: "it is a database, but no store")
        }
    }

    /// The store's schema, if this binary knows all of it.
    private static func schema(_ connection: any Connection, _ place: String) throws -> Int64 {
        let status = try Migrator.ofThisLibrary.status(connection)
        let schema = status.found
        let known = Migrator.ofThisLibrary.known
        guard schema <= known else {
            throw StoreError.schema(
                reason: """
                    \(place) has schema \(schema), this binary knows \(known): it can't copy what it \
                    doesn't know. The data is intact: do not delete it. Copy it with the release that wrote it.
                    """)
        }
        if let disagreement = status.disagreement { throw disagreement }
        return schema
    }

    /// Lends the rows of a table after the one with this key, in order, a page at a time.
    func forEachRow(of table: CopiedTable, after key: [Value]?, _ body: ([Value]) throws -> Void) throws {
        try table.forEachRow(connection, at: engine.place, after: key, body)
    }

    /// How many rows the table has: counted while that is quick, else at most so many; nil where nobody knows.
    func rows(of table: CopiedTable) throws -> Int64? {
        do {
            let most = Int64(Limits.copyCountedRows)
            if case .log = table.proof {
                return head.head.revision.rawValue - head.head.compactedRevision.rawValue
            }
            let count = SQL(trusted: "SELECT count(*) FROM (SELECT 1 FROM \(table.name) LIMIT \(most + 1)) AS counted")
            let counted = try connection.first(count) { try $0.integer(0) } ?? 0
            if counted <= most { return counted }
            let last = try table.lastKey(connection) ?? []
            if last.count == 1, case .integer(let largest) = last[0] { return largest }
            return nil
        } catch {
            throw StoreError(error, at: engine.place)
        }
    }

    /// Lets go of the snapshot. Does nothing the second time.
    func close() {
        connection.close()
        engine.close()
    }
}

extension CopiedHead {
    fileprivate init(_ connection: any Connection) throws {
        head = try Head.load(connection, locking: false)
        let table = CopiedTable.head
        let row = try connection.first(table.page(after: nil, most: 1)) { row in try table.values(row) }
        guard let row else { throw Head.missing }
        self.row = row
    }
}

extension CopiedTable {
    /// Lends the rows after the one with this key, in order. Each page is a statement of its own, so that none runs for
    /// longer than a server lets a statement run.
    func forEachRow(
        _ connection: any Connection, at place: String, after first: [Value]?, _ body: ([Value]) throws -> Void
    ) throws {
        var last = first
        while true {
            var count = 0
            do {
                try connection.forEachRow(page(after: last, most: Limits.copyPageRows)) { row in
                    let values = try values(row)
                    try body(values)
                    last = key(of: values)
                    count += 1
                    return true
                }
            } catch {
                // What the body throws has its place already.
                throw StoreError(error, at: place)
            }
            guard count == Limits.copyPageRows else { return }
        }
    }
}
