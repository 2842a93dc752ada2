// Invariant: what is checked here is computed anew from the rows and the log, never taken from what is checked.

internal import MetastoreEngine
package import MetastoreModel

/// What recomputing a store's checksums found.
package struct Verification: Sendable {
    /// The revision of the snapshot that was looked at.
    package internal(set) var revision = Revision.absent
    package internal(set) var logRecords = 0
    package internal(set) var rows = 0
    /// What contradicts itself, in words; empty in a whole store.
    package internal(set) var faults: [String] = []
}

extension Metastore {
    /// Recomputes the log's chain after a revision, and every row's hash and the digests, in one snapshot.
    ///
    /// - Parameters:
    ///   - after: the chain is taken on trust up to here.
    ///   - checkingRows: false leaves out the rows and the digests, whose cost grows with the store.
    package func verify(after: Revision = .absent, checkingRows: Bool = true) async throws -> Verification {
        try await read { snapshot in
            var check = try StoreCheck(session: snapshot.session)
            try check.log(after: after)
            if checkingRows { try check.rows() }
            return check.result
        }
    }
}

private struct StoreCheck {
    let session: Session
    private let head: Head
    var result = Verification()
    private var digests = StateDigests()

    init(session: Session) throws {
        self.session = session
        head = try Head.load(session.connection, locking: false)
        result.revision = head.revision
    }

    mutating func log(after: Revision) throws {
        var previous = max(after, head.compactedRevision).rawValue
        guard var chain = try chain(at: previous) else {
            result.faults.append("the log lacks revision \(previous)")
            return
        }
        var time = Timestamp(microseconds: .min)
        var faults: [String] = []
        var count = 0
        try session.forEach(
            SQL(trusted: "SELECT \(LogRecord.columns) FROM log ") + "WHERE revision > \(previous) ORDER BY revision"
        ) { row in
            let record = try LogRecord(row)
            let revision = record.revision.rawValue
            if revision != previous + 1 { faults.append("revision \(previous + 1) is missing") }
            if record.chain != record.link(after: chain) { faults.append("the chain breaks at revision \(revision)") }
            if record.time < time { faults.append("time goes back at revision \(revision)") }
            var kinds: RecordKinds = []
            try record.decodeBody { (change) throws(StoreError) in kinds.insert(RecordKinds(change.kind)) }
            if kinds != record.kinds { faults.append("revision \(revision) has other kinds than it says") }
            (previous, chain, time) = (revision, record.chain, record.time)
            count += 1
            return true
        }
        if previous != head.revision.rawValue {
            faults.append("the log ends at revision \(previous), the head is at \(head.revision.rawValue)")
        } else if chain != head.chain {
            faults.append("the head has another link than the log's end")
        }
        result.logRecords += count
        result.faults += faults
    }

    private func chain(at revision: Int64) throws -> [UInt8]? {
        if revision == 0 { return LogRecord.genesis(cluster: head.cluster) }
        if revision == head.compactedRevision.rawValue { return head.compactedChain }
        return try session.first("SELECT chain FROM log WHERE revision = \(revision)") { try $0.bytes(0) }
    }

    mutating func rows() throws {
        try table(Experiment.self)
        try table(Trial.self)
        try table(Workload.self)
        try table(Checkpoint.self)
        try table(ExperimentSnapshot.self)
        try table(ResourcePool.self)
        try table(Agent.self)
        try table(Slot.self)
        try table(ClusterTask.self)
        try table(Allocation.self)
        try table(Container.self)
        try table(PortReservation.self)
        try table(Instance.self)
        try table(SpotRequest.self)
        try table(KeyValueEntry.self)
        try table(Lease.self)
        try table(Consumer.self)
        try table(Leadership.self)
        try documents()
        digests[.cluster] = head.countersHash.sum
        for kind in RecordKind.allCases where digests[kind] != head.digests[kind] {
            result.faults.append("the digest of kind \(kind) differs from its rows")
        }
    }

    private mutating func table<R: StoredRecord>(_ type: R.Type) throws {
        let table = R.table
        var found: [(hash: RowHash, stored: Int64, key: String, revision: Revision)] = []
        try session.forEach(SQL(trusted: "SELECT \(table.columnList), row_hash FROM \(table.name)")) { row in
            let record = try R(image: try row.image(of: table))
            let key = record.recordKey.path
            found.append((hash(record, key), try row.integer(table.columns.count), key, record.revision))
            return true
        }
        for row in found { add(row.hash, table.kind, stored: row.stored, row.key, row.revision) }
    }

    private mutating func documents() throws {
        let stored = try session.all("SELECT hash, row_hash FROM documents") { row in
            (hash: DocumentHash(bytes: try row.bytes(0)), rowHash: try row.integer(1))
        }
        for row in stored {
            guard let hash = row.hash, let document = try session.document(hash) else { continue }
            let key = document.recordKey.path
            add(self.hash(document, key), .document, stored: row.rowHash, key, document.revision)
        }
    }

    private func hash<R: StoredRecord>(_ record: R, _ key: String) -> RowHash {
        var fields = CanonicalWriter(capacity: 256)
        fields.row(R.table, record.image)
        return RowHash(kind: R.table.kind, key: key, fields: fields.bytes)
    }

    private mutating func add(_ hash: RowHash, _ kind: RecordKind, stored: Int64, _ key: String, _ revision: Revision) {
        result.rows += 1
        digests.replace(nil, by: hash, of: kind)
        if stored != hash.column { result.faults.append("\(key) has another hash than its row") }
        if revision > head.revision { result.faults.append("\(key) is of revision \(revision.rawValue), ahead of the head") }
    }
}
