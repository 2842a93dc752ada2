// Invariants
// 1. A source promises nothing about what it gives: whoever applies it proves it first, by the links.
// 2. A call ends: with an answer, with an error, or when its task is cancelled.

public import FoundationEssentials
public import Metastore
package import MetastoreEngine
package import MetastoreModel

/// A place in a history, with the whole link of its revision.
package struct LogPlace: Sendable, Hashable {
    package var position: Position
    package var chain: [UInt8]

    package init(position: Position, chain: [UInt8]) {
        self.position = position
        self.chain = chain
    }

    package init(_ head: LogHead) { self.init(position: head.position, chain: head.chain) }

    /// After a record.
    package init(_ record: LogRecord, of cluster: UUID) {
        self.init(
            position: Position(
                cluster: cluster, epoch: record.epoch, revision: record.revision, chainPrefix: record.chain),
            chain: record.chain)
    }

    package var revision: Revision { position.revision }
}

/// Some consecutive records of a history.
package struct LogPart: Sendable {
    package var cluster: UUID
    /// The link of the revision before them.
    package var previous: [UInt8]
    package var records: [LogRecord]
    /// After the last of them, of some kinds; none where the source doesn't know.
    package var digests: [RecordKind: UInt128]

    package init(cluster: UUID, previous: [UInt8], records: [LogRecord], digests: [RecordKind: UInt128]) {
        self.cluster = cluster
        self.previous = previous
        self.records = records
        self.digests = digests
    }

    package init(_ segment: Segment) {
        self.init(
            cluster: segment.header.cluster, previous: segment.header.previous, records: segment.records,
            digests: segment.footer.digests)
    }
}

/// What a source says when it is asked what follows a place.
package struct SourceAnswer: Sendable {
    /// In order; none when nothing came while it waited.
    package var parts: [LogPart]
    /// The newest revision that the source is known to have; it may have more.
    package var newest: Revision

    package init(parts: [LogPart], newest: Revision) {
        self.parts = parts
        self.newest = newest
    }
}

/// Where a follower's history comes from.
package protocol LogSource: Sendable {
    /// For messages: a path, or a URL without anything secret.
    var place: String { get }

    /// Whose history it is.
    func cluster() async throws(LogSourceError) -> UUID

    /// What comes right after a place, up to about Limits.segmentBytes of it or one record.
    ///
    /// - Parameter waiting: how long it waits for the first record.
    func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer

    /// Tells the source that everything up to a revision is durable here.
    func acknowledge(_ revision: Revision) async throws(LogSourceError)

    /// Brings the source's newest state, as a snapshot in frames.
    ///
    /// - Throws: ``LogSourceError``; what the intake throws.
    func bringSnapshot(into intake: SnapshotIntake) async throws

    /// Fills an empty place with the source's newest state, as a replica, in one step or not at all.
    ///
    /// - Returns: where the replica stands.
    /// - Throws: ``LogSourceError``; ``StoreError``: `targetNotEmpty`, and what the place fails with.
    func fill(
        _ place: EngineSource, of cluster: UUID, _ options: StoreOptions,
        _ progress: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws -> Position

    /// The sum over the rows of each kind as it was at a position, computed anew; nil where there are no rows.
    func rowDigests(at position: Position) async throws(LogSourceError) -> [RecordKind: UInt128]?

    /// The sums of the parts of one kind, of which there are ``RowParts/count``.
    func sums(of kind: RecordKind, at position: Position) async throws(LogSourceError) -> [UInt128]

    /// The hashes of the rows in some parts of a kind, by key; nil where there are more than `most`.
    func hashes(
        of kind: RecordKind, in parts: Set<Int>, at position: Position, most: Int
    ) async throws(LogSourceError) -> [String: UInt128]?
}

extension LogSource {
    /// Most want to know nothing.
    package func acknowledge(_ revision: Revision) async throws(LogSourceError) {}

    /// One that has records alone.
    package func bringSnapshot(into intake: SnapshotIntake) async throws {
        throw LogSourceError.refused(reason: "it gives no snapshot to begin with. Begin with its whole log")
    }

    /// With the snapshot that it brings.
    package func fill(
        _ place: EngineSource, of cluster: UUID, _ options: StoreOptions,
        _ progress: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws -> Position {
        try await ReplicaFilling(of: cluster, options).run(to: place, progress) { intake in
            try await bringSnapshot(into: intake)
        }
    }
}

/// Why a source gives nothing.
package enum LogSourceError: Error, Sendable, Hashable {
    /// It doesn't answer, or fails in a way that may pass.
    case unavailable(reason: String)
    /// It refuses whoever asks.
    case refused(reason: String)
    /// What it gave is not what was written. Nothing of it was taken.
    case damaged(reason: String)
    /// A newer release wrote it.
    case newer(reason: String)
    /// It has no history before this position.
    case compacted(oldest: Position)
    /// It has another history after this position, which may be one that only the source knows.
    case forked(lastCommon: Position)
    /// It ends before the place that it was asked for.
    case behind(newest: Revision)
    /// It is of another cluster.
    case otherCluster
}

extension LogSourceError {
    /// What a store's error means to whoever follows it.
    package init(_ error: any Error) {
        switch error {
        case let error as LogSourceError: self = error
        case StoreError.compacted(let oldest): self = .compacted(oldest: oldest)
        case StoreError.forked(let common): self = .forked(lastCommon: common)
        case StoreError.futureRevision(_, let head): self = .behind(newest: head)
        case StoreError.otherCluster: self = .otherCluster
        case StoreError.schema(let reason): self = .newer(reason: reason)
        case StoreError.damaged: self = .damaged(reason: "\(error)")
        case let error as ArchiveError:
            switch error {
            case .damaged, .tooLarge, .forked: self = .damaged(reason: "\(error)")
            case .newer: self = .newer(reason: "\(error)")
            case .refused, .expired: self = .refused(reason: "\(error)")
            case .unavailable, .full, .behind, .fenced, .gap, .missing, .exists: self = .unavailable(reason: "\(error)")
            }
        default: self = .unavailable(reason: "\(error)")
        }
    }
}

/// Whom a follower follows.
public struct FollowedSource: Sendable {
    package let source: any LogSource

    package init(_ source: any LogSource) { self.source = source }

    /// An archive, which its master goes on writing to.
    ///
    /// - Parameters:
    ///   - target: where it lies.
    ///   - cluster: whose it is.
    ///   - polling: how often it is looked at once all of it is known. A commit is seen once it is archived, and at
    ///     the latest so much later.
    public static func archive(
        _ target: any ArchiveTarget, of cluster: UUID, polling: Duration = .milliseconds(250)
    ) -> FollowedSource {
        FollowedSource(ArchiveLogSource(ArchiveLine(target, of: cluster), polling: polling))
    }

    /// A store that this process has open: for tests, and for a copy on another device.
    public static func store(_ store: Metastore) -> FollowedSource { FollowedSource(StoreLogSource(store)) }
}
