// Invariants
// 1. A batch holds whole revisions, at least one, and at most about Limits.feedBatchBytes of them.
// 2. What is read from the log continues the history of the position: its own record is looked at with those after it.
// 3. Where the log begins later, what leads up to it comes from the source of older history, if there is one: a part of
//    it at a time.
// 4. The position moves over every revision looked at, wanted or not, and over those known to bring nothing wanted;
//    nothing is looked at twice.

internal import MetastoreEngine
internal import MetastoreModel

/// Reads the feed from one position on, as fast as its caller asks.
struct FeedReader: Sendable {
    private let store: Metastore
    let filter: ChangeFilter
    private(set) var position: Position
    private var isChecked = false
    /// How often a replica had been taken back before the position was made sure of.
    private var rewinds = 0
    /// What was read of older history and not handed out yet.
    private var older: ArraySlice<LogRecord> = []
    /// The position of the last batch handed out, bookmark or not.
    private var reported: Revision

    init(_ store: Metastore, after position: Position, filter: ChangeFilter) {
        self.store = store
        self.position = position
        self.filter = filter
        reported = position.revision
    }

    /// The next batch with a wanted change; or a bookmark, which has none but moves the position on.
    ///
    /// - Throws: as ``Metastore/changes(after:of:under:)``; ``StoreError/closed`` when the store is closed.
    mutating func next() async throws -> ChangeBatch {
        if !isChecked {
            rewinds = store.tail.rewinds
            _ = try await orOlder { (store, position) in try await store.checkResumable(position) }
            isChecked = true
        }
        while true {
            try Task.checkCancellation()
            let stretch = try await stretch()
            guard !stretch.isEmpty else {
                if position.revision > reported { return batch([]) }
                try await store.tail.wait(after: position.revision, for: filter.kinds)
                continue
            }
            position = stretch.end
            if !stretch.commits.isEmpty || position.revision.rawValue - reported.rawValue >= Limits.bookmarkRevisions {
                return batch(stretch.commits)
            }
        }
    }

    private mutating func batch(_ commits: [Commit]) -> ChangeBatch {
        reported = position.revision
        return ChangeBatch(commits: commits, position: position)
    }

    /// What follows the position: from the tail's memory, or else from the log, or else from before it.
    private mutating func stretch() async throws -> Stretch {
        if let recent = try store.tail.stretch(after: position, since: rewinds, filter) {
            older = []
            return recent
        }
        let filter = filter
        if older.isEmpty,
            let logged = try await orOlder({ (store, position) in try await Self.logged(store, position, filter) })
        {
            return logged
        }
        var stretch = Stretch(after: position)
        while let record = older.first, stretch.isEmpty || stretch.bytes < Limits.feedBatchBytes {
            try stretch.add(record, filter)
            older.removeFirst()
        }
        return stretch
    }

    /// What the log answers; or nil, where it begins later and a part of what comes before was read instead.
    private mutating func orOlder<Answer>(
        _ ask: (Metastore, Position) async throws -> Answer
    ) async throws -> Answer? {
        do {
            return try await ask(store, position)
        } catch StoreError.compacted(let oldest) {
            guard let part = try await store.older(after: position) else { throw StoreError.compacted(oldest: oldest) }
            older = part.records[...]
            return nil
        }
    }

    private static func logged(
        _ store: Metastore, _ start: Position, _ filter: ChangeFilter
    ) async throws -> Stretch {
        try await store.readOnce(.ownPosition) { session in
            var stretch = Stretch(after: start)
            var isOurs = false
            var isNext = false
            try session.forEach(
                SQL(trusted: "SELECT \(LogRecord.columns) FROM log ")
                    + "WHERE revision >= \(start.revision.rawValue) ORDER BY revision LIMIT 4096"
            ) { row in
                let row = LogRow(row)
                let revision = try row.revision
                if revision == start.revision {
                    isOurs = Array(try row.link.prefix(Position.chainPrefixLength)) == start.chainPrefix
                    return true
                }
                if stretch.isEmpty { isNext = revision.rawValue == start.revision.rawValue + 1 }
                guard isNext else { return false }
                try stretch.add(row, filter)
                return stretch.bytes < Limits.feedBatchBytes
            }
            // Cut off meanwhile, by retention; or another history, which a server that lacks ours went on with.
            if !isNext || !isOurs { try session.checkResumable(start) }
            return stretch
        }
    }
}
