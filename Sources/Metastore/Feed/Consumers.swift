// Invariants (G6)
// 1. A consumer's position moves only forward, and only from where this reader knows it to be.
// 2. Moved inside a handler's transaction, position and effects commit together or not at all.
// 3. A position that moves alone writes no log record: else consumers would wake each other for ever.

internal import MetastoreEngine
public import MetastoreModel

/// Where a consumer that is not there yet begins.
public enum ConsumerStart: Sendable, Hashable {
    /// Before the first change of the store; `compacted` when that is no longer kept.
    case beginning
    /// After everything committed so far.
    case now
    /// After a position.
    case after(Position)
}

extension Repository where Element == Consumer {
    /// The consumer, or nil.
    public func find(_ name: String) throws(StoreError) -> Consumer? {
        try session.find(Consumer.self, .text(name))
    }

    /// All consumers, by name.
    public func all() throws(StoreError) -> [Consumer] { try session.records("ORDER BY name") }

    /// How far a consumer has got.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func position(_ name: String) throws(StoreError) -> Position {
        let head: Head
        do {
            head = try Head.load(session.connection, locking: false)
        } catch {
            throw StoreError(error)
        }
        let found = try session.first(
            """
            SELECT position_epoch, position_nonce, position_revision, position_chain FROM consumers \
            WHERE name = \(name)
            """
        ) { row in
            Position(
                cluster: head.cluster,
                epoch: Epoch(number: try row.integer(0), nonce: UInt64(bitPattern: try row.integer(1))),
                revision: Revision(rawValue: try row.integer(2)), chainPrefix: Position.prefix(of: try row.bytes(3)))
        }
        guard let found else { throw .notFound(path: RecordKey.consumer(name).path) }
        return found
    }
}

extension Repository where Element == Consumer, Access == Writing {
    /// Makes sure the consumer is there; returns where it stands.
    ///
    /// - Parameter isOlder: that the position it begins after can be resumed is known, also if the log begins later.
    func register(
        _ name: String, kinds: RecordKinds, under: KeyPrefix?, start: ConsumerStart, isOlder: Bool = false
    ) throws(StoreError) -> Position {
        try validating { () throws(ModelError) in try FieldValidation.name(name, field: "consumer") }
        if let existing = try find(name) {
            guard !existing.isExpired else { throw .consumerExpired(name: name) }
            var next = existing
            next.kinds = kinds
            next.under = under?.text
            try writer.update(next, from: existing)
            return try position(name)
        }
        let count = try session.first("SELECT count(*) FROM consumers") { try $0.integer(0) } ?? 0
        guard count < Limits.consumers else {
            throw .exhausted(what: "place for a consumer (\(Limits.consumers) there are)")
        }
        let position: Position
        switch start {
        case .beginning:
            guard writer.head.compactedRevision == .absent else { throw .compacted(oldest: writer.head.oldest) }
            position = try session.position(at: .absent, writer.head)
        case .now: position = writer.head.position
        case .after(let given):
            if !isOlder { try session.checkResumable(given) }
            position = given
        }
        return try writer.atomically { () throws(StoreError) in
            _ = try writer.insert(
                Consumer(
                    name: name, kinds: kinds, under: under?.text, isExpired: false, createdRevision: .absent,
                    revision: .absent))
            try keep(name, position)
            // A follower learns from the header where the consumer begins.
            writer.consumer = ConsumerProgress(name: name, revision: position.revision)
            return position
        }
    }

    /// Moves the consumer from where the caller knows it to be.
    func advance(_ name: String, from: Revision, to position: Position) throws(StoreError) {
        let found = try session.first("SELECT position_revision, is_expired FROM consumers WHERE name = \(name)") {
            row in
            (revision: Revision(rawValue: try row.integer(0)), isExpired: try row.integer(1) != 0)
        }
        guard let found else { throw .notFound(path: RecordKey.consumer(name).path) }
        guard !found.isExpired else { throw .consumerExpired(name: name) }
        guard found.revision == from else {
            throw .consumerMoved(name: name, expected: from, found: found.revision)
        }
        try keep(name, position)
        writer.consumer = ConsumerProgress(name: name, revision: position.revision)
    }

    private func keep(_ name: String, _ position: Position) throws(StoreError) {
        try writer.execute(
            """
            UPDATE consumers SET position_epoch = \(position.epoch.number), \
            position_nonce = \(Int64(bitPattern: position.epoch.nonce)), \
            position_revision = \(position.revision.rawValue), position_chain = \(position.chainPrefix), \
            position_time = \(Value.timestamp(writer.time.microseconds)) WHERE name = \(name)
            """)
    }

    /// Forgets a consumer, so that it no longer holds the log back. One that isn't there is no error.
    public func remove(_ name: String) throws(StoreError) {
        guard let existing = try find(name) else { return }
        try writer.delete(existing)
    }
}

/// Some consecutive commits for a named consumer, to be processed together with its position.
public struct ConsumerBatch: Sendable {
    let store: Metastore
    let name: String
    let from: Revision
    /// The commits and the position after them.
    public let batch: ChangeBatch

    /// The wanted changes in order.
    public var changes: [Change] { batch.changes }
    /// The commits that hold them.
    public var commits: [Commit] { batch.commits }
    /// Where the consumer stands after the batch.
    public var position: Position { batch.position }

    /// Handles every change of the batch and moves the consumer, in one transaction: effects and position commit
    /// together, so that each change has its effects exactly once, whatever crashes when.
    ///
    /// - Throws: what the handler throws, and then neither effects nor position are kept: the batch comes again.
    ///   ``StoreError/consumerMoved(name:expected:found:)`` when another process uses the name.
    public func process(
        file: String = #fileID, line: Int = #line,
        _ handle: @escaping @Sendable (Change, borrowing Transaction) throws -> Void
    ) async throws {
        try await commit(file: file, line: line) { batch, tx in
            for change in batch.changes { try handle(change, tx) }
        }
    }

    /// Like ``process(file:line:_:)``, with the whole batch at once.
    public func commit<Value: Sendable>(
        file: String = #fileID, line: Int = #line,
        _ handle: @escaping @Sendable (ChangeBatch, borrowing Transaction) throws -> Value
    ) async throws -> Value {
        let (name, from, batch) = (name, from, batch)
        return try await store.submit(actor: name, callSite: CallSite(file: file, line: line)) { session in
            try Repository<Consumer, Writing>(session).advance(name, from: from, to: batch.position)
            return try handle(batch, Transaction(session))
        }.value
    }

    /// Moves the consumer over the batch without any effect.
    public func skip() async throws {
        try await commit { _, _ in }
    }
}

/// A named consumer's feed, from where it stopped.
public struct ConsumerBatches: AsyncSequence, Sendable {
    /// What the consumer hasn't handled yet.
    public typealias Element = ConsumerBatch
    let store: Metastore
    let name: String
    let filter: ChangeFilter
    let start: ConsumerStart

    /// Begins where the consumer stopped.
    public func makeAsyncIterator() -> Iterator { Iterator(sequence: self) }

    /// Pulls one batch at a time.
    public struct Iterator: AsyncIteratorProtocol {
        let sequence: ConsumerBatches
        var reader: FeedReader?

        init(sequence: ConsumerBatches) {
            self.sequence = sequence
        }

        /// The next batch with a wanted change. Bookmarks are committed here, without a log record.
        ///
        /// A batch that was not processed comes again: from the next iterator, or the next process.
        /// - Throws: ``StoreError``; `CancellationError` when the task was cancelled.
        public mutating func next() async throws -> ConsumerBatch? {
            let store = sequence.store
            if reader == nil {
                let (name, filter, start) = (sequence.name, sequence.filter, sequence.start)
                let position = try await store.registering(from: start) { start, isOlder, session in
                    try Repository<Consumer, Writing>(session).register(
                        name, kinds: filter.kinds, under: filter.under, start: start, isOlder: isOlder)
                }
                reader = FeedReader(store, after: position, filter: filter)
            }
            while var reader {
                let from = reader.position.revision
                let batch: ChangeBatch
                do {
                    batch = try await reader.next()
                } catch StoreError.compacted(let oldest) {
                    // What a live consumer needs is never cut: it was expired before.
                    let name = sequence.name
                    let consumer = try await store.readOnce { try Repository<Consumer, Reading>($0).find(name) }
                    if consumer?.isExpired == true { throw StoreError.consumerExpired(name: name) }
                    throw StoreError.compacted(oldest: oldest)
                }
                self.reader = reader
                let mine = ConsumerBatch(store: store, name: sequence.name, from: from, batch: batch)
                if !batch.isBookmark { return mine }
                try await mine.skip()
            }
            return nil
        }
    }
}

extension Metastore {
    /// Registers a consumer; where the log begins after where it is to begin, once it is known that what comes before
    /// can be read elsewhere.
    fileprivate func registering(
        from start: ConsumerStart,
        _ register: @escaping @Sendable (ConsumerStart, Bool, WriteSession) throws -> Position
    ) async throws -> Position {
        let callSite = CallSite(file: "consumer")
        do {
            return try await submit(actor: options.actor, callSite: callSite) { try register(start, false, $0) }.value
        } catch StoreError.compacted(let oldest) {
            let position: Position
            switch start {
            case .beginning: position = try await self.position(at: .absent)
            case .after(let given):
                guard try await older(after: given) != nil else { throw StoreError.compacted(oldest: oldest) }
                position = given
            case .now: throw StoreError.compacted(oldest: oldest)
            }
            return try await submit(actor: options.actor, callSite: callSite) {
                try register(.after(position), true, $0)
            }.value
        }
    }

    /// The changes a named consumer has not handled yet, in batches to be processed together with its position.
    ///
    /// ```swift
    /// for try await batch in store.changes(as: "scheduler", of: .experiments, .trials) {
    ///     try await batch.process { change, tx in … }
    /// }
    /// ```
    /// - Parameters:
    ///   - name: the consumer; registered when first used.
    ///   - start: where it begins when it is not registered yet.
    /// - Returns: a sequence whose iteration throws ``StoreError/consumerExpired(name:)`` when the consumer lagged
    ///   beyond the hard limit of the log, and what ``changes(after:of:under:)`` throws.
    public func changes(
        as name: String, of kinds: RecordKinds..., under prefix: KeyPrefix? = nil,
        from start: ConsumerStart = .beginning
    ) -> ConsumerBatches {
        ConsumerBatches(
            store: self, name: name, filter: ChangeFilter(kinds: kinds.union, under: prefix), start: start)
    }
}

extension AsyncRepository where Element == Consumer {
    /// All consumers, by name.
    public func all() async throws -> [Consumer] {
        try await store.readOnce { try Repository<Consumer, Reading>($0).all() }
    }

    /// How far a consumer has got.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func position(_ name: String) async throws -> Position {
        try await store.read { try $0.consumers.position(name) }
    }

    /// Forgets a consumer, so that it no longer holds the log back. One that isn't there is no error.
    public func remove(_ name: String) async throws {
        try await store.write { tx in try tx.consumers.remove(name) }
    }
}
