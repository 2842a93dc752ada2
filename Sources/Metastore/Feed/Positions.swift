// Invariant (G4): resuming from a position either misses nothing and repeats nothing, or fails with an error that says
// why and from where it can go on.

internal import MetastoreEngine
public import MetastoreModel

extension Session {
    /// Makes sure that the feed can go on right after this position.
    ///
    /// - Throws: ``StoreError/otherCluster``, ``StoreError/futureRevision(asked:head:)``,
    ///   ``StoreError/compacted(oldest:)``, ``StoreError/forked(lastCommon:)``.
    func checkResumable(_ position: Position) throws(StoreError) {
        let head: Head
        do {
            head = try Head.load(connection, locking: false)
        } catch {
            throw StoreError(error)
        }
        guard position.cluster == head.cluster else { throw .otherCluster }
        let chain: [UInt8]?
        if position.revision == .absent {
            chain = LogRecord.genesis(cluster: head.cluster)
        } else if position.revision == head.compactedRevision {
            chain = head.compactedChain
        } else {
            chain = try first("SELECT chain FROM log WHERE revision = \(position.revision.rawValue)") {
                try $0.bytes(0)
            }
        }
        if let chain, Position.prefix(of: chain) == position.chainPrefix {
            guard position.revision >= head.compactedRevision else { throw .compacted(oldest: head.oldest) }
            return
        }
        if try isAbandoned(position, head) { throw .forked(lastCommon: try lastCommon(position, head)) }
        if position.revision > head.revision {
            throw .futureRevision(asked: position.revision, head: head.revision)
        }
        if position.revision < head.compactedRevision { throw .compacted(oldest: head.oldest) }
        throw .forked(lastCommon: try lastCommon(position, head))
    }

    /// True when a later epoch of this store began before the position: what came after is another history's.
    private func isAbandoned(_ position: Position, _ head: Head) throws(StoreError) -> Bool {
        guard position.epoch != head.epoch else { return false }
        let fork = try fork(after: position.epoch)
        return fork.map { $0 < position.revision } ?? (position.epoch.number >= head.epoch.number)
    }

    /// Where the next epoch of this lineage after the given one began; nil when there is none.
    private func fork(after epoch: Epoch) throws(StoreError) -> Revision? {
        try first("SELECT fork_revision FROM epochs WHERE epoch > \(epoch.number) ORDER BY epoch LIMIT 1") {
            Revision(rawValue: try $0.integer(0))
        }
    }

    private func lastCommon(_ position: Position, _ head: Head) throws(StoreError) -> Position {
        let isOurs =
            try first(
                """
                SELECT 1 FROM epochs WHERE epoch = \(position.epoch.number) \
                AND epoch_nonce = \(Int64(bitPattern: position.epoch.nonce))
                """
            ) { try $0.integer(0) } != nil
        let before = isOurs ? position.epoch : Epoch(number: position.epoch.number - 1, nonce: 0)
        let revision = max(head.compactedRevision, try fork(after: before) ?? head.compactedRevision)
        return try self.position(at: min(revision, head.revision), head)
    }

    /// The position right after a kept revision.
    func position(at revision: Revision, _ head: Head) throws(StoreError) -> Position {
        if revision == .absent {
            let epoch = try first("SELECT epoch, epoch_nonce FROM epochs ORDER BY epoch LIMIT 1") { row in
                Epoch(number: try row.integer(0), nonce: UInt64(bitPattern: try row.integer(1)))
            }
            return Position(
                cluster: head.cluster, epoch: epoch ?? head.epoch, revision: .absent,
                chainPrefix: Position.prefix(of: LogRecord.genesis(cluster: head.cluster)))
        }
        if revision == head.compactedRevision { return head.oldest }
        let found = try first("SELECT epoch, epoch_nonce, chain FROM log WHERE revision = \(revision.rawValue)") {
            row in
            Position(
                cluster: head.cluster,
                epoch: Epoch(number: try row.integer(0), nonce: UInt64(bitPattern: try row.integer(1))),
                revision: revision, chainPrefix: Position.prefix(of: try row.bytes(2)))
        }
        guard let found else {
            throw revision > head.revision
                ? .futureRevision(asked: revision, head: head.revision) : .compacted(oldest: head.oldest)
        }
        return found
    }
}

extension Head {
    /// The oldest position the feed can go on from.
    var oldest: Position {
        Position(
            cluster: cluster, epoch: epoch, revision: compactedRevision,
            chainPrefix: Position.prefix(of: compactedChain))
    }
}

extension Metastore {
    /// The position right after a revision that the log still has, or the archive: 0 is before the first change.
    ///
    /// - Throws: ``StoreError/compacted(oldest:)``, ``StoreError/futureRevision(asked:head:)``.
    public func position(at revision: Revision) async throws -> Position {
        do {
            return try await loggedPosition(at: revision)
        } catch StoreError.compacted(let oldest) {
            guard let older = try await olderPosition(at: revision) else { throw StoreError.compacted(oldest: oldest) }
            return older
        }
    }

    private func loggedPosition(at revision: Revision) async throws -> Position {
        try await read { snapshot in
            let head = try Head.load(snapshot.session.connection, locking: false)
            if revision == .absent, head.compactedRevision > .absent {
                throw StoreError.compacted(oldest: head.oldest)
            }
            return try snapshot.session.position(at: revision, head)
        }
    }
}
