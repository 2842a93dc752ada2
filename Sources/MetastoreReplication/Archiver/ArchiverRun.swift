// Invariants
// 1. Records go into the archive in the order of the log, each once; what stands there already is followed.
// 2. It holds the records of one segment, those it has just read, and a segment on its way: about three times a
//    segment's bytes, and more only for a transaction that is larger.
// 3. The consumer stands before the last object, never after it: what stands after it proves where the archive is. What
//    the log keeps is so at most one segment more than what isn't archived.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel

/// One run of an archiver, from where the archive ends.
struct ArchiverRun {
    private let archiver: Archiver
    private var writer: ArchiveWriter
    private var cutter: SegmentCutter
    /// The last record that was taken, …
    private var taken: Revision
    /// … and the one at which all digests are known.
    private var settling: LogHead?

    private var store: Metastore { archiver.store }
    private var options: ArchiverOptions { archiver.options }

    // MARK: Beginning

    /// Finds where the archive ends, or begins one.
    init(_ archiver: Archiver) async throws {
        self.archiver = archiver
        let (store, line, options) = (archiver.store, archiver.line, archiver.options)
        let approach = ArchiveApproach(store: store, line: line, ahead: options.ahead)
        let kept = archiver.keepsLog ? try await store.keptLog(as: options.consumer) : nil
        let found: ArchiveApproach.Found
        if let there = try await approach.find(after: kept) {
            found = there
        } else {
            // Only what the log has can go into a new archive, and from now on it keeps that.
            if archiver.keepsLog { try await store.keepWholeLog(as: options.consumer) }
            found = try await Self.begin(archiver, approach)
        }
        writer = ArchiveWriter(line, after: found.end)
        archiver.mayRelease(to: found.hint)
        taken = found.end.revision
        cutter = SegmentCutter(cluster: line.cluster, after: found.end, digests: FollowedDigests())
        try await openEpochs(through: nil)
        taken = writer.end.revision
        archiver.opened(after: taken, objects: found.objects)
        try await keepLog(from: kept)
        try await makeCutter()
    }

    private static func begin(
        _ archiver: Archiver, _ approach: ArchiveApproach
    ) async throws -> ArchiveApproach.Found {
        let (store, line) = (archiver.store, archiver.line)
        let lineage = try await store.lineage()
        guard let epoch = lineage.epoch(after: lineage.compacted) else {
            throw StoreError.damaged(place: "the table of epochs", reason: "it lacks the first epoch")
        }
        let first = try await store.logRecords(after: lineage.compacted, bytes: 1).first
        let record = EpochRecord(
            cluster: line.cluster, epoch: epoch.epoch, parent: nil, fork: lineage.compacted,
            chain: lineage.compactedChain, holder: first?.actor ?? epoch.holder, time: first?.time ?? epoch.time)
        _ = try await line.target.create(line.names.beginning, record.bytes)
        archiver.began(after: lineage.compacted)
        guard let found = try await approach.find(after: nil) else {
            throw ArchiveError.unavailable(place: line.target.place, reason: "what was put there can't be found")
        }
        return found
    }

    /// The consumer holds the log from where the archive ends, at the latest.
    private func keepLog(from kept: Position?) async throws {
        guard kept == nil, archiver.keepsLog else { return }
        let end = writer.end
        _ = try await store.keepLog(
            as: options.consumer,
            after: Position(
                cluster: archiver.line.cluster, epoch: end.epoch, revision: end.revision,
                chainPrefix: Position.prefix(of: end.chain)))
    }

    /// The digests where the archive ends are those of the store's head, less what the log changed since.
    private mutating func makeCutter() async throws {
        let digests: FollowedDigests
        if taken == .absent {
            digests = FollowedDigests()
        } else {
            let head = try await store.logHead()
            var changes = FollowedDigests.changes
            var revision = taken
            while revision < head.revision {
                let records = try await store.logRecords(after: revision, bytes: options.segmentBytes)
                for record in records where record.revision <= head.revision { try changes.follow(record) }
                guard let last = records.last else { break }
                revision = last.revision
            }
            digests = head.revision == taken ? FollowedDigests(at: head) : changes.before(head)
            settling = head
        }
        cutter = SegmentCutter(
            cluster: archiver.line.cluster, bound: options.segmentBytes, after: writer.end, digests: digests)
    }

    // MARK: Following

    /// Until the store is closed or the task is cancelled.
    ///
    /// - Throws: `ArchiveError` that is for good, and `behind` for another look at where the archive ends;
    ///   `StoreError`; `CancellationError`.
    mutating func follow() async throws {
        while true {
            if store.position.revision <= taken { try await store.waitForCommit(after: taken) }
            try await rest()
            try await drain()
        }
    }

    /// While the first record that isn't archived is young, and nobody waits for it.
    private func rest() async throws {
        let monotonic = store.time.monotonic
        let end = monotonic() + options.segmentAge
        while !store.replication.isArchiveAwaited {
            let left = end - monotonic()
            guard left > .zero else { return }
            try await archiver.signal.sleep(for: min(left, Self.nap))
        }
    }

    /// A clock that was injected is looked at so often.
    private static let nap = Duration.milliseconds(100)

    /// Archives all that the log has.
    private mutating func drain() async throws {
        while true {
            let records = try await store.logRecords(after: taken, bytes: options.segmentBytes)
            for record in records { try await take(record) }
            if records.isEmpty || store.replication.isArchiveAwaited {
                if let segment = cutter.seal() { try await append(segment) }
            }
            if records.isEmpty { return }
        }
    }

    private mutating func take(_ record: LogRecord) async throws {
        let segment = try cutter.add(record)
        taken = record.revision
        if let settling, settling.revision <= taken {
            if settling.revision == taken { cutter.settle(at: settling) }
            self.settling = nil
        }
        if let segment { try await append(segment) }
    }

    // MARK: Writing

    private mutating func append(_ segment: Segment) async throws {
        try await openEpochs(through: segment.header.epoch)
        var rest = segment
        while true {
            let before = writer.end
            let next = rest
            let count = try await archiver.retrying(&writer) { (writer) async throws(ArchiveError) in
                try await writer.append(next)
            }
            archiver.mayRelease(to: before)
            archiver.archived(next, through: writer.end.revision)
            guard count < rest.header.count else { return }
            rest = rest.after(writer.end.revision)
        }
    }

    /// Opens in the archive the epochs that go on where it ends.
    ///
    /// - Parameter last: up to this one; all unless given.
    private mutating func openEpochs(through last: Epoch?) async throws {
        guard last != writer.end.epoch else { return }
        for start in try await store.lineage().epochs
        where start.epoch.number > writer.end.epoch.number && start.fork <= writer.end.revision {
            if let last, start.epoch.number > last.number { return }
            guard start.epoch.number == writer.end.epoch.number + 1 else {
                throw StoreError.damaged(
                    place: "the table of epochs", reason: "it lacks epoch \(writer.end.epoch.number + 1)")
            }
            let record = EpochRecord(archiver.line.cluster, start)
            let before = writer.end
            try await archiver.retrying(&writer) { (writer) async throws(ArchiveError) in try await writer.open(record)
            }
            // A place that was left behind is none that the store knows.
            archiver.mayRelease(to: before.revision == start.fork ? before : nil)
        }
    }
}

extension EpochRecord {
    /// As a store's own table of epochs has it: whoever has the same history writes the same bytes.
    fileprivate init(_ cluster: UUID, _ start: EpochStart) {
        self.init(
            cluster: cluster, epoch: start.epoch, parent: start.parent, fork: start.fork, chain: start.chain,
            holder: start.holder, time: start.time)
    }
}
