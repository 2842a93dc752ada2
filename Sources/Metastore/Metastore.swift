// Invariants
// 1. One writer per store and process; nothing blocks the cooperative pool.
// 2. Every call after close() fails with `closed`; close() lets what was accepted end first.

internal import Logging
package import MetastoreEngine
public import MetastoreModel

/// The metadata of a training cluster: typed records, key-value entries and the feed of their changes.
///
/// ```swift
/// let store = try await Metastore.open(.sqlite("/var/lib/master/metastore.db"))
/// let experiment = try await store.write { tx in
///     try tx.experiments.create(NewExperiment(name: "mnist", config: ["searcher": "random"]))
/// }
/// ```
/// An answered write is durable, every read is one snapshot, and every committed change is in the feed, in order
/// (docs/ARCHITECTURE.md). Share one handle in a process; a second one on the same file is refused.
public final class Metastore: Sendable {
    let engine: any Engine
    let options: StoreOptions
    let readers: ReaderPool?
    let writer: Writer?
    let tail: Tail
    /// How far the archive and the followers have got.
    package let replication: ReplicationProgress
    let leaseClock: LeaseClock
    let logger: Logger

    init(
        engine: any Engine, options: StoreOptions, readers: ReaderPool?, writer: Writer?, tail: Tail,
        replication: ReplicationProgress, leases: LeaseClock, logger: Logger
    ) {
        self.engine = engine
        self.options = options
        self.readers = readers
        self.writer = writer
        self.tail = tail
        self.replication = replication
        self.leaseClock = leases
        self.logger = logger
    }

    // MARK: Writing

    /// Runs a closure in a transaction and returns its value once everything it wrote is durable.
    ///
    /// Closures of many callers share one flush; each has a savepoint of its own, so that an error undoes this closure
    /// alone. **The closure may run more than once** and must have no effect outside `tx`. If the task is cancelled
    /// before the closure starts, nothing happens; afterwards it is carried through.
    ///
    /// - Parameters:
    ///   - durability: what it survives once it is answered; durable in this store unless given.
    ///   - actor: who writes, as the log names it; the store's own actor unless given.
    ///   - file: where the call stands, for messages about it.
    ///   - line: where the call stands.
    /// - Throws: what the closure throws; or a ``StoreError`` when it can't be committed. After
    ///   ``StoreError/notReplicated(position:reason:)`` it *is* committed.
    @discardableResult
    public func write<Value: Sendable>(
        until durability: Durability = .local, actor: String? = nil, file: String = #fileID, line: Int = #line,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Value {
        try await committed(until: durability, actor: actor, file: file, line: line, body).value
    }

    /// Like ``write(until:actor:file:line:_:)``, and also says where the store stood afterwards: follow the feed from
    /// there and nothing is missed, nothing doubled.
    @discardableResult
    public func committed<Value: Sendable>(
        until durability: Durability = .local, actor: String? = nil, file: String = #fileID, line: Int = #line,
        _ body: @escaping @Sendable (borrowing Transaction) throws -> Value
    ) async throws -> Committed<Value> {
        let (actor, callSite) = (try checked(actor), CallSite(file: file, line: line))
        try check(durability)
        let committed = try await submit(actor: actor, callSite: callSite, from: .client) { session in
            try body(Transaction(session))
        }
        try await confirm(durability, committed.position)
        return committed
    }

    func checked(_ actor: String?) throws(StoreError) -> String {
        let actor = actor ?? options.actor
        do {
            try FieldValidation.text(actor, field: "actor", limit: Limits.nameBytes)
        } catch {
            throw StoreError(error)
        }
        return actor
    }

    // MARK: Reading

    /// Runs a closure on one snapshot. Writing in it doesn't compile.
    ///
    /// If the task is cancelled, the running statement is interrupted. On a server the closure may run more than once,
    /// when its connection was lost.
    ///
    /// - Throws: what the closure throws; ``StoreError/snapshotExpired`` when it ran long while the log was full.
    public func read<Value: Sendable>(
        _ body: @escaping @Sendable (borrowing Snapshot) throws -> Value
    ) async throws -> Value {
        try await run(ClosureRead(isSnapshot: true, .everythingKnown) { session in try body(Snapshot(session)) })
    }

    /// One statement, which is a snapshot by itself.
    func readOnce<Value: Sendable>(
        _ assurance: Assurance = .everythingKnown, _ body: @escaping @Sendable (Session) throws -> Value
    ) async throws -> Value {
        try await run(ClosureRead(isSnapshot: false, assurance, body: body))
    }

    /// Makes sure that the feed can go on right after this position, from this store's own log.
    func checkResumable(_ position: Position) async throws {
        try await run(ClosureRead(isSnapshot: true, .ownPosition) { try $0.checkResumable(position) })
    }

    private func run<Value: Sendable>(_ job: ClosureRead<Value>) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                job.wait(continuation)
                if let readers {
                    readers.submit(job)
                } else if let writer {
                    writer.submit(job)
                } else {
                    job.fail(.closed)
                }
            }
        } onCancel: {
            job.cancel()
        }
    }

    // MARK: The store itself

    /// Which cluster this is, and how far it has got.
    public func info() async throws -> ClusterInfo {
        try await readOnce { session in
            let head = try Head.load(session.connection, locking: false)
            return ClusterInfo(
                cluster: head.cluster, epoch: head.epoch, revision: head.revision,
                compactedRevision: head.compactedRevision, schema: head.schema)
        }
    }

    /// The position of the newest commit this handle knows of.
    public var position: Position { tail.head }

    /// Ends the feed, lets accepted writes end, marks the store as cleanly closed and gives it up.
    ///
    /// Closing twice is harmless.
    public func close() async {
        let parts = Parts(engine: engine, readers: readers, writer: writer, tail: tail, replication: replication)
        await BlockingThread.run(named: "metastore-close") { parts.shutDown() }
    }

    /// A handle that was dropped without ``close()`` closes behind the caller's back: the lock isn't kept for ever.
    deinit {
        guard !tail.isClosed else { return }
        let parts = Parts(engine: engine, readers: readers, writer: writer, tail: tail, replication: replication)
        BlockingThread.start(named: "metastore-close") { parts.shutDown() }
    }

    /// What there is to close, in this order.
    private struct Parts: Sendable {
        let engine: any Engine
        let readers: ReaderPool?
        let writer: Writer?
        let tail: Tail
        let replication: ReplicationProgress

        func shutDown() {
            let isFirst = tail.close(.closed)
            replication.close()
            readers?.close()
            if let writer {
                writer.queue.close()
                while !writer.hasEnded { BlockingThread.pause() }
            }
            if isFirst { engine.close() }
        }
    }
}

extension Snapshot {
    /// Where this snapshot stands: follow the feed from here and nothing is missed, nothing doubled.
    public var position: Position {
        get throws(StoreError) {
            do {
                return try Head.position(session.connection)
            } catch {
                throw StoreError(error)
            }
        }
    }
}

extension BlockingThread {
    /// Runs blocking work on a thread of its own and awaits its end.
    package static func run<Result: Sendable>(
        named name: String, _ body: @escaping @Sendable () throws -> Result
    ) async throws -> Result {
        try await withCheckedThrowingContinuation { continuation in
            start(named: name) { continuation.resume(with: Swift.Result { try body() }) }
        }
    }

    static func run(named name: String, _ body: @escaping @Sendable () -> Void) async {
        await withCheckedContinuation { continuation in
            start(named: name) {
                body()
                continuation.resume()
            }
        }
    }
}
