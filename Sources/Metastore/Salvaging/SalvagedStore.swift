package import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreMigration
package import MetastoreModel

/// What a store was made of.
package struct SalvagedStore: Sendable {
    package struct Rows: Sendable {
        /// That are in the store.
        package var recovered = 0
        /// Of these, made from the log.
        package var rebuilt = 0
        /// Of these, rows that may have been changed or deleted since, or be another store's: the log doesn't reach
        /// them.
        package var unconfirmed = 0
        /// All rows the lost store had are there: they sum up to the digest of its head row.
        package var isWhole = false
    }

    package var rows: [RecordKind: Rows] = [:]
    package var log = SalvagedLog()
    package var cluster = UUID()
    /// Where the cluster's id comes from; nil when it is a new one.
    package var clusterIsKnown = false
    package var revision = Revision.absent
    /// As the note beside the lost store tells it.
    package var notedRevision: Revision?
    /// The log of the new store begins after it.
    package var compactedRevision = Revision.absent
    /// Rows that were set right.
    package var corrected = 0
    /// Keys of the rows that may have been changed or deleted since.
    package var unconfirmedKeys: [String] = []
    package var verification: VerificationReport
    /// To be kept beside the database.
    package var note: [UInt8] = []

    /// How many keys are told one by one.
    package static let keysTold = 100_000
}

extension SalvageTarget {
    /// Whether more rows have to be looked for, and of which kinds: those that are not all there.
    package func missingKinds(note: [UInt8]?) throws -> Set<RecordKind> {
        try endBatch()
        let log = try proveLog(note: note.flatMap(HeadNote.init))
        return Set(RecordKind.allCases).subtracting(try wholeKinds(log))
    }

    /// Makes a store of what was put in.
    ///
    /// - Parameter note: what lay beside the lost store.
    package func finish(note: [UInt8]?) throws -> SalvagedStore {
        try endBatch()
        let note = note.flatMap(HeadNote.init)
        let log = try proveLog(note: note)
        var whole = try wholeKinds(log)
        let state = try applyLog(log, whole: whole)
        try endBatch()
        let isWhole = whole.count == RecordKind.allCases.count - 1
        if !isWhole {
            try takeOutUnknown(log, whole: whole)
            whole = try wholeKinds(log)
            try takeOutDependents()
        }
        try deriveRows()
        let head = try newHead(log, state, note)
        try save(head)
        let session = WriteSession(
            connection, head: try Head.load(connection, locking: true), now: options.time.now(),
            randomness: options.time.random, texts: StatementTexts())
        session.begin(actor: options.actor)
        try session.openEpoch(holder: options.actor)
        try StoreIdentity.settle(connection, schema: head.schema)
        try session.moveConsumers(state.consumers)
        var report = SalvagedStore(verification: VerificationReport(revision: head.revision))
        report.corrected = try session.correct(isWhole: isWhole)
        session.head.isClean = true
        session.head.batches += 1
        try session.head.save(connection)
        try connection.commit()
        try deriveOrder()
        try count(whole, &report)
        try connection.executeScript("DROP TABLE salvage_marks; PRAGMA foreign_keys = ON")
        try checkForeignKeys()
        report.log = log
        report.notedRevision = note?.revision
        report.cluster = head.cluster
        report.clusterIsKnown = state.cluster != nil || !heads.isEmpty || note != nil
        report.revision = head.revision
        report.compactedRevision = head.compactedRevision
        let store = ClosedStore(connection)
        report.verification = try store.verify()
        report.note = try store.note()
        return report
    }

    /// SQLite was told not to look while rows were put in.
    private func checkForeignKeys() throws {
        let open = try connection.first("SELECT \"table\" FROM pragma_foreign_key_check") { try $0.text(0) }
        if let open {
            throw StoreError.misuse(reason: "a row of \(open) in the new store belongs to one that isn't there")
        }
    }

    private func count(_ whole: Set<RecordKind>, _ report: inout SalvagedStore) throws {
        for table in tables {
            guard let kind = table.kind else { continue }
            var rows = SalvagedStore.Rows()
            rows.recovered = Int(
                try connection.first(SQL(trusted: "SELECT count(*) FROM \(table.name)")) { try $0.integer(0) } ?? 0)
            rows.isWhole = whole.contains(kind)
            report.rows[kind] = rows
        }
        let store = ClosedStore(connection)
        try connection.forEachRow("SELECT kind, key, state FROM salvage_marks ORDER BY kind, key") { row in
            guard let kind = RecordKind(rawValue: UInt8(truncatingIfNeeded: try row.integer(0))),
                let mark = Mark(rawValue: try row.integer(2)), let key = RecordKey(path: try row.text(1)),
                try store.row(key) != nil
            else { return true }
            if mark != .unconfirmed { report.rows[kind]?.rebuilt += 1 }
            guard mark != .rebuilt, !whole.contains(kind) else { return true }
            report.rows[kind]?.unconfirmed += 1
            if report.unconfirmedKeys.count < SalvagedStore.keysTold { report.unconfirmedKeys.append(key.path) }
            return true
        }
    }

    // MARK: The head row

    /// At the highest revision that anything proves.
    private func newHead(_ log: SalvagedLog, _ state: LoggedState, _ note: HeadNote?) throws -> Head {
        let newest = heads.max { $0.revision < $1.revision }
        let now = options.time.now()
        let cluster = state.cluster ?? note?.cluster ?? newest?.cluster ?? .version7(now, options.time.random)
        var head = Head(
            cluster: cluster, epoch: try lastEpoch(state, newest), time: now, schema: Migrator.ofThisLibrary.known)
        var revision = try highestRevision()
        let tail = log.tail
        if let tail { revision = max(revision, tail.last.rawValue) }
        let confirmed = heads.filter { head in
            note.map { $0.revision == head.revision && $0.chain == head.chain } ?? false
                || head.revision.rawValue == revision
        }.max { $0.revision < $1.revision }
        revision = max(revision, confirmed?.revision.rawValue ?? 0)
        head.revision = Revision(rawValue: revision)
        head.digests = try digests()
        let ownLog = try keepLog(tail, upTo: revision)
        head.compactedRevision = ownLog?.after ?? head.revision
        let link = confirmed?.revision == head.revision ? confirmed?.chain : nil
        head.chain = ownLog?.chain ?? link ?? Self.link(head)
        head.compactedChain = ownLog?.compactedChain ?? head.chain
        head.logBytes = ownLog?.bytes ?? 0
        if let time = ownLog?.time {
            head.time = time
        } else if let newest {
            head.time = min(newest.time, now)
        }
        try setCounters(&head, state)
        return head
    }

    /// After a revision of which no record is left nothing is known that could be linked to.
    private static func link(_ head: Head) -> [UInt8] {
        LogRecord(
            revision: head.revision, epoch: head.epoch, time: head.time, schema: head.schema, actor: "salvage",
            operation: nil, consumer: nil, kinds: [], body: head.digests.bytes, chain: []
        ).link(after: LogRecord.genesis(cluster: head.cluster))
    }

    /// That a row carries.
    func highestRevision() throws -> Int64 {
        var highest: Int64 = 0
        for table in tables {
            guard let kind = table.kind else { continue }
            let column = kind == .document ? "created_revision" : "revision"
            let found = try connection.first(SQL(trusted: "SELECT max(\(column)) FROM \(table.name)")) { row in
                row.isNull(0) ? 0 : try row.integer(0)
            }
            highest = max(highest, found ?? 0)
        }
        return highest
    }

    private func lastEpoch(_ state: LoggedState, _ newest: Head?) throws -> Epoch {
        if let epoch = newest?.epoch, epoch.number >= state.epoch?.number ?? 0 { return epoch }
        if let epoch = state.epoch { return epoch }
        let found = try connection.first(
            "SELECT epoch, epoch_nonce FROM epochs ORDER BY epoch DESC LIMIT 1"
        ) { row in Epoch(number: try row.integer(0), nonce: UInt64(bitPattern: try row.integer(1))) }
        return found ?? Epoch(number: 1, nonce: options.time.random())
    }

    private struct OwnLog {
        let after: Revision
        let compactedChain: [UInt8]
        let chain: [UInt8]
        let time: Timestamp
        let bytes: Int64
    }

    /// Keeps the last stretch, if it reaches the newest revision, and removes the rest; nil when nothing is kept.
    private func keepLog(_ tail: SalvagedLog.Stretch?, upTo revision: Int64) throws -> OwnLog? {
        guard let tail, tail.last.rawValue == revision else {
            try connection.execute("DELETE FROM log")
            return nil
        }
        let after = tail.first.rawValue - 1
        var compacted = heads.first { $0.compactedRevision.rawValue == after }?.compactedChain
        if after == 0 {
            let cluster = try loggedCluster()
            compacted = cluster.map { LogRecord.genesis(cluster: $0) } ?? compacted
        }
        let before = try connection.first("SELECT chain FROM log WHERE revision = \(after)") { try $0.bytes(0) }
        guard let chain = before ?? compacted else {
            try connection.execute("DELETE FROM log")
            return nil
        }
        try connection.execute("DELETE FROM log WHERE revision <= \(after) OR revision > \(revision)")
        let end = try connection.first("SELECT chain, time FROM log WHERE revision = \(revision)") { row in
            (chain: try row.bytes(0), time: Timestamp(microseconds: try row.timestamp(1)))
        }
        let bytes =
            try connection.first("SELECT coalesce(sum(length(body) + \(Limits.logRowOverhead)), 0) FROM log") {
                try $0.integer(0)
            } ?? 0
        guard let end else { return nil }
        return OwnLog(
            after: Revision(rawValue: after), compactedChain: chain, chain: end.chain, time: end.time, bytes: bytes)
    }

    /// As the first record tells it.
    private func loggedCluster() throws -> UUID? {
        var found: UUID?
        try forEachLogRow { row in
            guard found == nil, row[0] == .integer(1), let record = try LogRecord(values: row, place: "the log") else {
                return
            }
            found = try record.toldCluster()
        }
        return found
    }

    /// Beyond every id that is known to have been given.
    private func setCounters(_ head: inout Head, _ state: LoggedState) throws {
        let columns: [(Counter, String)] = [
            (.experiment, "max(id) FROM experiments"), (.trial, "max(id) FROM trials"),
            (.workload, "max(id) FROM workloads"), (.checkpoint, "max(number) FROM checkpoints"),
            (.task, "max(id) FROM tasks"), (.allocation, "max(id) FROM allocations"),
            (.container, "max(id) FROM containers"), (.lease, "max(id) FROM leases"),
        ]
        for (counter, text) in columns {
            let index = Int(counter.rawValue) - 1
            let largest = try connection.first(SQL(trusted: "SELECT \(text)")) { row in
                row.isNull(0) ? 0 : try row.integer(0)
            }
            head.counters[index] = max(head.counters[index], (largest ?? 0) + 1, state.counters[counter.rawValue] ?? 1)
            for found in heads where found.hasProvenCounters {
                head.counters[index] = max(head.counters[index], found.counters[index])
            }
        }
        head.digests[.cluster] = head.countersHash.sum
    }

    private func save(_ head: Head) throws {
        try connection.execute("UPDATE head SET cluster = \(head.cluster) WHERE id = 1")
        try head.save(connection)
        try connection.execute(
            """
            UPDATE backfills SET state = CASE WHEN EXISTS (SELECT 1 FROM trials) THEN 1 ELSE 3 END, trial = 0, \
            first_new_trial = \(head.counters[Int(Counter.trial.rawValue) - 1]), \
            rows_total = (SELECT count(*) FROM workloads)
            """)
    }

    // MARK: What is made of other rows

    private func deriveRows() throws {
        try connection.execute(
            """
            UPDATE documents SET holders = (SELECT count(*) FROM experiments WHERE config = hash) \
            + (SELECT count(*) FROM experiments WHERE model_definition = hash AND model_definition IS NOT NULL) \
            + (SELECT count(*) FROM workloads WHERE metrics_document = hash AND metrics_document IS NOT NULL)
            """)
        let experiments = SQL(trusted: "SELECT \(Experiment.table.columnList) FROM experiments ORDER BY id")
        try connection.forEachRow(experiments) { row in
            let experiment = try Experiment(image: try row.image(of: Experiment.table))
            for label in experiment.labels {
                try connection.execute(
                    "INSERT INTO experiment_labels (label, experiment) VALUES (\(label), \(experiment.id))")
            }
            return true
        }
    }

    private func deriveOrder() throws {
        try connection.begin(.write)
        try connection.execute(
            """
            UPDATE trials SET best_order = (SELECT CASE WHEN smaller_is_better = 1 THEN best_metric \
            ELSE 0 - best_metric END FROM experiments WHERE experiments.id = trials.experiment)
            """)
        try connection.commit()
    }
}

extension WriteSession {
    /// Positions that the log tells of and that are behind where they were.
    fileprivate func moveConsumers(
        _ consumers: [String: (progress: ConsumerProgress, time: Timestamp)]
    ) throws(StoreError) {
        for (name, last) in consumers where last.progress.revision >= head.compactedRevision {
            let position = try position(at: last.progress.revision, head)
            try execute(
                """
                UPDATE consumers SET position_epoch = \(position.epoch.number), \
                position_nonce = \(Int64(bitPattern: position.epoch.nonce)), \
                position_revision = \(position.revision.rawValue), position_chain = \(position.chainPrefix), \
                position_time = \(Value.timestamp(last.time.microseconds)) WHERE name = \(name) \
                AND position_revision < \(position.revision.rawValue)
                """)
        }
    }
}
