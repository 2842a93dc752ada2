// Invariants
// 1. Afterwards rows, digests, counters, log, epochs, operations and the places of consumers are those of a store that
//    replayed the log up to that revision and no further.
// 2. It is known before the first change that this can be done: the log goes back so far, has the position's link, and
//    tells what the counters were. Else nothing is changed.
// 3. It goes in steps, the newest revisions first, each one transaction: a kill between two leaves a store at a
//    revision between, from which it goes on.
// 4. Whoever reads the feed beyond the revision is told where the histories part, and gets nothing of the other.

internal import MetastoreEngine
package import MetastoreModel

extension Metastore {
    /// Undoes a replica's newest revisions, by the before-images in its log: its source went on from an earlier one.
    ///
    /// Reads go on meanwhile, each at an exact revision. What no log knows (heartbeats, renewals) is not undone.
    ///
    /// - Parameters:
    ///   - position: the last one that this store and its source have in common.
    ///   - step: revisions that are undone in one transaction.
    /// - Throws: ``StoreError/misuse(reason:)`` for a store of its own; ``StoreError/otherCluster``;
    ///   ``StoreError/futureRevision(asked:head:)``; ``StoreError/forked(lastCommon:)`` when the position is not of
    ///   this store's history; ``StoreError/compacted(oldest:)`` when its log doesn't go back far enough: nothing was
    ///   changed, and only a new copy of the source helps.
    package func rewind(to position: Position, step: Int64 = Limits.rewindStep) async throws {
        guard options.replicaOf != nil else {
            throw StoreError.misuse(reason: "only a replica is rewound; a store of its own is restored.")
        }
        let plan = try await read { snapshot in try snapshot.session.planRewind(to: position) }
        var head = plan.head
        while head > position.revision {
            let target = max(position.revision, Revision(rawValue: head.rawValue - step))
            let (engine, tail, from, callSite) = (engine, tail, head, CallSite(file: "rewind"))
            _ = try await submit(actor: "replication", callSite: callSite, from: .replay) { session in
                guard session.head.revision == from else {
                    throw StoreError.misuse(reason: "the replica moved while it was rewound")
                }
                try session.rewind(to: target, counters: plan.counters(at: target))
                // Before the commit: a note behind the truth is no evidence, one ahead of it would be.
                try engine.keepNote(HeadNote(session.head).bytes)
                let place = session.head.position
                session.whenCommitted { tail.rewound(to: place) }
            }
            head = target
        }
    }
}

/// What has to be known before anything is undone.
private struct RewindPlan: Sendable {
    let head: Revision
    /// What each of them was at the revision that is rewound to.
    let base: [Int64]
    /// How they moved after it, ascending.
    let moves: [(revision: Revision, counter: Int, next: Int64)]

    func counters(at revision: Revision) -> [Int64] {
        var counters = base
        for move in moves where move.revision <= revision { counters[move.counter] = move.next }
        return counters
    }
}

extension Session {
    fileprivate func planRewind(to position: Position) throws -> RewindPlan {
        try checkResumable(position)
        let head = try Head.load(connection, locking: false)
        // The record itself is needed: it says the time and the epoch.
        guard position.revision > head.compactedRevision else { throw StoreError.compacted(oldest: head.oldest) }
        var moves: [(revision: Revision, counter: Int, next: Int64)] = []
        try forEachRecord(after: position.revision, through: head.revision) { record in
            try record.decodeBody { (code, next) throws(StoreError) in
                moves.append((record.revision, Int(code) - 1, next))
            } change: { _ in
            }
        }
        let base = try counters(of: Set(moves.map(\.counter)), at: position.revision, head)
        return RewindPlan(head: head.revision, base: base, moves: moves)
    }

    /// The head's counters, but those that moved since as the log up to the revision says.
    private func counters(of moved: Set<Int>, at revision: Revision, _ head: Head) throws -> [Int64] {
        var counters = head.counters
        var missing = moved
        var end = revision
        while !missing.isEmpty, end > head.compactedRevision {
            let start = max(head.compactedRevision, Revision(rawValue: end.rawValue - Limits.rewindStep))
            var found: [Int: Int64] = [:]
            try forEachRecord(after: start, through: end) { record in
                try record.decodeBody { (code, next) throws(StoreError) in
                    found[Int(code) - 1] = next
                } change: { _ in
                }
            }
            for (counter, next) in found where missing.remove(counter) != nil { counters[counter] = next }
            end = start
        }
        guard missing.isEmpty || head.compactedRevision == .absent else {
            throw StoreError.compacted(oldest: head.oldest)
        }
        for counter in missing { counters[counter] = 1 }
        return counters
    }

    /// In statements that are short enough for a server.
    private func forEachRecord(
        after first: Revision, through last: Revision, _ body: (LogRecord) throws -> Void
    ) throws {
        var start = first.rawValue
        while start < last.rawValue {
            let end = min(last.rawValue, start + Limits.rewindStep)
            try forEach(
                SQL(trusted: "SELECT \(LogRecord.columns) FROM log ")
                    + "WHERE revision > \(start) AND revision <= \(end) ORDER BY revision"
            ) { row in
                try body(try LogRecord(row))
                return true
            }
            start = end
        }
    }
}

extension WriteSession {
    fileprivate func rewind(to target: Revision, counters: [Int64]) throws {
        var consumers: Set<String> = []
        var record = try logRecord(head.revision)
        while record.revision > target {
            consumers.formUnion(try undo(record))
            head.logBytes -= Int64(record.row.bytes + Limits.logRowOverhead)
            record = try logRecord(Revision(rawValue: record.revision.rawValue - 1))
        }
        try execute("DELETE FROM log WHERE revision > \(target.rawValue)")
        try execute("DELETE FROM operations WHERE revision > \(target.rawValue)")
        try execute("DELETE FROM epochs WHERE fork_revision >= \(target.rawValue)")
        (head.revision, head.epoch, head.chain) = (record.revision, record.epoch, record.chain)
        (head.time, head.schema) = (record.time, record.schema)
        head.counters = counters
        head.digests[.cluster] = head.countersHash.sum
        countersAreLogged()
        for name in consumers { try placeAnew(name) }
    }

    private func logRecord(_ revision: Revision) throws -> LogRecord {
        let found = try first(
            SQL(trusted: "SELECT \(LogRecord.columns) FROM log ") + "WHERE revision = \(revision.rawValue)"
        ) { try LogRecord($0) }
        guard let found else {
            throw StoreError.damaged(place: "the log", reason: "revision \(revision.rawValue) is missing")
        }
        return found
    }

    /// - Returns: the consumers that it moved, made or removed.
    private func undo(_ record: LogRecord) throws(StoreError) -> Set<String> {
        var consumers: Set<String> = []
        if let consumer = record.consumer { consumers.insert(consumer.name) }
        var changes: [ReplayedChange] = []
        try record.decodeBody { (raw) throws(StoreError) in
            // The head row's own fields are taken from the record that is then the last.
            guard raw.kind != .cluster else { return }
            let images = try raw.images(raw.kind.table)
            changes.append(
                ReplayedChange(
                    table: raw.kind.table, key: String(decoding: raw.key, as: UTF8.self), before: images.after,
                    after: images.before, isUndone: true))
            guard raw.kind == .consumer, let image = images.before ?? images.after else { return }
            consumers.insert(try Consumer(image: image).name)
        }
        try apply(changes.reversed())
        return consumers
    }

    /// A consumer stands where the log says last; where the log doesn't say any more, at its oldest position.
    private func placeAnew(_ name: String) throws {
        let last = try first(
            """
            SELECT consumer_revision, time FROM log WHERE consumer = \(name) ORDER BY revision DESC LIMIT 1
            """
        ) { row in (Revision(rawValue: try row.integer(0)), Timestamp(microseconds: try row.timestamp(1))) }
        try follow(
            ConsumerProgress(name: name, revision: max(last?.0 ?? .absent, head.compactedRevision)),
            at: last?.1 ?? head.time)
    }
}
