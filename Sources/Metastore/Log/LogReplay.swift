// Invariants
// 1. Nothing is applied before every record given is known to follow the last one applied: revision, epoch, time, body
//    and chain. One that doesn't follow, or is damaged, leaves the store as it was.
// 2. A change is applied only to the row it was made to: the row's hash is compared in the same statement, so that a
//    store that differs from its source is noticed at the first row that differs.
// 3. Afterwards rows, digests, counters, log and operations are the source's, at the same revision. What no log knows
//    (heartbeats, renewals, a position that moved alone) is missing.

package import FoundationEssentials
package import MetastoreEngine
package import MetastoreModel

extension Metastore {
    /// Opens an empty store of another store's cluster, one that was opened like this before, or a copy of one of that
    /// cluster: its only writes are the source's, brought by ``replay(_:)``.
    ///
    /// - Throws: ``StoreError/otherCluster`` when a store of another cluster is there; `unusable` when it is a store of
    ///   its own, unless `options.demotion` says what becomes of it; as ``open(_:_:)``.
    package static func openReplica(
        _ source: EngineSource, of cluster: UUID, _ options: StoreOptions = StoreOptions()
    ) async throws -> Metastore {
        var options = options
        options.replicaOf = cluster
        return try await open(source, options)
    }

    /// Applies the source's next records, all of them in one transaction or none.
    ///
    /// - Parameter digests: what those of some kinds must be after the last of them.
    /// - Throws: ``StoreError/damaged(place:reason:)`` when they don't follow what was applied last, don't fit the
    ///   rows that are here, or lead to other digests; ``StoreError/schema(reason:)`` when they are of a schema this
    ///   binary doesn't know.
    package func replay(_ records: [LogRecord], leadingTo digests: [RecordKind: UInt128] = [:]) async throws {
        guard options.replicaOf != nil else {
            throw StoreError.misuse(reason: "only a replica takes another store's records; open it with openReplica.")
        }
        let callSite = CallSite(file: "replay")
        _ = try await submit(actor: "replication", callSite: callSite, from: .replay) { session in
            try session.verify(records)
            for record in records { try session.replay(record) }
            try session.compare(digests)
        }
    }

    /// The records of the log after a revision, up to about `bytes` of them and at least one; none at its end.
    ///
    /// - Throws: ``StoreError/compacted(oldest:)`` when the log begins later.
    package func logRecords(after revision: Revision, bytes: Int = Limits.feedBatchBytes) async throws -> [LogRecord] {
        try await read { snapshot in
            let head = try Head.load(snapshot.session.connection, locking: false)
            guard revision >= head.compactedRevision else { throw StoreError.compacted(oldest: head.oldest) }
            var found: [LogRecord] = []
            var sum = 0
            try snapshot.session.forEach(
                SQL(trusted: "SELECT \(LogRecord.columns) FROM log ")
                    + "WHERE revision > \(revision.rawValue) ORDER BY revision"
            ) { row in
                let record = try LogRecord(row)
                sum += record.footprint
                found.append(record)
                return sum < bytes
            }
            return found
        }
    }
}

extension WriteSession {
    /// Makes sure that the records follow this store's head, and that their bodies can be read to the end.
    func verify(_ records: [LogRecord]) throws(StoreError) {
        var (revision, epoch, time, chain) = (head.revision, head.epoch, head.time, head.chain)
        for record in records {
            let place = "log record \(record.revision.rawValue)"
            func damage(_ reason: String) -> StoreError { .damaged(place: place, reason: reason) }
            guard record.revision.rawValue == revision.rawValue + 1 else {
                throw damage("it doesn't follow revision \(revision.rawValue)")
            }
            guard record.chain == record.link(after: chain) else { throw damage("its link is not of this chain") }
            guard revision == .absent || record.epoch.number >= epoch.number, revision == .absent || record.time >= time
            else { throw damage("its epoch or its time goes back") }
            guard record.schema <= Self.knownSchema else {
                throw .schema(
                    reason: """
                        \(place) has schema \(record.schema), this binary \(Self.knownSchema). The data is intact: \
                        nothing was applied. Run a newer release here.
                        """)
            }
            var kinds: RecordKinds = []
            try record.decodeBody { (raw) throws(StoreError) in
                kinds.insert(RecordKinds(raw.kind))
                _ = try raw.images(raw.kind.table)
            }
            guard kinds == record.kinds else { throw damage("its kinds are not those of its changes") }
            (revision, epoch, time, chain) = (record.revision, record.epoch, record.time, record.chain)
        }
    }

    /// Makes sure that the records led to the source's digests.
    fileprivate func compare(_ digests: [RecordKind: UInt128]) throws(StoreError) {
        let different = digests.filter { head.digests[$0.key] != $0.value }.map(\.key.name).sorted()
        guard different.isEmpty else {
            throw .damaged(
                place: "revision \(head.revision.rawValue)",
                reason: "its digests of \(different.joined(separator: ", ")) are not the source's")
        }
    }

    /// The newest schema whose rows this binary can keep.
    private static var knownSchema: Int64 { StoreIdentity.schema }

    /// Applies one verified record.
    func replay(_ record: LogRecord) throws(StoreError) {
        if record.epoch != head.epoch || record.revision.rawValue == 1 { try follow(record) }
        var changes: [ReplayedChange] = []
        try record.decodeBody { (counter, next) throws(StoreError) in
            guard head.counters.indices.contains(Int(counter) - 1) else {
                throw .damaged(place: "log record \(record.revision.rawValue)", reason: "a counter is unknown")
            }
            head.counters[Int(counter) - 1] = next
        } operation: { (operation) throws(StoreError) in
            guard let id = record.operation else {
                throw .damaged(place: "log record \(record.revision.rawValue)", reason: "an operation has no id")
            }
            try execute(
                """
                INSERT INTO operations (id, fingerprint, result, revision, time) VALUES (\(id), \
                \(operation.fingerprint), \(operation.result), \(record.revision.rawValue), \
                \(Value.timestamp(record.time.microseconds)))
                """)
        } change: { (raw) throws(StoreError) in
            let images = try raw.images(raw.kind.table)
            changes.append(
                ReplayedChange(
                    table: raw.kind.table, key: String(decoding: raw.key, as: UTF8.self), before: images.before,
                    after: images.after, isUndone: false))
        }
        try apply(changes)
        head.digests[.cluster] = head.countersHash.sum
        let row = record.row
        try execute(LogRecord.insertion(of: row.values))
        head.logBytes += Int64(row.bytes + Limits.logRowOverhead)
        head.schema = record.schema
        head.revision = record.revision
        head.chain = record.chain
        head.time = record.time
        countersAreLogged()
        if let progress = record.consumer { try follow(progress, at: record.time) }
    }

    /// The record opens an epoch: this store's own table of epochs learns of it.
    private func follow(_ record: LogRecord) throws(StoreError) {
        let parent: Epoch? = record.revision.rawValue == 1 ? nil : head.epoch
        head.epoch = record.epoch
        try keepEpoch(parent: parent, holder: record.actor)
    }

    func follow(_ progress: ConsumerProgress, at time: Timestamp) throws(StoreError) {
        let position = try position(at: progress.revision, head)
        try execute(
            """
            UPDATE consumers SET position_epoch = \(position.epoch.number), \
            position_nonce = \(Int64(bitPattern: position.epoch.nonce)), \
            position_revision = \(position.revision.rawValue), position_chain = \(position.chainPrefix), \
            position_time = \(Value.timestamp(time.microseconds)) WHERE name = \(progress.name)
            """)
    }
}
