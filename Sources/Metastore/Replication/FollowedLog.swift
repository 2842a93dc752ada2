internal import MetastoreEngine
package import MetastoreModel

/// What shipping a store's log needs beside its records.
extension Metastore {
    /// The link of a revision; nil where the log hasn't got it, or no longer.
    package func link(of revision: Revision) async throws -> [UInt8]? {
        try await read { snapshot in
            try snapshot.session.link(of: revision, try Head.load(snapshot.session.connection, locking: false))
        }
    }

    /// When a revision was committed; nil where the log hasn't got it.
    package func time(of revision: Revision) async throws -> Timestamp? {
        try await readOnce { session in
            try session.first("SELECT time FROM log WHERE revision = \(revision.rawValue)") {
                Timestamp(microseconds: try $0.timestamp(0))
            }
        }
    }

    /// How many bytes some revisions take in the log, as its retention counts them.
    package func logSize(after revision: Revision, through last: Revision) async throws -> Int {
        try await readOnce { session in
            try session.first(
                """
                SELECT count(*), CAST(sum(length(body)) AS BIGINT) FROM log WHERE revision > \(revision.rawValue) \
                AND revision <= \(last.rawValue)
                """
            ) { row in
                row.isNull(1) ? 0 : Int(try row.integer(1)) + Int(try row.integer(0)) * Limits.logRowOverhead
            } ?? 0
        }
    }

    /// Returns when something was committed after a revision, or at the latest about a housekeeping interval later.
    ///
    /// - Throws: ``StoreError/closed``; `CancellationError`.
    package func waitForCommit(after revision: Revision) async throws {
        try await tail.wait(after: revision, for: .all)
    }

    /// The time by this store's clocks.
    package var time: TimeSource { options.time }

    /// Whose writes the store takes, however it was opened here; its own where its schema doesn't say.
    package func role() async throws -> StoreRole {
        try await readOnce { [options] session in
            guard try Head.load(session.connection, locking: false).schema >= StoreIdentity.schema else {
                return options.replicaOf == nil ? .leader : .follower
            }
            return try StoreIdentity.load(session.connection).role
        }
    }

    /// True when clients write here: neither read-only nor a replica.
    package var isWritable: Bool { writer != nil && options.replicaOf == nil }
}

/// The consumer by which whoever ships the log keeps what isn't shipped.
extension Metastore {
    /// Where it stands; from where it is to begin, when it isn't there yet or has expired.
    ///
    /// - Throws: ``StoreError/compacted(oldest:)`` when it would begin where the log has no more.
    package func keepLog(as name: String, after start: Position) async throws -> Position {
        try await submit(actor: options.actor, callSite: CallSite(file: "replication")) { session in
            let consumers = Repository<Consumer, Writing>(session)
            if try consumers.find(name)?.isExpired == true { try consumers.remove(name) }
            return try consumers.register(name, kinds: .all, under: nil, start: .after(start))
        }.value
    }

    /// It stands before everything that the log still has, from now on.
    package func keepWholeLog(as name: String) async throws {
        _ = try await submit(actor: options.actor, callSite: CallSite(file: "replication")) { session in
            let consumers = Repository<Consumer, Writing>(session)
            let oldest = session.head.oldest
            if try consumers.find(name) != nil {
                guard try consumers.position(name).revision != oldest.revision else { return }
                try consumers.remove(name)
            }
            _ = try consumers.register(name, kinds: .all, under: nil, start: .after(oldest))
        }
    }

    /// Where it stands; nil when it isn't there, or has expired.
    package func keptLog(as name: String) async throws -> Position? {
        try await read { snapshot in
            guard let consumer = try snapshot.consumers.find(name), !consumer.isExpired else { return nil }
            return try snapshot.consumers.position(name)
        }
    }

    /// Moves it, alone: no record of the log tells.
    ///
    /// - Throws: ``StoreError/consumerMoved(name:expected:found:)``, ``StoreError/consumerExpired(name:)``,
    ///   ``StoreError/notFound(path:)``.
    package func releaseLog(as name: String, from: Revision, to position: Position) async throws {
        _ = try await submit(actor: options.actor, callSite: CallSite(file: "replication")) { session in
            try Repository<Consumer, Writing>(session).advance(name, from: from, to: position)
        }
    }
}

extension Session {
    /// The link of a revision; nil where the log hasn't got it, or no longer.
    func link(of revision: Revision, _ head: Head) throws(StoreError) -> [UInt8]? {
        if revision == .absent { return LogRecord.genesis(cluster: head.cluster) }
        if revision == head.compactedRevision { return head.compactedChain }
        return try first("SELECT chain FROM log WHERE revision = \(revision.rawValue)") { try $0.bytes(0) }
    }

    /// - Throws: ``StoreError/compacted(oldest:)`` where the log hasn't got it.
    func keptLink(of revision: Revision, _ head: Head) throws(StoreError) -> [UInt8] {
        guard let link = try link(of: revision, head) else { throw .compacted(oldest: head.oldest) }
        return link
    }
}
