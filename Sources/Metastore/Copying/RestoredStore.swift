// Invariants
// 1. The place is empty, and gets the whole store in one step of its engine or nothing: nobody ever opens a part of it.
// 2. Every row's hash, every kind's digest and every link of the log is computed anew while it comes in, and once more
//    over what stands there, before that step.
// 3. A store that goes on from an earlier state begins a new epoch in the same step.

package import FoundationEssentials
package import MetastoreEngine
internal import MetastoreMigration
package import MetastoreModel

/// A store while it is made from a snapshot's rows and a log's records. It blocks: used by one thread of its own.
package final class RestoredStore {
    /// What the finished store is.
    package enum Ending: Sendable, Hashable {
        /// A store that goes on from there, in an epoch of its own, with a larger number than any there was.
        case newEpoch(above: Int64)
        /// The beginning of a replica of the store it was made from: see ``Metastore/openReplica(_:of:_:)``.
        case replica
        /// Nothing: it is verified, and nothing of it is kept.
        case scratch
    }

    /// What was made.
    package struct Made: Sendable {
        /// The state, before a new epoch was opened.
        package let head: SnapshotHead
        /// Where the store stands now.
        package let position: Position
    }

    private let connection: any Connection
    private let options: StoreOptions
    private let place: String
    private let texts = StatementTexts()
    private var head: Head?
    private var check: CopyCheck?
    private var tables: [CopiedTable] = []
    private var link: (revision: Revision, chain: [UInt8])?

    private init(_ connection: any Connection, _ options: StoreOptions, _ place: String) {
        self.connection = connection
        self.options = options
        self.place = place
    }

    /// Whether a place can be given an image.
    package static func takesImages(_ source: EngineSource, _ options: StoreOptions) throws(StoreError) -> Bool {
        do {
            let engine = try source.makeEngine(options.engine)
            defer { engine.close() }
            return engine is any ImageEngine
        } catch {
            throw StoreError(error)
        }
    }

    /// Makes a store in an empty place.
    ///
    /// - Parameters:
    ///   - isImage: the state begins with an image.
    ///   - fill: brings the image's bytes.
    ///   - body: brings in its state. What it throws ends the work, and nothing is there.
    /// - Throws: ``StoreError``: `targetNotEmpty`, `unfinishedCopy`, `damaged`; what the closures throw.
    package static func make(
        in source: EngineSource, _ options: StoreOptions, as ending: Ending,
        isImage: Bool = false, filledBy fill: (_ write: ([UInt8]) throws -> Void) throws -> Void = { _ in },
        _ body: (RestoredStore) throws -> Void
    ) throws -> Made {
        let engine: any Engine
        do { engine = try source.makeEngine(options.engine) } catch { throw StoreError(error) }
        defer { engine.close() }
        do {
            guard try engine.prepare() == .nothing else { throw try standing(engine) }
            var made: Made?
            let isMade = try create(engine, isImage, fill) { connection in
                let store = RestoredStore(connection, options, engine.place)
                try store.hurry()
                try body(store)
                made = try store.finish(ending)
                if ending == .scratch { throw Discarded() }
                try store.slowDown()
                // Before the store has its name: a note of an earlier store there would tell of commits that are lost.
                try engine.keepNote(HeadNote(try Head.load(connection, locking: false)).bytes)
            }
            guard isMade, let made else {
                throw StoreError.targetNotEmpty(place: engine.place, holds: "what another process made just now")
            }
            return made
        } catch let error as EngineError {
            throw StoreError(engine: error, place: engine.place)
        } catch let error as MigrationError {
            throw StoreError(error, at: engine.place)
        }
    }

    /// Ends the making of a store that nobody wants to keep.
    private struct Discarded: Error {}

    private static func create(
        _ engine: any Engine, _ isImage: Bool, _ fill: (_ write: ([UInt8]) throws -> Void) throws -> Void,
        _ populate: (any Connection) throws -> Void
    ) throws -> Bool {
        do {
            guard isImage else { return try engine.create(populate) }
            guard let engine = engine as? any ImageEngine else {
                throw StoreError.misuse(reason: "\(engine.place) is made of portable snapshots, not of images.")
            }
            return try engine.create(filledBy: fill, populate)
        } catch is Discarded {
            return true
        } catch let error as EngineError where isImage && [.damaged, .notADatabase, .emptyFile].contains(error.code) {
            throw StoreError.damaged(place: "the image", reason: error.message)
        }
    }

    /// What is in the way. Only looked at.
    private static func standing(_ engine: any Engine) throws -> StoreError {
        let reader = try engine.openReader()
        defer { reader.close() }
        return switch try StoreSight.look(reader) {
        case .store: .targetNotEmpty(place: engine.place, holds: "a store")
        case .headless: .targetNotEmpty(place: engine.place, holds: "a store without its head row")
        case .foreign: .targetNotEmpty(place: engine.place, holds: "another program's database")
        case .unfinishedCopy(let mark): mark.error(engine.place)
        }
    }

    /// A crash leaves nothing that anybody reads: until it has its name, the file needs no protection.
    private func hurry() throws {
        guard connection.dialect.name == .sqlite else { return }
        try connection.executeScript("PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF")
    }

    private func slowDown() throws {
        guard connection.dialect.name == .sqlite else { return }
        try connection.executeScript("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL")
    }

    private func caught(_ body: () throws -> Void) throws(StoreError) {
        do { try body() } catch { throw StoreError(error, at: place) }
    }

    private func transaction(_ body: () throws -> Void) throws {
        try connection.begin(.write)
        do {
            try body()
            try connection.commit()
        } catch {
            connection.rollback()
            throw error
        }
    }

    // MARK: Beginning

    /// Begins with nothing: the log's first record comes next.
    package func beginEmpty(cluster: UUID) throws {
        var options = options
        options.replicaOf = cluster
        let record = SchemaRecord(options)
        try Migrator.ofThisLibrary.apply(to: connection, now: now) { try record.append($0, $1) }
        head = try Head.load(connection, locking: false)
        tables = CopiedTable.all(of: Migrator.ofThisLibrary.known)
    }

    /// Begins with a snapshot: its rows come next.
    ///
    /// - Parameter log: the revision after which the store's log is to begin, and its link.
    /// - Throws: ``StoreError/schema(reason:)`` where the rows are of a later schema than this binary's.
    package func begin(
        _ snapshot: SnapshotHead, logAfter log: (revision: Revision, chain: [UInt8])
    ) throws {
        try Self.checkSchema(snapshot.schema)
        try migrate(to: snapshot.schema)
        var head = snapshot.head
        (head.compactedRevision, head.compactedChain, head.logBytes) = (log.revision, log.chain, 0)
        self.head = head
        check = CopyCheck(place: place, head: head)
        link = log
        try transaction {
            try connection.execute(CopiedTable.head.insertion(of: [snapshot.row], most: 1).statement)
        }
    }

    /// Begins with an image, whose bytes are there: its rows, and its log up to the image's revision.
    ///
    /// - Parameter keepsLog: false to begin the log after the image.
    /// - Throws: ``StoreError``: `schema`; `damaged` where the database isn't whole, or is of another moment.
    package func begin(image snapshot: SnapshotHead, keepsLog: Bool) throws {
        try Self.checkSchema(snapshot.schema)
        try Migrator.ofThisLibrary(upTo: snapshot.schema).check(connection, forWriting: true)
        // Rows are proven by their hashes, at the end; an index by nothing but this.
        let flaw = try connection.first("PRAGMA integrity_check(1)") { try $0.text(0) }
        guard flaw == "ok" else {
            throw StoreError.damaged(place: "the image", reason: flaw ?? "it can't be checked")
        }
        let row = try connection.first(CopiedTable.head.page(after: nil, most: 1)) { try CopiedTable.head.values($0) }
        guard row == snapshot.row else {
            throw StoreError.damaged(place: "the image", reason: "its head row is not the one in its manifest")
        }
        var head = snapshot.head
        if !keepsLog {
            try transaction { try connection.execute("DELETE FROM log") }
            (head.compactedRevision, head.compactedChain, head.logBytes) = (head.revision, head.chain, 0)
        }
        self.head = head
        tables = CopiedTable.all(of: snapshot.schema)
        try migrate(to: Migrator.ofThisLibrary.known)
    }

    private static func checkSchema(_ schema: Int64) throws(StoreError) {
        let known = Migrator.ofThisLibrary.known
        guard schema <= known else {
            throw .schema(
                reason: """
                    the snapshot has schema \(schema), this binary makes stores of schema \(known). Nothing was \
                    changed, and the snapshot is intact. Restore it with a newer release.
                    """)
        }
    }

    /// The steps up to a schema. What they tell a store's log, its first own record does.
    private func migrate(to schema: Int64) throws {
        let migrator = Migrator.ofThisLibrary(upTo: schema)
        // Nobody else is there, but a server's later steps are never made without it.
        let lock = tables.isEmpty ? nil : try migrator.takeLock(connection, waiting: .zero, now: now)
        defer { lock?.release(connection) }
        try migrator.apply(to: connection, lock: lock, now: now) { _, _ in }
        tables = CopiedTable.all(of: schema)
    }

    private func now() -> Int64 { options.time.now().microseconds }

    // MARK: A snapshot's rows

    /// The next rows of a table. Tables come in the order of ``SnapshotTable/all(of:)``.
    ///
    /// - Parameter origin: where they were read, for errors.
    /// - Throws: ``StoreError``; `damaged` naming the origin and the row's key.
    package func insert(_ rows: [[Value]], of table: SnapshotTable, from origin: String) throws(StoreError) {
        let table = table.table
        check?.place = origin
        for row in rows { try check?.check(row, of: table) }
        try caught {
            try transaction {
                var rest = rows[...]
                while !rest.isEmpty {
                    let most = CopyTarget.fitting(rest.prefix(connection.dialect.rowsPerInsert))
                    let (statement, count) = table.insertion(of: rest, most: most)
                    try connection.enqueue(statement)
                    rest = rest.dropFirst(count)
                }
            }
        }
    }

    /// All rows are there: they are what the head row says. Those of an earlier schema are brought to this binary's.
    ///
    /// - Parameter origin: where the head row was read, for errors.
    package func endRows(from origin: String) throws(StoreError) {
        check?.place = origin
        for table in tables where table.kind != nil { try check?.end(table) }
        try check?.end()
        check = nil
        try caught { try migrate(to: Migrator.ofThisLibrary.known) }
    }

    /// Records of the log that the snapshot's rows hold already.
    package func insertLog(_ records: [LogRecord]) throws {
        guard var link, var head else { throw StoreError.misuse(reason: "there is no snapshot that this log led to.") }
        try transaction {
            for record in records {
                guard record.revision.rawValue == link.revision.rawValue + 1, record.revision <= head.revision,
                    record.chain == record.link(after: link.chain)
                else {
                    throw StoreError.damaged(
                        place: "log record \(record.revision.rawValue)", reason: "it doesn't follow the one before")
                }
                let row = record.row
                try connection.enqueue(LogRecord.insertion(of: row.values))
                head.logBytes += Int64(row.bytes + Limits.logRowOverhead)
                link = (record.revision, record.chain)
            }
        }
        (self.link, self.head) = (link, head)
    }

    // MARK: The log's records

    /// Applies the next records.
    ///
    /// - Returns: the digests of the rows afterwards.
    /// - Throws: ``StoreError``: `damaged` where they don't follow, or don't fit the rows that are there.
    package func replay(_ records: [LogRecord]) throws(StoreError) -> StateDigests {
        guard let head, let last = records.last else { throw StoreError.misuse(reason: "there is nothing to go on.") }
        if let link, link.revision < head.revision {
            throw StoreError.damaged(place: "log record \(link.revision.rawValue + 1)", reason: "it is missing")
        }
        link = nil
        try caught {
            try transaction {
                let session = WriteSession(
                    connection, head: head, now: last.time, randomness: options.time.random, texts: texts)
                session.begin(actor: "restore")
                try session.verify(records)
                for record in records { try session.replay(record) }
                guard try session.seal() == nil else { throw StoreError.misuse(reason: "a replay made a change.") }
                self.head = session.head
            }
        }
        return self.head?.digests ?? head.digests
    }

    // MARK: The end

    private func finish(_ ending: Ending) throws -> Made {
        guard var head, check == nil else { throw StoreError.misuse(reason: "nothing was restored.") }
        if let link, link.revision < head.revision || link.chain != head.chain {
            throw StoreError.damaged(place: "log record \(link.revision.rawValue)", reason: "the log ends here")
        }
        head.isClean = true
        head.batches += 1
        self.head = head
        try transaction { try head.save(connection) }
        try verify(head)
        let row = try connection.first(CopiedTable.head.page(after: nil, most: 1)) { try CopiedTable.head.values($0) }
        guard let row else { throw Head.missing }
        switch ending {
        case .newEpoch(let earlier): _ = try ClosedStore(connection).beginEpoch(options, above: earlier, as: .leader)
        case .replica:
            try transaction {
                try StoreIdentity.settle(connection, schema: Migrator.ofThisLibrary.known, as: .follower)
            }
        case .scratch: break
        }
        return Made(
            head: SnapshotHead(head: head, row: row), position: try Head.load(connection, locking: false).position)
    }

    /// Computes anew what stands there.
    private func verify(_ head: Head) throws {
        try connection.begin(.read)
        defer { connection.rollback() }
        var check = CopyCheck(place: place, head: head)
        for table in tables {
            if case .none = table.proof { continue }
            try table.forEachRow(connection, at: place, after: nil) { row in try check.check(row, of: table) }
            try check.end(table)
        }
        try check.end()
    }
}
