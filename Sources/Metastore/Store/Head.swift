internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// Which counter of the head row an id comes from. The codes stand in the log.
enum Counter: UInt8, CaseIterable, Sendable {
    case experiment = 1
    case trial = 2
    case workload = 3
    case checkpoint = 4
    case task = 5
    case allocation = 6
    case container = 7
    case lease = 8
}

/// The head row: locked first and written last in every batch (DESIGN D9).
struct Head: Sendable, Hashable {
    var cluster: UUID
    var epoch: Epoch
    var revision: Revision
    var compactedRevision: Revision
    var chain: [UInt8]
    var time: Timestamp
    var schema: Int64
    var digests: StateDigests
    var isClean: Bool
    /// The link of the compacted revision.
    var compactedChain: [UInt8]
    /// About how many bytes the log takes.
    var logBytes: Int64
    /// How many batches were ever committed: tells whether one was, even if it made no revision.
    var batches: Int64
    /// The next id of each counter, in order of the counters' codes.
    var counters: [Int64]

    /// The head of a store in which nothing has happened yet.
    init(cluster: UUID, epoch: Epoch, time: Timestamp, schema: Int64) {
        self.cluster = cluster
        self.epoch = epoch
        self.time = time
        self.schema = schema
        revision = .absent
        compactedRevision = .absent
        chain = LogRecord.genesis(cluster: cluster)
        compactedChain = chain
        digests = StateDigests()
        isClean = false
        logBytes = 0
        batches = 0
        counters = Array(repeating: 1, count: Counter.allCases.count)
        digests[.cluster] = countersHash.sum
    }

    /// A position at this head.
    var position: Position {
        Position(cluster: cluster, epoch: epoch, revision: revision, chainPrefix: Position.prefix(of: chain))
    }

    mutating func take(_ counter: Counter) -> Int64 {
        let index = Int(counter.rawValue) - 1
        defer { counters[index] += 1 }
        return counters[index]
    }

    /// The digest of the counters, which stands for the `cluster` kind.
    var countersHash: RowHash { counters.hash }
}

extension Head {
    private static let columns = """
        cluster, epoch, epoch_nonce, revision, compacted_revision, chain, time, schema_version, digests, clean, \
        next_experiment, next_trial, next_workload, next_checkpoint, next_task, next_allocation, next_container, \
        next_lease, compacted_chain, log_bytes, batches
        """
    private static let selection = "SELECT \(columns) FROM head WHERE id = 1"

    /// Reads it; with `locking`, takes the row's lock for this transaction.
    static func load(_ connection: any Connection, locking: Bool) throws -> Head {
        try load(connection, locking: locking) { try Head($0) }
    }

    /// Locks the row and reads it; `known` is returned where the row still says just that, without taking it apart.
    static func lock(_ connection: any Connection, known: Head) throws -> Head {
        try load(connection, locking: true) { row in
            known.isStored(in: row.lent.columns()) ? known : try Head(row)
        }
    }

    private static func load(
        _ connection: any Connection, locking: Bool, _ read: (borrowing Row) throws -> Head
    ) throws -> Head {
        let clause = locking ? connection.dialect.lockingClause : ""
        let statement = SQL(trusted: clause.isEmpty ? selection : selection + clause)
        guard let head = try connection.first(statement, read) else { throw missing }
        return head
    }

    /// The position at the stored head, without the rest of the row.
    static func position(_ connection: any Connection) throws -> Position {
        let statement = SQL(trusted: "SELECT \(Position.headColumns) FROM head WHERE id = 1")
        guard let position = try connection.first(statement, { try Position(headRow: $0) }) else { throw missing }
        return position
    }

    static let missing = StoreError.damaged(place: "the store", reason: "its head row is missing")

    private func isStored(in row: UnsafeBufferPointer<RawColumn>) -> Bool {
        func holds(_ column: Int, _ number: Int64) -> Bool {
            row[column].kind == .integer && row[column].integer == number
        }
        func holds(_ column: Int, _ bytes: [UInt8]) -> Bool {
            row[column].kind == .bytes && row[column].content.elementsEqual(bytes)
        }
        return holds(1, epoch.number) && holds(2, Int64(bitPattern: epoch.nonce)) && holds(3, revision.rawValue)
            && holds(4, compactedRevision.rawValue) && holds(5, chain) && holds(6, time.microseconds)
            && holds(7, schema) && row[8].kind == .bytes && digests.isEqual(to: row[8].content)
            && holds(9, isClean ? 1 : 0) && counters.indices.allSatisfy { holds(10 + $0, counters[$0]) }
            && holds(18, compactedChain) && holds(19, logBytes) && holds(20, batches)
            && row[0].kind == .bytes && row[0].count == 16
            && UUID(uuid: row[0].content.loadUnaligned(as: uuid_t.self)) == cluster
    }

    private init(_ row: borrowing Row) throws {
        cluster = try row.uuid(0)
        epoch = Epoch(number: try row.integer(1), nonce: UInt64(bitPattern: try row.integer(2)))
        revision = Revision(rawValue: try row.integer(3))
        compactedRevision = Revision(rawValue: try row.integer(4))
        chain = try row.bytes(5)
        time = Timestamp(microseconds: try row.timestamp(6))
        schema = try row.integer(7)
        guard let digests = StateDigests(bytes: try row.bytes(8)) else {
            throw StoreError.damaged(place: "the head row", reason: "its digests are not of their size")
        }
        self.digests = digests
        isClean = try row.integer(9) != 0
        counters = []
        counters.reserveCapacity(Counter.allCases.count)
        for index in Counter.allCases.indices { counters.append(try row.integer(10 + index)) }
        compactedChain = try row.bytes(18)
        logBytes = try row.integer(19)
        batches = try row.integer(20)
    }

    private static let changed = [
        "epoch", "epoch_nonce", "revision", "chain", "time", "schema_version", "digests", "clean",
        "compacted_revision", "next_experiment", "next_trial", "next_workload", "next_checkpoint", "next_task",
        "next_allocation", "next_container", "next_lease", "compacted_chain", "log_bytes", "batches",
    ]
    private static let updateText =
        "UPDATE head SET " + changed.map { "\($0) = \u{1}" }.joined(separator: ", ") + " WHERE id = 1"

    /// The row as a batch leaves it.
    func save(_ connection: any Connection) throws(EngineError) {
        var values: [Value] = []
        values.reserveCapacity(Self.changed.count)
        values.append(.integer(epoch.number))
        values.append(.integer(Int64(bitPattern: epoch.nonce)))
        values.append(.integer(revision.rawValue))
        values.append(.bytes(chain))
        values.append(.timestamp(time.microseconds))
        values.append(.integer(schema))
        values.append(.bytes(digests.bytes))
        values.append(isClean.sqlValue)
        values.append(.integer(compactedRevision.rawValue))
        for next in counters { values.append(.integer(next)) }
        values.append(.bytes(compactedChain))
        values.append(.integer(logBytes))
        values.append(.integer(batches))
        try connection.enqueue(SQL(trusted: Self.updateText, values: values))
    }

    /// The row of a new store. The step that makes it writes who may read and write right after.
    func insert(_ connection: any Connection) throws(EngineError) {
        try connection.execute(
            """
            INSERT INTO head (id, cluster, epoch, epoch_nonce, revision, compacted_revision, chain, time, \
            schema_version, min_reader, min_writer, digests, clean, next_experiment, next_trial, next_workload, \
            next_checkpoint, next_task, next_allocation, next_container, next_lease, compacted_chain, log_bytes, \
            batches) VALUES (1, \(cluster), \
            \(epoch.number), \(Int64(bitPattern: epoch.nonce)), \(revision.rawValue), \
            \(compactedRevision.rawValue), \(chain), \(Value.timestamp(time.microseconds)), \(schema), 1, 1, \
            \(digests.bytes), \(isClean), 1, 1, 1, 1, 1, 1, 1, 1, \
            \(compactedChain), \(logBytes), \(batches))
            """)
    }
}

extension Position {
    /// What ``init(headRow:)`` reads, first in the row.
    static let headColumns = "cluster, epoch, epoch_nonce, revision, chain"

    init(headRow row: borrowing Row) throws(EngineError) {
        self.init(
            cluster: try row.uuid(0),
            epoch: Epoch(number: try row.integer(1), nonce: UInt64(bitPattern: try row.integer(2))),
            revision: Revision(rawValue: try row.integer(3)), chainPrefix: Position.prefix(of: try row.bytes(4)))
    }
}
