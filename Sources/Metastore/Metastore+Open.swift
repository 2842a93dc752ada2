internal import FoundationEssentials
internal import Logging
public import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel

extension Metastore {
    /// Opens a store; makes it if nothing is there.
    ///
    /// A volume that was mounted on another machine may be one of two that are copies of each other, block by block.
    /// It opens in a new epoch, and the log says so.
    ///
    /// - Throws: ``StoreError``: `locked` when another process or handle has it open for writing; `schema` when a newer
    ///   release wrote it, or an older one did and `options.schema` doesn't allow to migrate; `unusable` or `damaged`
    ///   when the place or the file is not what it should be; `writeAheadLogMissing` or `historyCut` when commits that
    ///   were durable are not there; `copied` when the file is a copy and `options.copies` doesn't adopt it;
    ///   `follower` when it takes its writes from another store. Nothing is ever deleted or made anew over something
    ///   that was there.
    public static func open(_ source: EngineSource, _ options: StoreOptions = StoreOptions()) async throws -> Metastore
    {
        let store = try await BlockingThread.run(named: "metastore-open") { () throws -> Metastore in
            let engine: any Engine
            do {
                engine = try source.makeEngine(options.engine)
            } catch {
                throw StoreError(error)
            }
            do {
                return try Opening(engine: engine, options: options).open()
            } catch {
                engine.close()
                throw StoreError(opening: engine.place, error)
            }
        }
        store.followFromOutside()
        return store
    }
}

extension StoreError {
    /// While opening, a table or column that isn't there means a damaged catalogue, not a wrong statement.
    fileprivate init(opening place: String, _ error: any Error) {
        switch StoreError(error) {
        case .engine(let error) where error.code == .misuse: self = .damaged(place: place, reason: error.message)
        case let other:
            if let error = error as? EngineError {
                self = StoreError(engine: error, place: place)
            } else {
                self = other
            }
        }
    }
}

/// The steps from a place to an open store, each of which can refuse.
private struct Opening {
    let engine: any Engine
    let options: StoreOptions
    let logger = Logger(label: "metastore")

    private let migrator = Migrator.ofThisLibrary

    func open() throws -> Metastore {
        let found = try engine.prepare()
        for notice in engine.notices { logger.info("\(notice)", metadata: ["place": "\(engine.place)"]) }
        if engine.isReadOnly { return try openReadOnly(found) }
        if found == .nothing {
            // Whoever else made it meanwhile made the same.
            _ = try engine.create { try migrate($0, lock: nil) }
        }
        let connection = try engine.openWriter()
        do {
            let (head, permission) = try claim(connection, found)
            return start(connection, head, permission)
        } catch {
            connection.close()
            throw error
        }
    }

    private func openReadOnly(_ found: Found) throws -> Metastore {
        guard found != .nothing else {
            throw StoreError.unusable(
                place: engine.place, reason: "there is no store here; open it for writing to make one")
        }
        let connection = try engine.openReader()
        defer { connection.close() }
        try checkIsStore(connection)
        try migrator.check(connection, forWriting: false)
        let tail = tail(try Head.load(connection, locking: false))
        return Metastore(
            engine: engine, options: options, readers: pool(tail), writer: nil, tail: tail,
            replication: ReplicationProgress(), leases: LeaseClock(monotonic: options.time.monotonic), logger: logger)
    }

    /// A database of another program is left alone, and so is a copy that isn't finished.
    private func checkIsStore(_ connection: any Connection) throws {
        switch try StoreSight.look(connection) {
        case .store, .headless: return
        case .unfinishedCopy(let mark): throw mark.error(engine.place)
        case .foreign:
            throw StoreError.unusable(
                place: engine.place,
                reason:
                    "it is a database, but no store: another program made it. Nothing was changed; name another path.")
        }
    }

    /// Whoever made the store is not done with it, or never will be: nothing was ever written into it.
    private func isUnbegun(_ connection: any Connection) throws -> Bool {
        try Head.load(connection, locking: false).revision == .absent
    }

    /// Makes sure that the store is whole and ours to write, and marks it as open.
    private func claim(_ connection: any Connection, _ found: Found) throws -> (Head, WritePermission) {
        try checkIsStore(connection)
        let schema: Int64
        do {
            schema = try migrator.check(connection, forWriting: true).found
        } catch MigrationError.pending(let found, let known) {
            guard try options.schema == .automatically || isUnbegun(connection) else {
                throw MigrationError.pending(found: found, known: known)
            }
            // What isn't to be written to isn't to be migrated.
            if found >= StoreIdentity.schema { _ = try decide(connection) }
            let lock = try migrator.takeLock(connection, waiting: options.engine.callTimeout, now: now)
            defer { lock.release(connection) }
            try migrate(connection, lock: lock)
            schema = migrator.known
        }
        let head = try Head.load(connection, locking: false)
        let isCut = head.lack(found, note: try engine.readNote(), place: engine.place)
        if let isCut, options.history == .refuseCut { throw isCut }
        let (decision, isChange) = try decide(connection)
        let permission = WritePermission(migrator: migrator, schema: schema, role: decision.identity.role)
        if options.time.now() + Limits.clockStepBack < head.time {
            logger.info("the clock is behind the last commit; times will stand still until it has caught up")
        }
        guard engine.isExclusive || isCut != nil || isChange else { return (head, permission) }
        let texts = StatementTexts()
        try connection.begin(.write)
        do {
            let session = WriteSession(
                connection, head: try Head.load(connection, locking: true), now: options.time.now(),
                randomness: options.time.random, texts: texts)
            session.begin(actor: options.actor)
            // Again, with the head's lock: another process may have decided meanwhile.
            let (decision, isChange) = try decide(connection)
            if isCut != nil || decision.beginning != nil { try session.openEpoch(holder: options.actor) }
            if isChange { try decision.identity.save(connection) }
            // A follower's rows may be of a later schema than its leader's log told of.
            if decision.identity.role == .leader { try session.tellSchema(schema) }
            session.head.isClean = false
            session.head.batches += 1
            try session.head.save(connection)
            try connection.commit()
            // The writer settles it before its first batch (DESIGN D9). But the note still names what was cut off:
            // without this a crash would have it adopted a second time.
            if isCut != nil {
                try engine.settle(connection)
                try engine.keepNote(HeadNote(session.head).bytes)
            }
            tell(decision.beginning, session.head.epoch)
            return (session.head, permission)
        } catch {
            connection.rollback()
            throw error
        }
    }

    /// What opening means for the store's identity, and whether that changes the row.
    private func decide(_ connection: any Connection) throws -> (IdentityDecision, isChange: Bool) {
        let intent: OpeningIntent =
            options.replicaOf != nil
            ? .follow(options.demotion) : options.isPromotion ? .promote : .lead(options.copies)
        let found = try StoreIdentity.load(connection)
        // Before anything is changed: it may be somebody else's store.
        if let cluster = options.replicaOf, try Head.load(connection, locking: false).cluster != cluster {
            throw StoreError.otherCluster
        }
        let decision = try IdentityDecision(
            found: found, file: try connection.fileMark(), machine: options.machine, intent, place: engine.place)
        if intent == .promote, try isUnbegun(connection) {
            throw StoreError.misuse(reason: "\(engine.place) has followed nothing yet: there is nothing to promote.")
        }
        return (decision, decision.identity != found)
    }

    private func tell(_ beginning: IdentityDecision.Beginning?, _ epoch: Epoch) {
        let words: String
        switch beginning {
        case nil: return
        case .adopted: words = "a copy was adopted: it is the store from now on, in a new epoch"
        case .promoted: words = "a follower was promoted: it takes writes of its own from now on, in a new epoch"
        case .moved:
            words = """
                the store was last open on another machine: its volume was moved here, or is a clone. It goes on in a \
                new epoch. If the other one is still in use, stop one of them: only one may go on
                """
        }
        logger.info("\(words)", metadata: ["place": "\(engine.place)", "epoch": "\(epoch.number)"])
    }

    private func start(_ connection: any Connection, _ head: Head, _ permission: WritePermission) -> Metastore {
        let tail = tail(head)
        let leases = LeaseClock(monotonic: options.time.monotonic)
        leases.follow((try? connection.runningLeases()) ?? [])
        let readers = engine.hasOneConnection ? nil : pool(tail)
        let replication = ReplicationProgress()
        let writer = Writer(
            engine: engine, options: options, readers: readers, tail: tail, replication: replication, leases: leases,
            logger: logger)
        writer.start(connection, head: head, permission)
        return Metastore(
            engine: engine, options: options, readers: readers, writer: writer, tail: tail, replication: replication,
            leases: leases, logger: logger)
    }

    private func tail(_ head: Head) -> Tail {
        Tail(head: head.position, history: engine.isExclusive ? nil : KnownHistory(head.position, of: engine))
    }

    private func pool(_ tail: Tail) -> ReaderPool {
        ReaderPool(
            engine, threads: max(1, options.readerThreads), capacity: Limits.readQueue,
            repeating: engine.isExclusive ? .zero : options.engine.callTimeout, history: tail.history)
    }

    private func migrate(_ connection: any Connection, lock: MigrationLock?) throws {
        let record = SchemaRecord(options)
        try migrator.apply(to: connection, lock: lock, now: now) { try record.append($0, $1) }
    }

    private func now() -> Int64 { options.time.now().microseconds }
}

extension Metastore {
    /// The release of this library.
    public static let version = "0.3.0"
}

/// What the note beside a database says: the newest head known to be durable.
struct HeadNote: Sendable {
    let cluster: UUID
    let revision: Revision
    let chain: [UInt8]

    init(_ head: Head) {
        cluster = head.cluster
        revision = head.revision
        chain = head.chain
    }

    var bytes: [UInt8] {
        let link = DocumentHash(bytes: chain)?.description ?? ""
        return Array("metastore-head 1 \(cluster.uuidString) \(revision.rawValue) \(link)\n".utf8)
    }

    init?(_ bytes: [UInt8]) {
        let words = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isWhitespace)
        guard words.count == 5, words[0] == "metastore-head", words[1] == "1",
            let cluster = UUID(uuidString: String(words[2])), let revision = Int64(words[3]),
            let chain = DocumentHash(String(words[4]))
        else { return nil }
        self.cluster = cluster
        self.revision = Revision(rawValue: revision)
        self.chain = chain.bytes
    }
}

extension UUID {
    /// A UUID of version 7: 48 bits of milliseconds, then randomness, so that they come in order of time.
    static func version7(_ time: Timestamp, _ random: () -> UInt64) -> UUID {
        let milliseconds = UInt64(clamping: time.microseconds / 1_000)
        let high = milliseconds << 16 | 0x7000 | random() & 0x0FFF
        let low = random() & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000
        var bytes: [UInt8] = []
        for word in [high, low] { withUnsafeBytes(of: word.bigEndian) { bytes.append(contentsOf: $0) } }
        return bytes.withUnsafeBytes { UUID(uuid: $0.loadUnaligned(as: uuid_t.self)) }
    }
}
