internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication

/// How an archive and its store, or a replica of that, stand to each other.
package enum ArchiveRelation: String, Sendable, Hashable, Encodable {
    /// The archive has everything.
    case current
    /// The archive lacks the store's newest revisions.
    case behind
    /// The store is a replica, and the archive goes on after its end: it follows.
    case lagging
    /// The archive goes on after the store's end: the store is a copy that lags, or lost commits.
    case ahead
    /// Another master opened a later epoch in the archive.
    case fenced
    /// They have different histories.
    case forked
    /// The store's log begins after the archive's end: what comes between is in neither.
    case gap

    /// What to do about it; nil where there is nothing to be done.
    var advice: String? {
        switch self {
        case .current, .behind, .lagging: nil
        case .ahead:
            "the archive goes on after the store's end: this store is a copy that lags, or lost its newest commits. "
                + "Look which of the two is right before anything is deleted"
        case .fenced:
            "another master leads since, in a later epoch: what this store committed after that is not archived. "
                + "Stop it, and do not start both"
        case .forked:
            "the archive has another history than this store: two masters went on from copies of one. Nothing was "
                + "overwritten: decide which goes on, and do not delete either"
        case .gap:
            "the store's log has no longer what comes after the archive's end. Begin a new archive elsewhere, make a "
                + "snapshot in it, and keep this one for what it has"
        }
    }

    /// - Throws: `StoreError.otherCluster`.
    init(_ history: ArchiveHistory, _ store: Metastore) async throws {
        let (lineage, head) = (try await store.lineage(), try await store.logHead())
        guard lineage.cluster == history.line.cluster else { throw StoreError.otherCluster }
        let end = history.end
        // Where the store ends is in the archive's history: nothing was committed to it that isn't archived.
        let isWithin = try await history.link(at: head.position.revision) == head.chain
        if isWithin, !lineage.contains(end.epoch) || head.position.revision < end.revision,
            try await store.role() == .follower
        {
            self = .lagging
            return
        }
        guard lineage.contains(end.epoch) else {
            // An epoch that this store never was in: what comes before it may be this store's, or another's.
            let shared = history.stretches.last { lineage.contains($0.record.epoch) }
            let last = min(shared?.last ?? .absent, head.position.revision)
            let (own, theirs) = (try await store.link(of: last), try await history.link(at: last))
            self = shared == nil || (own != nil && theirs != nil && own != theirs) ? .forked : .fenced
            return
        }
        guard end.revision <= head.position.revision else {
            // A revision that isn't kept any more is no proof of another history.
            let isKept = head.position.revision >= history.start.revision
            self = isWithin || !isKept ? .ahead : .forked
            return
        }
        switch try await store.link(of: end.revision) {
        case nil: self = .gap
        case end.chain?: self = end.revision == head.position.revision ? .current : .behind
        default: self = .forked
        }
    }
}
