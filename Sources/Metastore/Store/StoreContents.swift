internal import MetastoreEngine
package import MetastoreModel

/// Everything the log speaks of, as it stands in one snapshot: two stores hold the same exactly when these are equal.
package struct StoreContents: Sendable, Equatable {
    /// A row: its logged fields, the hash it carries, and what is derived from it.
    package struct Row: Sendable, Hashable {
        package let key: String
        package let fields: [UInt8]
        package let rowHash: Int64
        package let derived: [String]
    }

    package var rows: [RecordKind: [Row]] = [:]
    /// As the head row says.
    package var digests = StateDigests()
    /// Summed up anew over the rows.
    package var digestsOfRows = StateDigests()
    package var counters: [Int64] = []
    package var revision = Revision.absent
    /// The links of the log's records, by revision.
    package var links: [[UInt8]] = []
    /// The remembered operations that the log knows of.
    package var operations: [String] = []
    /// Rows whose own hash is not that of their fields.
    package var damagedRows: [String] = []

    package init() {}
}

extension Metastore {
    /// Reads the whole store: for tests, and for stores that fit into memory.
    package func contents() async throws -> StoreContents {
        try await read { snapshot in
            let session = snapshot.session
            let head = try Head.load(session.connection, locking: false)
            var contents = StoreContents()
            contents.digests = head.digests
            contents.counters = head.counters
            contents.revision = head.revision
            contents.digestsOfRows[.cluster] = head.countersHash.sum
            for kind in RecordKind.allCases where kind != .cluster { try contents.read(kind, session) }
            contents.links = try session.all("SELECT chain FROM log ORDER BY revision") { try $0.bytes(0) }
            contents.operations = try session.all(
                """
                SELECT operations.id, operations.fingerprint, operations.result, operations.revision, operations.time \
                FROM operations JOIN log ON log.operation = operations.id ORDER BY operations.id
                """
            ) { row in
                """
                \(try row.uuid(0)) \(try row.bytes(1)) \(try row.bytes(2)) \(try row.integer(3)) \
                \(try row.timestamp(4))
                """
            }
            return contents
        }
    }
}

extension StoreContents {
    fileprivate mutating func read(_ kind: RecordKind, _ session: Session) throws {
        switch kind {
        case .experiment:
            try read(Experiment.self, session) { record in
                try session.all(
                    "SELECT label FROM experiment_labels WHERE experiment = \(record.id) ORDER BY label"
                ) { try $0.text(0) }
            }
        case .trial:
            try read(Trial.self, session) { record in
                try session.all("SELECT best_order FROM trials WHERE id = \(record.id)") { row in
                    row.isNull(0) ? "none" : String(try row.real(0))
                }
                    + session.all(
                        "SELECT through_step, through_kind, content FROM trial_summaries WHERE trial = \(record.id)"
                    ) { row in "summaries to \(try row.integer(0)) \(try row.integer(1)): \(try row.bytes(2))" }
            }
        case .workload: try read(Workload.self, session)
        case .checkpoint: try read(Checkpoint.self, session)
        case .snapshot: try read(ExperimentSnapshot.self, session)
        case .pool: try read(ResourcePool.self, session)
        case .agent: try read(Agent.self, session)
        case .slot: try read(Slot.self, session)
        case .task: try read(ClusterTask.self, session)
        case .allocation: try read(Allocation.self, session)
        case .container: try read(Container.self, session)
        case .port: try read(PortReservation.self, session)
        case .instance: try read(Instance.self, session)
        case .spotRequest: try read(SpotRequest.self, session)
        case .keyValue: try read(KeyValueEntry.self, session)
        case .lease: try read(Lease.self, session)
        case .consumer: try read(Consumer.self, session)
        case .leadership: try read(Leadership.self, session)
        case .document: try readDocuments(session)
        case .cluster: return
        }
    }

    private mutating func read<R: StoredRecord>(
        _ type: R.Type, _ session: Session, derived: (R) throws -> [String] = { _ in [] }
    ) throws {
        let table = R.table
        let key = table.key.map { table.columns[$0].name }.joined(separator: ", ")
        let found = try session.all(
            SQL(trusted: "SELECT \(table.columnList), row_hash FROM \(table.name) ORDER BY \(key)")
        ) { row in (try R(image: try row.image(of: table)), try row.integer(table.columns.count)) }
        for (record, hash) in found { add(record, hash, try derived(record)) }
    }

    private mutating func readDocuments(_ session: Session) throws {
        let found = try session.all("SELECT hash, row_hash, holders FROM documents ORDER BY hash") { row in
            (try row.bytes(0), try row.integer(1), try row.integer(2))
        }
        for (bytes, rowHash, holders) in found {
            guard let hash = DocumentHash(bytes: bytes), let document = try session.document(hash) else { continue }
            add(document, rowHash, ["\(holders) holders"])
        }
    }

    private mutating func add<R: StoredRecord>(_ record: R, _ rowHash: Int64, _ derived: [String]) {
        let key = record.recordKey.path
        var fields = CanonicalWriter()
        fields.row(R.table, record.image)
        let hash = RowHash(kind: R.recordKind, key: key, fields: fields.bytes)
        if hash.column != rowHash { damagedRows.append(key) }
        digestsOfRows.replace(nil, by: hash, of: R.recordKind)
        rows[R.recordKind, default: []].append(
            Row(key: key, fields: fields.bytes, rowHash: rowHash, derived: derived))
    }
}
