internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// What the log told beside its changes.
struct LoggedState {
    /// By code: the last that a record tells.
    var counters: [UInt8: Int64] = [:]
    var cluster: UUID?
    var epoch: Epoch?
    var consumers: [String: (progress: ConsumerProgress, time: Timestamp)] = [:]
    var highest: Int64 = 0
}

extension SalvageTarget {
    /// Kinds whose rows sum up to the digest of a head row: they are all there, each as it was.
    func wholeKinds(_ log: SalvagedLog) throws -> Set<RecordKind> {
        guard let head = heads.max(by: { $0.revision < $1.revision }), head.hasProvenCounters,
            log.tail.map({ $0.last <= head.revision }) ?? true
        else { return [] }
        let found = try digests()
        return Set(RecordKind.allCases.filter { $0 != .cluster && found[$0] == head.digests[$0] })
    }

    /// Summed up over the rows that are there. The rows of records alone.
    func digests() throws -> StateDigests {
        let head = Head(cluster: UUID(), epoch: Epoch(number: 0, nonce: 0), time: options.time.now(), schema: 1)
        var check = CopyCheck(place: "the new store", head: head)
        for table in tables where table.kind != nil {
            try table.copied.forEachRow(connection, at: "the new store", after: nil) { row in
                try check.check(row, of: table.copied)
            }
        }
        return check.digests
    }

    /// Lays what the log proves over the rows: what it changed later, what is missing, what it deleted.
    func applyLog(_ log: SalvagedLog, whole: Set<RecordKind>) throws -> LoggedState {
        var state = LoggedState()
        let tail = log.tail
        let newest = max(try highestRevision(), heads.map(\.revision.rawValue).max() ?? 0)
        try forEachLogRow { row in
            let record = try LogRecord(values: row, place: "the log")
            guard let record, let stretch = log.stretches.first(where: { $0.covers(record.revision.rawValue) }),
                stretch.isOurs
            else { return }
            let isLast = stretch == tail && stretch.last.rawValue >= newest
            state.epoch = record.epoch
            state.highest = record.revision.rawValue
            if let consumer = record.consumer { state.consumers[consumer.name] = (consumer, record.time) }
            var changes: [(RecordKind, before: [Value]?, after: [Value]?)] = []
            var operation: OperationRecord?
            try record.decodeBody { (code, next) throws(StoreError) in
                state.counters[code] = next
            } operation: { (found) throws(StoreError) in
                operation = found
            } change: { (raw) throws(StoreError) in
                guard !whole.contains(raw.kind) else { return }
                let images = try raw.images(raw.kind.table)
                changes.append((raw.kind, images.before, images.after))
            }
            if let operation, let id = record.operation { try put(operation, id, record) }
            for (kind, before, after) in changes {
                guard kind != .cluster else {
                    if case .uuid(let id)? = after?.last { state.cluster = id }
                    continue
                }
                try lay(kind, before, after, at: record.revision.rawValue, isLast: isLast)
            }
            try step()
        }
        return state
    }

    private func put(_ operation: OperationRecord, _ id: UUID, _ record: LogRecord) throws {
        try connection.execute(
            """
            INSERT INTO operations (id, fingerprint, result, revision, time) VALUES (\(id), \(operation.fingerprint), \
            \(operation.result), \(record.revision.rawValue), \(Value.timestamp(record.time.microseconds))) \
            ON CONFLICT (id) DO NOTHING
            """)
    }

    /// One change, over the row of its key.
    private func lay(
        _ kind: RecordKind, _ before: [Value]?, _ after: [Value]?, at revision: Int64, isLast: Bool
    ) throws {
        guard let image = after ?? before else { return }
        let table = kind.table
        let key = try StoredRow(kind, image: image, stored: nil).key
        let keyValues = table.key.map { image[$0] }
        let condition = table.key.map { "\(table.columns[$0].name) = \u{1}" }.joined(separator: " AND ")
        let revisionColumn = kind == .document ? "created_revision" : "revision"
        let found = try connection.first(
            SQL(
                trusted: "SELECT \(revisionColumn), row_hash FROM \(table.name) WHERE \(condition)", values: keyValues)
        ) { row in (revision: try row.integer(0), hash: try row.integer(1)) }
        guard let after else {
            guard let found, found.revision < revision else { return }
            try connection.execute(SQL(trusted: table.deleteText, values: keyValues))
            return try mark(key, nil)
        }
        let hash = RowHash(table, key, after)
        if let found {
            if found.revision > revision { return }
            if found.revision == revision, found.hash == hash.column {
                // What happened in a hole after this stretch nobody knows.
                if isLast { try mark(key, nil) }
                return
            }
            if kind == .document { return }
            let logged: UInt64 = (1 << UInt64(table.loggedCount)) - 1
            try changed(
                SQL(
                    trusted: table.updateText(logged),
                    values: after.prefix(table.loggedCount) + [.integer(hash.column)] + keyValues), after, kind)
        } else if kind == .document {
            try insert(try Document(image: after), hash)
        } else {
            let local = table.columns[table.loggedCount...].map { column in
                kind == .leadership ? after[table.columns.firstIndex { $0.name == "taken_time" } ?? 0] : Value.null
            }
            try changed(
                SQL(
                    trusted: table.insertText,
                    values: after.prefix(table.loggedCount) + local + [.integer(hash.column)]), after, kind)
        }
        try mark(key, isLast ? .rebuilt : .rebuiltBeforeHole)
    }

    /// The image of the log is this store's: what stands in its way is of an earlier state, and goes.
    private func changed(_ statement: SQL, _ after: [Value], _ kind: RecordKind) throws {
        do {
            try connection.execute(statement)
        } catch {
            guard case .constraint = error.code, !error.endedTransaction else { throw error }
            for columns in kind.uniqueColumns {
                let values = columns.map { name in
                    kind.table.columns.firstIndex { $0.name == name }.map { after[$0] } ?? .null
                }
                let condition = columns.map { "\($0) = \u{1}" }.joined(separator: " AND ")
                try connection.execute(
                    SQL(trusted: "DELETE FROM \(kind.table.name) WHERE \(condition)", values: values))
            }
            let table = kind.table
            let hash = RowHash(table, try kind.key(of: after), after)
            let local = Array(repeating: Value.null, count: table.columns.count - table.loggedCount)
            try connection.execute(
                SQL(trusted: table.deleteText, values: table.key.map { after[$0] }))
            try connection.execute(
                SQL(
                    trusted: table.insertText,
                    values: after.prefix(table.loggedCount) + local + [.integer(hash.column)]))
        }
    }

    private func insert(_ document: Document, _ hash: RowHash) throws {
        let (encoding, stored) = Compression.compress(document.content)
        try connection.execute(
            """
            INSERT INTO documents (hash, encoding, content, size, created_revision, row_hash, holders) VALUES \
            (\(document.hash.bytes), \(encoding.rawValue), \(stored), \(document.content.count), \
            \(document.createdRevision.rawValue), \(hash.column), 0)
            """)
    }

    // MARK: What the log doesn't know

    /// Takes out rows that carry a revision whose record is there and has no such change: they are of another store, or
    /// of a history that this one left. Where the record is lost nothing tells; such rows are marked.
    func takeOutUnknown(_ log: SalvagedLog, whole: Set<RecordKind>) throws {
        guard log.stretches.contains(where: \.isOurs) else { return try doubt(log, whole) }
        try connection.run(
            """
            CREATE TABLE salvage_known (kind INTEGER NOT NULL, key TEXT NOT NULL, revision INTEGER NOT NULL,
                PRIMARY KEY (kind, key, revision)) STRICT, WITHOUT ROWID
            """)
        try forEachLogRow { row in
            let record = try LogRecord(values: row, place: "the log")
            guard let record, log.covers(record.revision.rawValue) else { return }
            var known: [(RecordKind, String)] = []
            try record.decodeBody { (raw) throws(StoreError) in
                guard raw.kind != .cluster, !whole.contains(raw.kind), raw.operation != .deleted else { return }
                known.append((raw.kind, String(decoding: raw.key, as: UTF8.self)))
            }
            for (kind, key) in known {
                try connection.execute(
                    """
                    INSERT INTO salvage_known (kind, key, revision) VALUES (\(Int(kind.rawValue)), \(key), \
                    \(record.revision.rawValue)) ON CONFLICT DO NOTHING
                    """)
            }
            try step()
        }
        for table in tables {
            guard let kind = table.kind, !whole.contains(kind) else { continue }
            while try takeOutUnknown(table, kind, log) == Self.batchRows { try endBatch() }
        }
        try connection.run("DROP TABLE salvage_known")
    }

    /// What is there of a log is another store's, as far as can be told: it may be this one's all the same, and the
    /// head row another's. The rows that it should tell of are marked.
    private func doubt(_ log: SalvagedLog, _ whole: Set<RecordKind>) throws {
        guard log.proven > 0, let compacted = heads.map(\.compactedRevision.rawValue).max() else { return }
        for table in tables {
            guard let kind = table.kind, !whole.contains(kind) else { continue }
            var keys: [RecordKey] = []
            try forEachRecord(of: table) { _, record in
                if record.revision.rawValue > compacted { keys.append(record.key) }
                return true
            }
            for key in keys { try mark(key, .unconfirmed) }
        }
    }

    /// - Parameter body: false ends it.
    private func forEachRecord(of table: SalvagedTable, _ body: ([Value], StoredRow) throws -> Bool) throws {
        try connection.forEachRow(SQL(trusted: table.selectText)) { row in
            let values = try table.columns.indices.map { try row.value($0, as: table.columns[$0].type) }
            return try body(values, try table.record(values))
        }
    }

    /// - Returns: how many, at most a batch.
    private func takeOutUnknown(_ table: SalvagedTable, _ kind: RecordKind, _ log: SalvagedLog) throws -> Int {
        var unknown: [[Value]] = []
        var unproven: [RecordKey] = []
        try forEachRecord(of: table) { values, record in
            guard log.covers(record.revision.rawValue) else {
                if log.lacks(record.revision.rawValue) { unproven.append(record.key) }
                return true
            }
            let isKnown = try connection.first(
                """
                SELECT 1 FROM salvage_known WHERE kind = \(Int(kind.rawValue)) AND key = \(record.key.path) \
                AND revision = \(record.revision.rawValue)
                """
            ) { try $0.integer(0) }
            guard isKnown == nil else { return true }
            try aside(table, values, record.key, "the log has the revision it carries, and no such change in it")
            unknown.append(kind.table.key.map { record.image[$0] })
            return unknown.count < Self.batchRows
        }
        for key in unknown { try connection.execute(SQL(trusted: kind.table.deleteText, values: key)) }
        for key in unproven { try mark(key, .unconfirmed) }
        return unknown.count
    }
}

extension Connection {
    /// A statement inside the open transaction.
    func run(_ text: String) throws(EngineError) { _ = try execute(SQL(trusted: text)) }
}

extension RecordKind {
    /// What only one row of the kind may have, beside its key.
    fileprivate var uniqueColumns: [[String]] {
        switch self {
        case .experiment: [["external_id"]]
        case .trial: [["experiment", "request_id"]]
        case .workload: [["trial", "step", "kind", "generation"]]
        case .checkpoint: [["uuid"]]
        case .pool: [["tag_key", "tag_value"]]
        case .instance: [["instance_id"]]
        default: []
        }
    }
}
