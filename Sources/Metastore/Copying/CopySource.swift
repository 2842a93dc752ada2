internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel

/// The store that is copied: one connection that can't write, in one read transaction from the head row to the log.
final class CopySource {
    let engine: any Engine
    let head: CopiedHead
    let tables: [CopiedTable]
    private let connection: any Connection
    /// False for the engine of a store that is open: whoever opened it closes it.
    private let ownsEngine: Bool

    /// Opens the snapshot, and makes sure that everything in it may be read.
    convenience init(_ source: EngineSource, _ options: EngineOptions) throws {
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
            try self.init(engine, owns: true) { head in head.lack(found, note: note, place: engine.place) }
        } catch {
            engine.close()
            throw StoreError(error, at: engine.place)
        }
    }

    /// Opens the snapshot of a store that is open, on a connection of its own.
    ///
    /// - Parameter read: as which its store knows it.
    convenience init(open engine: any Engine, as read: OutsideRead) throws {
        try self.init(engine, owns: false, as: read) { _ in nil }
    }

    private init(
        _ engine: any Engine, owns: Bool, as read: OutsideRead? = nil, _ lack: (Head) -> StoreError?
    ) throws {
        let connection = try engine.openReader()
        do {
            read?.reads(on: connection)
            try Self.checkIsStore(connection, engine.place)
            try connection.begin(.read)
            let schema = try Self.schema(connection, engine.place)
            head = try CopiedHead(connection, schema: schema)
            if let lack = lack(head.head) { throw lack }
            tables = CopiedTable.all(of: schema)
            for table in tables { _ = try table.lastKey(connection) }
        } catch {
            connection.close()
            throw error
        }
        self.connection = connection
        self.engine = engine
        ownsEngine = owns
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
        let known = Migrator.ofThisLibrary.known
        let schema = try Migrator.ofThisLibrary.status(connection).found
        guard schema <= known else {
            throw StoreError.schema(
                reason: """
                    \(place) has schema \(schema), this binary knows \(known): it can't copy what it \
                    doesn't know. The data is intact: do not delete it. Copy it with the release that wrote it.
                    """)
        }
        try Migrator.ofThisLibrary(upTo: schema).check(connection, forWriting: false)
        return schema
    }

    /// Lends the rows of a table after the one with this key, in order, a page at a time.
    func forEachRow(of table: CopiedTable, after key: [Value]?, _ body: ([Value]) throws -> Void) throws {
        try table.forEachRow(connection, at: engine.place, after: key, body)
    }

    /// The place after which the log has to begin for every live consumer to go on: no later than the head, and no
    /// earlier than the log does.
    func logStart() throws -> (epoch: Epoch, revision: Revision, chain: [UInt8]) {
        let (session, head) = (Session(connection, control: nil), head.head)
        let slowest = try session.first("SELECT min(position_revision) FROM consumers WHERE is_expired = 0") { row in
            row.isNull(0) ? nil : Revision(rawValue: try row.integer(0))
        }
        let start = max(head.compactedRevision, min(slowest.flatMap(\.self) ?? head.revision, head.revision))
        guard start < head.revision else { return (head.epoch, head.revision, head.chain) }
        let chain = try session.keptLink(of: start, head)
        guard let epoch = try session.lineage().epoch(of: start) else { return (head.epoch, head.revision, head.chain) }
        return (epoch.epoch, start, chain)
    }

    /// Lends the records of the log after a revision, in order.
    func forEachRecord(after revision: Revision, _ body: (LogRecord) throws -> Void) throws {
        guard let table = tables.last(where: { $0.name == "log" }) else { return }
        try forEachRow(of: table, after: [.integer(revision.rawValue)]) { row in
            guard let record = try LogRecord(values: row, place: engine.place) else {
                throw StoreError.damaged(
                    place: engine.place, reason: "a record of the log has a column of another type")
            }
            try body(record)
        }
    }

    /// Lends the bytes of the database at the moment of the snapshot.
    func forEachImageChunk(most: Int, _ body: (_ chunk: [UInt8], _ of: Int) throws -> Void) throws {
        guard let engine = engine as? any ImageEngine else {
            throw StoreError.misuse(reason: "\(engine.place) is not one file: it has portable snapshots only.")
        }
        do {
            try engine.forEachImageChunk(of: connection, most: most, body)
        } catch let error as EngineError {
            throw StoreError(engine: error, place: engine.place)
        }
    }

    /// How many rows the table has: counted while that is quick, else at most so many; nil where that isn't known
    /// either.
    func rows(of table: CopiedTable) throws -> Int64? {
        do {
            if case .log = table.proof {
                return head.head.revision.rawValue - head.head.compactedRevision.rawValue
            }
            let counted = try CopiedTable.countedRows(table.name, connection, upTo: Limits.copyCountedRows)
            if counted <= Limits.copyCountedRows { return counted }
            if let largest = try table.largestID(connection) { return largest }
            return nil
        } catch {
            throw StoreError(error, at: engine.place)
        }
    }

    /// Lets go of the snapshot. Does nothing the second time.
    func close() {
        connection.close()
        if ownsEngine { engine.close() }
    }
}

extension CopiedHead {
    fileprivate init(_ connection: any Connection, schema: Int64) throws {
        head = try Head.load(connection, locking: false)
        let table = CopiedTable.head
        let row = try connection.first(table.page(after: nil, most: 1)) { row in try table.values(row) }
        guard let row else { throw Head.missing }
        self.row = row
        role = schema < StoreIdentity.schema ? .leader : try StoreIdentity.load(connection).role
    }
}

extension CopiedTable {
    /// How many rows there are, as far as counting goes: one more than `most` for any more.
    static func countedRows(_ table: String, _ connection: any Connection, upTo most: Int) throws -> Int64 {
        let count = SQL(trusted: "SELECT count(*) FROM (SELECT 1 FROM \(table) LIMIT \(most + 1)) AS counted")
        return try connection.first(count) { try $0.integer(0) } ?? 0
    }

    /// The largest key where keys are numbers from 1 on: there are no more rows than that.
    func largestID(_ connection: any Connection) throws -> Int64? {
        let last = try lastKey(connection) ?? []
        guard last.count == 1, case .integer(let largest) = last[0] else { return nil }
        return largest
    }

    /// Lends the rows after the one with this key, in order. Each page is a statement of its own, so that none runs for
    /// longer than a server lets a statement run.
    func forEachRow(
        _ connection: any Connection, at place: String, after first: [Value]?, _ body: ([Value]) throws -> Void
    ) throws {
        var last = first
        while true {
            var count = 0
            var failure: (any Error)?
            do {
                try connection.forEachRow(page(after: last, most: Limits.copyPageRows)) { row in
                    let values = try values(row)
                    do {
                        try body(values)
                    } catch {
                        failure = error
                        throw error
                    }
                    last = key(of: values)
                    count += 1
                    return true
                }
            } catch {
                // What is another's than the engine's says itself what it is about.
                if let failure, !(failure is EngineError) { throw failure }
                throw StoreError(error, at: place)
            }
            guard count == Limits.copyPageRows else { return }
        }
    }
}
