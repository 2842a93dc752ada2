public import MetastoreModel

/// Some consecutive commits of the feed, and the position after them.
public struct ChangeBatch: Sendable {
    /// The commits that hold a wanted change, in order, each whole as far as it is wanted; none in a bookmark.
    public let commits: [Commit]
    /// Resume from here: everything up to it was handed out or not wanted.
    public let position: Position

    /// The wanted changes in order.
    public var changes: [Change] { commits.flatMap(\.changes) }

    /// True when the batch only moves the position on.
    public var isBookmark: Bool { commits.isEmpty }
}

/// The feed from a position on, in batches with positions to resume from. It never ends by itself: it waits for the
/// next commit, or throws.
public struct ChangeBatches: AsyncSequence, Sendable {
    /// Whole revisions, with the position after them.
    public typealias Element = ChangeBatch
    let reader: FeedReader

    /// Begins at the position it was made for, each time.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// Pulls one batch at a time; nothing is read ahead.
    public struct Iterator: AsyncIteratorProtocol {
        var reader: FeedReader

        /// The next batch, which may be a bookmark.
        ///
        /// - Throws: ``StoreError``; `CancellationError` when the task was cancelled.
        public mutating func next() async throws -> ChangeBatch? {
            try await reader.next()
        }
    }
}

/// The feed from a position on, change by change. It never ends by itself: it waits for the next commit, or throws.
public struct Changes: AsyncSequence, Sendable {
    /// One change of one record.
    public typealias Element = Change
    let reader: FeedReader

    /// Begins at the position it was made for, each time.
    public func makeAsyncIterator() -> Iterator { Iterator(reader: reader) }

    /// The same feed in batches, with bookmarks and positions.
    public var batches: ChangeBatches { ChangeBatches(reader: reader) }

    /// Pulls one batch at a time; nothing is read ahead.
    public struct Iterator: AsyncIteratorProtocol {
        private var reader: FeedReader
        private var waiting: [Change] = []
        private var index = 0

        init(reader: FeedReader) {
            self.reader = reader
        }

        /// The next wanted change.
        ///
        /// - Throws: ``StoreError``; `CancellationError` when the task was cancelled.
        public mutating func next() async throws -> Change? {
            while index == waiting.count {
                waiting = try await reader.next().changes
                index = 0
            }
            defer { index += 1 }
            return waiting[index]
        }
    }
}

extension Metastore {
    /// The changes committed after a position, in order, without loss or repetition.
    ///
    /// ```swift
    /// let page = try await store.experiments.list(.state(.active))
    /// for try await change in store.changes(after: page.position, under: "experiments/1/") { print(change) }
    /// ```
    /// It is pulled: a slow reader neither slows commits nor makes memory grow.
    ///
    /// - Parameters:
    ///   - position: where to begin; from any read or write, also of an earlier process.
    ///   - kinds: the kinds wanted; all unless given.
    ///   - prefix: only the record with this key and what is below it.
    /// - Returns: a sequence whose iteration throws ``StoreError/compacted(oldest:)``,
    ///   ``StoreError/forked(lastCommon:)``, ``StoreError/futureRevision(asked:head:)`` or
    ///   ``StoreError/otherCluster`` when it can't go on from there.
    public func changes(
        after position: Position, of kinds: RecordKinds..., under prefix: KeyPrefix? = nil
    ) -> Changes {
        Changes(
            reader: FeedReader(self, after: position, filter: ChangeFilter(kinds: kinds.union, under: prefix)))
    }
}

extension [RecordKinds] {
    /// All kinds when none is named.
    var union: RecordKinds { isEmpty ? .all : reduce(into: []) { $0.formUnion($1) } }
}
