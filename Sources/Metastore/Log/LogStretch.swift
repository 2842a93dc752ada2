// Invariant: what is answered was read in one snapshot, and goes on right after the place that was asked for.

internal import MetastoreEngine
package import MetastoreModel

/// Where a store's log stood in one snapshot.
package struct LogHead: Sendable, Hashable {
    package let position: Position
    /// The link of its revision.
    package let chain: [UInt8]
    package let digests: StateDigests
    /// The next ids, in the order of the counters' codes.
    package let counters: [Int64]
    /// When its revision was committed.
    package let time: Timestamp
    /// The oldest position that the log goes on from.
    package let oldest: Position

    package var epoch: Epoch { position.epoch }
    package var revision: Revision { position.revision }

    init(_ head: Head) {
        position = head.position
        chain = head.chain
        digests = head.digests
        counters = head.counters
        time = head.time
        oldest = head.oldest
    }
}

/// What follows a place in the log.
package struct LogStretch: Sendable {
    package let records: [LogRecord]
    /// The link of the revision before them.
    package let previous: [UInt8]
    package let head: LogHead
}

extension Metastore {
    /// Where the log stands.
    package func logHead() async throws -> LogHead {
        try await readOnce { LogHead(try Head.load($0.connection, locking: false)) }
    }

    /// The records right after a position, up to about `bytes` of them and at least one; none at the log's end.
    ///
    /// - Throws: ``StoreError/compacted(oldest:)``, ``StoreError/forked(lastCommon:)``,
    ///   ``StoreError/futureRevision(asked:head:)``, ``StoreError/otherCluster`` when the log can't go on from there.
    package func logStretch(
        after position: Position, bytes: Int = Limits.feedBatchBytes
    ) async throws -> LogStretch {
        try await read { snapshot in
            let session = snapshot.session
            let head = try Head.load(session.connection, locking: false)
            // Nothing has happened in a store without a revision: its epoch means nothing yet.
            if position.revision == .absent, position.cluster == head.cluster, head.compactedRevision > .absent {
                throw StoreError.compacted(oldest: head.oldest)
            }
            try session.checkResumable(position)
            var records: [LogRecord] = []
            var sum = 0
            try session.forEach(
                SQL(trusted: "SELECT \(LogRecord.columns) FROM log ")
                    + "WHERE revision > \(position.revision.rawValue) ORDER BY revision LIMIT 4096"
            ) { row in
                let record = try LogRecord(row)
                sum += record.footprint
                records.append(record)
                return sum < bytes
            }
            return LogStretch(
                records: records, previous: try session.keptLink(of: position.revision, head), head: LogHead(head))
        }
    }

    /// The whole link of a revision that the log still has.
    ///
    /// - Throws: ``StoreError/compacted(oldest:)``.
    package func keptLink(of revision: Revision) async throws -> [UInt8] {
        try await read { snapshot in
            try snapshot.session.keptLink(of: revision, try Head.load(snapshot.session.connection, locking: false))
        }
    }
}
