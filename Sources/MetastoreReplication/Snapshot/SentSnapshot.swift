// Invariants
// 1. All of it is one moment of the store, which goes on meanwhile: rows, and of the log what live consumers of the
//    store haven't seen, so that they go on wherever the rows come to.
// 2. Memory holds three parts at most, however slow the taker is; and he holds the store's write-ahead log no longer
//    than the store's own reads do, and in no case longer than the time he was given.

internal import Dispatch
package import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import Synchronization

/// A portable snapshot of an open store, frame by frame: see ``SnapshotFrames``.
package final class SentSnapshot: Sendable {
    private let frames = Handback<[UInt8]>()
    private let clock: Task<Void, Never>
    private let expiry = Expiry()

    /// Begins; one thread of its own works until the last frame is taken, or ``end()``.
    ///
    /// - Parameter time: how long all of it may take. Whoever is slower gets ``StoreError/snapshotExpired``.
    package init(of store: Metastore, within time: Duration) {
        let (frames, expiry) = (self.frames, self.expiry)
        clock = Task {
            guard (try? await Task.sleep(for: time)) != nil else { return }
            expiry.expire()
        }
        Task {
            do {
                try await BlockingThread.run(named: "metastore-snapshot") {
                    let source = try SnapshotSource(store, .yielding)
                    defer { source.close() }
                    source.whenTold { frames.end(.failure($0)) }
                    expiry.set(source.expiry)
                    try Self.write(source, attempt: store.time.random()) { try frames.give($0) }
                }
                frames.end(.success(()))
            } catch {
                frames.end(.failure(error))
            }
        }
    }

    deinit { end() }

    /// The next frame's bytes; nil after the last, which is empty.
    ///
    /// - Throws: ``StoreError``: `snapshotExpired` where it took too long, `misuse` for a store in memory.
    package func next() async throws -> [UInt8]? { try await frames.take() }

    /// Nobody wants the rest. Ending twice is harmless.
    package func end() {
        clock.cancel()
        frames.end(.failure(CancellationError()))
        expiry.expire()
    }

    private static func write(
        _ source: SnapshotSource, attempt: UInt64, _ give: (_ frame: [UInt8]) throws -> Void
    ) throws {
        let (head, start) = (source.head, try source.logStart())
        func manifest(_ tables: [SnapshotManifest.TableShape], _ parts: [SnapshotManifest.Part]) -> SnapshotManifest {
            SnapshotManifest(
                form: .portable, attempt: attempt,
                anchor: ArchivePlace(epoch: start.epoch, revision: start.revision, chain: start.chain), head: head,
                tables: tables, parts: parts)
        }
        try give(manifest(source.tables.map { SnapshotManifest.TableShape($0, rows: 0) }, []).bytes)
        let id = SnapshotID(epoch: head.epoch.number, revision: head.revision, form: .portable)
        var parts: [SnapshotManifest.Part] = []
        let tables = try source.forEachContent { content, _, _ in
            let bytes = SnapshotPart(cluster: head.cluster, snapshot: id, number: parts.count, content: content).bytes
            parts.append(
                SnapshotManifest.Part(content: content.count, stored: bytes.count, hash: SnapshotManifest.hash(bytes)))
            guard parts.count <= Limits.snapshotParts else {
                throw ArchiveError.tooLarge(
                    object: "\(id)", bytes: parts.reduce(0) { $0 + $1.stored },
                    limit: Limits.snapshotParts * Limits.snapshotPartBytes)
            }
            try give(bytes)
        }
        let last = manifest(tables, parts).bytes
        guard last.count <= Limits.manifestBytes else {
            throw ArchiveError.tooLarge(object: "\(id)", bytes: last.count, limit: Limits.manifestBytes)
        }
        try give(last)
        try writeLog(source, after: start, give)
        // Nothing of the store is needed any more, however long the rest takes.
        source.close()
        try give([])
    }

    /// The records that consumers haven't seen, as segments: those of one epoch in each.
    private static func writeLog(
        _ source: SnapshotSource, after start: (epoch: Epoch, revision: Revision, chain: [UInt8]),
        _ give: (_ frame: [UInt8]) throws -> Void
    ) throws {
        var (records, bytes, previous) = ([LogRecord](), 0, start.chain)
        func seal() throws {
            guard let last = records.last else { return }
            try give(Segment(cluster: source.head.cluster, records, after: previous, digests: [:]).bytes)
            (records, bytes, previous) = ([], 0, last.chain)
        }
        try source.forEachRecord(after: start.revision) { record in
            if bytes >= Limits.segmentBytes || records.last.map({ $0.epoch != record.epoch }) ?? false { try seal() }
            records.append(record)
            bytes += record.body.count + Limits.logRowOverhead
        }
        try seal()
    }

    /// Ends what is read, once it is known what that is.
    private final class Expiry: Sendable {
        private struct State {
            var body: (@Sendable () -> Void)?
            var isOver = false
        }

        private let state = Mutex(State())

        func set(_ body: @escaping @Sendable () -> Void) {
            let isOver = state.withLock { state in
                state.body = body
                return state.isOver
            }
            if isOver { body() }
        }

        func expire() {
            let body = state.withLock { state in
                state.isOver = true
                return state.body
            }
            body?()
        }
    }
}
