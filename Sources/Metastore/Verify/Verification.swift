// Invariants
// 1. Nothing is written, and everything is looked at in one snapshot.
// 2. Rows are streamed: memory is bounded by the largest row and VerificationReport.findingsKept.
// 3. Nothing derived is believed: hashes, digests, links, counts and orders are computed anew from the rows.

internal import MetastoreEngine
package import MetastoreModel

extension Metastore {
    /// Recomputes everything the store says of itself: the hash of each row, the digest of each kind, the chain of the
    /// log, the counters and sums of the head, and the invariants of the domain.
    ///
    /// It reads the whole store in one snapshot and never writes. What is wrong is in the report, with the key of the
    /// offending record; only a store that can't be read at all is an error.
    ///
    /// - Throws: ``StoreError/snapshotExpired`` when the write-ahead log was full meanwhile; ``StoreError/closed``,
    ///   ``StoreError/engine(_:)``, ``StoreError/damaged(place:reason:)``.
    public func verify() async throws -> VerificationReport {
        try await read { snapshot in try snapshot.verify() }
    }

    /// Only the log, and only after a revision whose link is taken on trust: what a test can afford after each write.
    package func verifyLog(after revision: Revision) async throws -> VerificationReport {
        try await read { snapshot in
            var verification = Verification(
                snapshot.session, try Head.load(snapshot.session.connection, locking: false))
            try verification.checkLog(after: revision)
            return verification.report
        }
    }
}

extension Snapshot {
    /// What ``Metastore/verify()`` does, in this snapshot.
    public func verify() throws -> VerificationReport {
        var verification = Verification(session, try Head.load(session.connection, locking: false))
        try verification.run()
        return verification.report
    }
}

extension Transaction {
    /// Verifies what this transaction sees; for tests, before anything was written through it.
    package func verify() throws -> VerificationReport {
        var verification = Verification(session, try Head.load(session.connection, locking: false))
        try verification.run()
        return verification.report
    }
}

/// One pass over the store.
struct Verification {
    let session: Session
    let head: Head
    var report: VerificationReport
    private var digests = StateDigests()
    /// Told now and then how many rows and log records were looked at.
    private let progress: (Int) throws -> Void
    private var looked = 0

    init(_ session: Session, _ head: Head, progress: @escaping (Int) throws -> Void = { _ in }) {
        self.session = session
        self.head = head
        self.progress = progress
        report = VerificationReport(revision: head.revision)
    }

    private mutating func step() throws {
        looked += 1
        if looked.isMultiple(of: 4_096) { try progress(looked) }
    }

    mutating func run() throws {
        try checkRows(Experiment.self)
        try checkRows(Trial.self)
        try checkRows(Workload.self)
        try checkRows(Checkpoint.self)
        try checkRows(ExperimentSnapshot.self)
        try checkRows(ResourcePool.self)
        try checkRows(Agent.self)
        try checkRows(Slot.self)
        try checkRows(ClusterTask.self)
        try checkRows(Allocation.self)
        try checkRows(Container.self)
        try checkRows(PortReservation.self)
        try checkRows(Instance.self)
        try checkRows(SpotRequest.self)
        try checkRows(KeyValueEntry.self)
        try checkRows(Lease.self)
        try checkRows(Consumer.self)
        try checkRows(Leadership.self)
        try checkDocuments()
        checkDigests()
        try checkCounters()
        try checkLog(after: head.compactedRevision)
        try checkRules()
        try checkLists()
        if head.schema >= Backfill.schema { try checkSummaries() }
    }

    /// Every row: readable, of its hash, of revisions that were.
    private mutating func checkRows<R: StoredRecord>(_ type: R.Type) throws {
        let table = R.table
        let order = table.key.map { table.columns[$0].name }.joined(separator: ", ")
        let statement = SQL(trusted: "SELECT \(table.columnList), row_hash FROM \(table.name) ORDER BY \(order)")
        try session.forEach(statement) { row in
            try step()
            let image = try row.image(of: table)
            report.rows[table.kind, default: 0] += 1
            let record: R
            do {
                record = try R(image: image)
            } catch {
                report.add("a row can be read", "\(table.kind)", "\(error)")
                return true
            }
            checkRow(table, record.recordKey.path, image, stored: try row.integer(table.columns.count))
            let again = record.image
            for index in image.indices where again[index] != image[index] && !table.columns[index].isLocal {
                report.add("a row reads as it is written", record.recordKey.path, table.columns[index].name)
            }
            return true
        }
    }

    private mutating func checkRow(_ table: Table, _ key: String, _ image: [Value], stored: Int64) {
        var fields = CanonicalWriter()
        fields.row(table, image)
        let hash = RowHash(kind: table.kind, key: key, fields: fields.bytes)
        digests.replace(nil, by: hash, of: table.kind)
        if hash.column != stored { report.add("a row has its hash", key) }
        guard case .integer(let created) = image[0], case .integer(let revision) = image[1], created >= 1,
            created <= revision, revision <= head.revision.rawValue
        else { return report.add("a row's revisions are of this history", key) }
    }

    private mutating func checkDocuments() throws {
        let statement: SQL = """
            SELECT hash, row_hash, size, holders, (SELECT count(*) FROM experiments WHERE config = hash) \
            + (SELECT count(*) FROM experiments WHERE model_definition = hash AND model_definition IS NOT NULL) \
            + (SELECT count(*) FROM workloads WHERE metrics_document = hash AND metrics_document IS NOT NULL) \
            FROM documents ORDER BY hash
            """
        try session.forEach(statement) { row in
            report.rows[.document, default: 0] += 1
            guard let hash = DocumentHash(bytes: try row.bytes(0)) else {
                report.add("a row can be read", "documents", "a hash has not 32 bytes")
                return true
            }
            let key = RecordKey.document(hash).path
            let (holders, references) = (try row.integer(3), try row.integer(4))
            if holders != references {
                report.add("a document counts its holders", key, "\(holders) counted, \(references) found")
            }
            if references == 0 { report.add("a document has a holder", key) }
            do {
                guard let document = try session.document(hash) else { return true }
                checkRow(Document.table, key, document.image, stored: try row.integer(1))
                if Int64(document.content.count) != (try row.integer(2)) {
                    report.add("a document has its size", key)
                }
            } catch {
                report.add("a document has the content of its hash", key, "\(error)")
            }
            return true
        }
    }

    private mutating func checkDigests() {
        digests[.cluster] = head.countersHash.sum
        for kind in RecordKind.allCases where digests[kind] != head.digests[kind] {
            report.add("the digest of a kind is the sum of its rows", "head", "\(kind)")
        }
    }

    private mutating func checkCounters() throws {
        let tables: [(Counter, String)] = [
            (.experiment, "SELECT max(id) FROM experiments"), (.trial, "SELECT max(id) FROM trials"),
            (.workload, "SELECT max(id) FROM workloads"), (.checkpoint, "SELECT max(number) FROM checkpoints"),
            (.task, "SELECT max(id) FROM tasks"), (.allocation, "SELECT max(id) FROM allocations"),
            (.container, "SELECT max(id) FROM containers"), (.lease, "SELECT max(id) FROM leases"),
        ]
        for (counter, text) in tables {
            let largest = try session.first(SQL(trusted: text)) { row in row.isNull(0) ? 0 : try row.integer(0) } ?? 0
            if largest >= head.counters[Int(counter.rawValue) - 1] {
                report.add("an id is given once", "head", "the counter of \(counter) is behind")
            }
        }
    }

    /// The log: whole from the compacted revision to the head, each record linked to the one before.
    mutating func checkLog(after start: Revision) throws {
        let first = max(start, head.compactedRevision)
        var revision = first.rawValue
        var chain = head.compactedChain
        if first > head.compactedRevision {
            chain = try session.first("SELECT chain FROM log WHERE revision = \(revision)") { try $0.bytes(0) } ?? []
        }
        var time = Int64.min
        var bytes: Int64 = 0
        let statement =
            SQL(trusted: "SELECT \(LogRecord.columns), length(body) FROM log ")
            + "WHERE revision > \(first.rawValue) ORDER BY revision"
        try session.forEach(statement) { row in
            try step()
            let key = "log/\(try row.integer(0))"
            report.logRecords += 1
            bytes += try row.integer(13) + Int64(Limits.logRowOverhead)
            revision += 1
            if try row.integer(0) != revision {
                report.add("revisions have no hole", key, "\(revision) was expected")
                revision = try row.integer(0)
            }
            do {
                let record = try LogRecord(row)
                if record.link(after: chain) != record.chain { report.add("a log record has its link", key) }
                if record.time.microseconds < time { report.add("times don't go back", key) }
                (chain, time) = (record.chain, record.time.microseconds)
                try checkBody(record, key)
            } catch {
                report.add("a log record can be read", key, "\(error)")
                chain = try row.bytes(12)
            }
            return true
        }
        if revision != head.revision.rawValue { report.add("the log ends at the head's revision", "head") }
        if chain != head.chain { report.add("the log ends at the head's link", "head") }
        if report.logRecords > 0, time != head.time.microseconds {
            report.add("the head has the last commit's time", "head")
        }
        if first == head.compactedRevision, bytes != head.logBytes {
            report.add("the head counts the log's bytes", "head", "\(head.logBytes) counted, \(bytes) found")
        }
    }

    private mutating func checkBody(_ record: LogRecord, _ key: String) throws {
        var kinds: RecordKinds = []
        var keys: Set<[UInt8]> = []
        var repeated = false
        try record.decodeBody { (change) throws(StoreError) in
            kinds.insert(RecordKinds(change.kind))
            if !keys.insert(Array(change.key)).inserted { repeated = true }
            if change.kind != .cluster { _ = try change.change(record.revision) }
        }
        if repeated { report.add("a revision has one change a key", key) }
        if kinds != record.kinds { report.add("a log record names its kinds", key) }
    }
}
