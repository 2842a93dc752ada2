// Invariants
// 1. A source gives away only what leads to the link that the store's own log begins after: the same changes, without a
//    hole at the seam.
// 2. What it lacks is nil, what it can't read is an error: never an end.

package import FoundationEssentials
internal import MetastoreEngine
package import MetastoreModel

/// History that is older than a store's own log.
package protocol HistorySource: Sendable {
    /// The records after a revision, without a hole: as many as come at once, and at least one.
    ///
    /// - Returns: nil where the next revision isn't there, or the history isn't the lineage's.
    /// - Throws: ``StoreError/historyUnreadable(place:reason:)`` for what is there and can't be read.
    func part(after revision: Revision, of lineage: HistoryLineage) async throws(StoreError) -> HistoryPart?
}

/// Some consecutive records of a history, each of which follows the one before.
package struct HistoryPart: Sendable {
    /// The link of the revision before the first.
    package let previous: [UInt8]
    package let records: [LogRecord]

    package init(previous: [UInt8], records: [LogRecord]) {
        self.previous = previous
        self.records = records
    }
}

/// An epoch of a store's history: where it began, and from what.
package struct EpochStart: Sendable, Hashable {
    package let epoch: Epoch
    /// The one it goes on from; nil for the first.
    package let parent: Epoch?
    /// The last revision before it, and its link.
    package let fork: Revision
    package let chain: [UInt8]
    package let holder: String
    package let time: Timestamp
}

/// What a store knows of its own history without its log.
package struct HistoryLineage: Sendable, Hashable {
    package let cluster: UUID
    /// In order; each goes on from the one before.
    package let epochs: [EpochStart]
    /// The last revision that the log has no longer, and its link.
    package let compacted: Revision
    package let compactedChain: [UInt8]

    /// The epoch that the revision after this one belongs to.
    package func epoch(after revision: Revision) -> EpochStart? { epochs.last { $0.fork <= revision } }

    /// The epoch that a revision belongs to; the first for none.
    package func epoch(of revision: Revision) -> EpochStart? { epochs.last { $0.fork < revision } ?? epochs.first }

    /// The last revision of an epoch; nil for the newest, which goes on.
    package func end(of epoch: EpochStart) -> Revision? { epochs.first { $0.epoch.number > epoch.epoch.number }?.fork }

    /// True when this store was in the epoch.
    package func contains(_ epoch: Epoch) -> Bool { epochs.contains { $0.epoch == epoch } }
}

extension Session {
    func lineage() throws -> HistoryLineage {
        let head = try Head.load(connection, locking: false)
        let epochs = try all(
            """
            SELECT epoch, epoch_nonce, parent, parent_nonce, fork_revision, fork_chain, holder, time FROM epochs \
            ORDER BY epoch
            """
        ) { row in
            EpochStart(
                epoch: Epoch(number: try row.integer(0), nonce: UInt64(bitPattern: try row.integer(1))),
                parent: row.isNull(2)
                    ? nil : Epoch(number: try row.integer(2), nonce: UInt64(bitPattern: try row.integer(3))),
                fork: Revision(rawValue: try row.integer(4)), chain: try row.bytes(5), holder: try row.text(6),
                time: Timestamp(microseconds: try row.timestamp(7)))
        }
        return HistoryLineage(
            cluster: head.cluster, epochs: epochs, compacted: head.compactedRevision,
            compactedChain: head.compactedChain)
    }
}

extension Metastore {
    /// What this store knows of its own history without its log.
    package func lineage() async throws -> HistoryLineage { try await read { try $0.session.lineage() } }

    /// What comes after a position that the log has no longer; nil where it is nowhere else either.
    ///
    /// - Throws: ``StoreError/forked(lastCommon:)`` where the position is on another history.
    func older(after position: Position) async throws -> HistoryPart? {
        guard let source = replication.source else { return nil }
        let lineage = try await lineage()
        guard let part = try await source.part(after: position.revision, of: lineage) else { return nil }
        guard Position.prefix(of: part.previous) == position.chainPrefix else {
            throw StoreError.forked(lastCommon: lineage.start(before: position))
        }
        return part
    }

    /// The position right after a revision that the log has no longer.
    func olderPosition(at revision: Revision) async throws -> Position? {
        guard let source = replication.source else { return nil }
        let lineage = try await lineage()
        guard let part = try await source.part(after: revision, of: lineage), let epoch = lineage.epoch(of: revision)
        else { return nil }
        return Position(
            cluster: lineage.cluster, epoch: epoch.epoch, revision: revision,
            chainPrefix: Position.prefix(of: part.previous))
    }
}

extension HistoryLineage {
    /// Where the epoch of a position began, as far as this store was in it: both agree there.
    fileprivate func start(before position: Position) -> Position {
        let begun = epochs.last { $0.epoch.number <= position.epoch.number && $0.fork <= position.revision }
        guard let begun else {
            return Position(
                cluster: cluster, epoch: position.epoch, revision: .absent,
                chainPrefix: Position.prefix(of: LogRecord.genesis(cluster: cluster)))
        }
        return Position(
            cluster: cluster, epoch: begun.parent ?? begun.epoch, revision: begun.fork,
            chainPrefix: Position.prefix(of: begun.chain))
    }
}
