internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// Retention and merging free names. A master that was paused wakes up long after, and takes one.
@Suite(.serialized, .timed) struct `A name that became free` {
    private static let now = Timestamp(microseconds: .max / 2)

    /// A line of one epoch, all of it before the anchor of a snapshot.
    private func withLine(
        _ name: String, _ body: (inout NoisyLine, inout Seeded) async throws -> Void
    ) async throws {
        var random = Seeded("freed: \(name)")
        try await withScratch { root in
            var noisy = try await NoisyLine(root, &random)
            try await noisy.append(60, &random)
            try await noisy.snapshot(60)
            try await body(&noisy, &random)
        }
    }

    private func merge(_ noisy: NoisyLine, bound: Int = 3_000) async throws {
        // Another process does it: what the line of the test knows is old.
        let merging = Merging(ArchiveLine(noisy.line.target, of: noisy.line.cluster), bound: bound)
        let plan = try await merging.plan()
        #expect(!plan.groups.isEmpty)
        try await merging.carryOut(plan)
    }

    private func retain(_ noisy: NoisyLine) async throws -> KeptRecord { try await retain(noisy.line) }

    private func retain(_ line: ArchiveLine) async throws -> KeptRecord {
        let retention = Retention(ArchiveLine(line.target, of: line.cluster))
        let plan = try await retention.plan(ArchiveRetention(snapshots: 1), now: Self.now)
        try await retention.carryOut(plan)
        return try #require(plan.start)
    }

    /// Where a writer stood that had written some segments.
    private func place(in noisy: NoisyLine, segments count: Int) async throws -> ArchivePlace {
        try await noisy.segments()[count - 1].segment.end
    }

    // MARK: Merging

    /// What it puts there is in nobody's history, also where it was put by one who knew nothing of merging.
    @Test func `by merging is not taken by a master with another history`() async throws {
        try await withLine("another history") { noisy, random in
            let before = try await place(in: noisy, segments: 3)
            let reader = ArchiveLine(noisy.line.target, of: noisy.line.cluster)
            guard case .segment = try await reader.object(after: before) else { throw Failure("nothing follows") }
            let source = ArchiveLogSource(noisy.line, polling: .milliseconds(1))
            var late = ArchiveWriter(ArchiveLine(noisy.line.target, of: noisy.line.cluster), after: before)
            try await merge(noisy)
            let other = noisy.other(after: before, 2, &random)
            let error = await failure { () async throws(ArchiveError) in try await late.append(other) }
            guard case .forked(_, before.revision) = error else { throw Failure("\(String(describing: error))") }
            #expect(late.end == before && late.alarm == error)
            // It stands there now. Readers that had looked before, and new ones, see the history.
            #expect(try await noisy.line.target.read(noisy.line.name(after: before), limit: .max) == other.bytes)
            guard case .segment(let next) = try await reader.object(after: before) else { throw Failure("an end") }
            #expect(next.records[0].chain == noisy.history[Int(before.revision.rawValue)].chain)
            let record = noisy.history[Int(before.revision.rawValue) - 1]
            let answer = try await source.next(after: LogPlace(record, of: noisy.line.cluster), waiting: .zero)
            #expect(answer.parts[0].records[0].chain == next.records[0].chain)
            try await noisy.expectWhole(followers: 30, &random)
            // It goes with the next merging.
            let merging = Merging(ArchiveLine(noisy.line.target, of: noisy.line.cluster), bound: 3_000)
            let plan = try await merging.plan()
            #expect(plan.groups.isEmpty && plan.leftovers == [noisy.line.name(after: before)])
            try await merging.carryOut(plan)
            #expect(try await noisy.line.target.read(noisy.line.name(after: before), limit: .max) == nil)
        }
    }

    /// Another process archives the same store: it was slow, and has no other history.
    @Test func `by merging is told to a master with the same history`() async throws {
        try await withLine("the same history") { noisy, random in
            let before = try await place(in: noisy, segments: 3)
            var late = ArchiveWriter(ArchiveLine(noisy.line.target, of: noisy.line.cluster), after: before)
            try await merge(noisy)
            let next = noisy.history[Int(before.revision.rawValue)]
            let segment = Segment(
                cluster: noisy.line.cluster, [next], after: before.chain, digests: [.keyValue: 1])
            let error = await failure { () async throws(ArchiveError) in try await late.append(segment) }
            #expect(error == .behind(after: next.revision) && late.alarm == nil)
            try await late.follow(noisy.history)
            #expect(late.end == noisy.writer.end)
            try await noisy.expectWhole(&random)
        }
    }

    /// Nothing but merged segments is left in the epoch's folder: the record would be what is found at its end.
    @Test func `by merging opens no epoch`() async throws {
        try await withLine("epochs") { noisy, random in
            let before = try await place(in: noisy, segments: 3)
            var late = ArchiveWriter(ArchiveLine(noisy.line.target, of: noisy.line.cluster), after: before)
            try await merge(noisy, bound: 100_000)
            #expect(try await noisy.segments().isEmpty)
            let record = EpochRecord(
                cluster: noisy.line.cluster, epoch: Epoch(number: 2, nonce: 7), parent: before.epoch,
                fork: before.revision, chain: before.chain, holder: "late", time: Self.now)
            let error = await failure { () async throws(ArchiveError) in try await late.open(record) }
            #expect(error == .behind(after: before.revision) && late.end == before)
            #expect(try await noisy.line.target.read(noisy.line.name(after: before), limit: .max) == record.bytes)
            try await noisy.expectWhole(followers: 30, &random)
            // Nor is it taken for the end of this epoch by a follower that comes to it.
            let source = ArchiveLogSource(noisy.line, polling: .milliseconds(1))
            var at = 0
            while at + 1 < noisy.history.count {
                let place = LogPlace(noisy.history[at], of: noisy.line.cluster)
                let records = try #require(
                    try await source.next(after: place, waiting: .zero).parts.first?.records, "it ends after \(at + 1)")
                at += records.count
            }
            try await noisy.append(5, &random)
            try await noisy.expectWhole(followers: 30, &random)
        }
    }

    // MARK: Retention

    @Test func `by retention opens no epoch, and is none that an answer was lost for`() async throws {
        for opens in [true, false] {
            try await withLine("retention \(opens)") { noisy, random in
                let before = try await place(in: noisy, segments: 3)
                let target = LostKept(base: noisy.line.target)
                var late = ArchiveWriter(ArchiveLine(target, of: noisy.line.cluster), after: before)
                _ = try await retain(noisy)
                let record = EpochRecord(
                    cluster: noisy.line.cluster, epoch: Epoch(number: 2, nonce: 7), parent: before.epoch,
                    fork: before.revision, chain: before.chain, holder: "late", time: Self.now)
                let segment = noisy.other(after: before, 2, &random)
                var told: [ArchiveError] = []
                for _ in 0..<3 {
                    do throws(ArchiveError) {
                        if opens { try await late.open(record) } else { _ = try await late.append(segment) }
                    } catch { told.append(error) }
                }
                // The first time it is put there, and whether that counts can't be read.
                guard told.count == 3, case .unavailable = told[0], case .forked = told[1], told[2] == told[1] else {
                    throw Failure("\(told)")
                }
                #expect(late.end == before)
            }
        }
    }

    /// The epoch was left, and retention took what came after; where the revisions of the next are smaller, too.
    @Test func `of an epoch that was left behind is not taken`() async throws {
        try await withLine("left behind") { noisy, random in
            let tail = try await noisy.segments().suffix(5).first!.segment.end
            let other = noisy.other(after: tail, 2, &random)
            try await noisy.fork(20, &random)
            try await noisy.append(30, most: 2, &random)
            try await noisy.snapshot(30)
            let kept = try await retain(noisy)
            #expect(kept.revision < tail.revision && kept.epoch.epoch.number > tail.epoch.number)
            var late = ArchiveWriter(ArchiveLine(noisy.line.target, of: noisy.line.cluster), after: tail)
            let error = await failure { () async throws(ArchiveError) in try await late.append(other) }
            guard case .forked = error else { throw Failure("\(String(describing: error))") }
            #expect(late.end == tail)
        }
    }

    /// What was put there goes on from where the reader stands: only the records of retention tell.
    @Test func `by retention is read by nobody`() async throws {
        try await withLine("readers") { noisy, random in
            let line = ArchiveLine(noisy.line.target, of: noisy.line.cluster)
            let before = try await place(in: noisy, segments: 3)
            let source = ArchiveLogSource(line, polling: .milliseconds(1))
            let segments = try await noisy.segments()
            let first = LogPlace(segments[1].segment.records.last!, of: line.cluster)
            let read = try await source.next(after: first, waiting: .zero)
            #expect(read.parts[0].records.last?.revision == before.revision)
            let history = try #require(try await ArchiveHistory(line))
            let kept = try await retain(noisy)
            let other = noisy.other(after: before, 3, &random)
            _ = try await line.target.create(line.name(after: before), other.bytes)

            let place = LogPlace(noisy.history[Int(before.revision.rawValue) - 1], of: line.cluster)
            let error = await #expect(throws: LogSourceError.self) {
                try await source.next(after: place, waiting: .zero)
            }
            guard case .compacted = error else { throw Failure("\(String(describing: error))") }
            let last = Revision(rawValue: before.revision.rawValue + 2)
            await #expect(throws: ArchiveError.expired(before: kept.revision)) {
                try await history.forEachPart(after: before.revision, through: last) { part in
                    Issue.record("\(part.records.count) records of another history")
                }
            }
            // Where a segment of the history ended the link is known, and what it is.
            do {
                #expect(try await history.link(at: last) == noisy.history[Int(last.rawValue) - 1].chain)
            } catch ArchiveError.expired(let start) {
                #expect(start == kept.revision)
            }
        }
    }

    /// The store itself had taken names again before it was killed, and its consumer stands there.
    @Test func `by retention proves nothing to the archiver that took it`() async throws {
        try await withArchive(.disk) { archive in
            var random = Seeded("freed and archived")
            let store = archive.store
            archive.options.segmentBytes = 4_000
            try await archive.archiving { archiver in
                try await archive.commit(40, &random, lead: false)
                try await archive.awaitArchived(archiver)
                #expect(await eventually { archiver.status.state == .following })
            }
            let (line, target) = (archive.line, archive.target)
            let head = try await store.logHead()
            var objects: [(ArchiveName, [UInt8])] = []
            for name in try await names(line) where "\(name)".contains("/log/") {
                objects.append((name, try #require(try await target.read(name, limit: .max))))
            }
            // Another master went on from a copy, and retention followed it.
            var record: LogRecord?
            var writer = ArchiveWriter(line, after: try #require(try await ArchiveHistory(line)).end)
            record = try await store.logRecords(after: .absent, bytes: .max).last
            for _ in 0..<10 {
                let next = LogRecord.made(
                    after: record,
                    in: head.position.epoch,
                    of: line.cluster, by: "another", &random)
                _ = try await writer.append(
                    Segment(cluster: line.cluster, [next], after: writer.end.chain, digests: [.keyValue: 1]))
                record = next
            }
            let start = KeptRecord(
                number: 1, epoch: try #require(try await ArchiveHistory(line)).stretches.last!.record,
                revision: writer.end.revision, chain: writer.end.chain)
            #expect(try await target.create(line.names.kept(1), start.bytes) == .created)
            for name in try await names(line) where "\(name)".contains("/log/") { try await target.remove(name) }
            // The store commits, and puts all of its own there again.
            for (name, bytes) in objects { _ = try await target.create(name, bytes) }
            try await archive.commit(2, &random, lead: false)
            let rest = try await store.logRecords(after: head.revision, bytes: .max)
            let own = Segment(
                cluster: line.cluster, rest, after: head.chain,
                digests: RecordKind.allCases.filter { kind in rest.contains { $0.kinds.contains(RecordKinds(kind)) } }
                    .filter { $0 != .cluster }.reduce(into: [:]) { $0[$1] = 1 })
            let end = ArchivePlace(epoch: head.position.epoch, revision: head.revision, chain: head.chain)
            _ = try await target.create(line.name(after: end), own.bytes)
            try await archive.archiving { archiver in
                #expect(
                    await eventually { if case .alarm = archiver.status.state { true } else { false } },
                    "\(archiver.status)")
                #expect((archiver.status.archived ?? .absent) <= head.revision)
            }
        }
    }

    /// What the log has no longer is asked of the archive, and that has it no longer.
    @Test func `by retention is no older history`() async throws {
        var options = StoreOptions()
        (options.logRetentionBytes, options.time) = (30_000, .system)
        let configured = options
        try await withArchive(
            .disk,
            configure: { ($0.logRetentionBytes, $0.time) = (configured.logRetentionBytes, configured.time) }
        ) { archive in
            var random = Seeded("freed and older")
            (archive.options.segmentBytes, archive.options.lagInterval) = (5_000, .zero)
            let (store, line, target) = (archive.store, archive.line, archive.target)
            let first = try #require(try await store.logRecords(after: .absent, bytes: 1).first)
            let place = Position(
                cluster: line.cluster, epoch: first.epoch, revision: first.revision, chainPrefix: first.chain)
            let bench = archive
            try await archive.archiving { archiver in
                for _ in 0..<25 {
                    try await bench.commit(4, &random, lead: false)
                    try await bench.awaitArchived(archiver)
                }
                #expect(try await eventually { try await store.info().compactedRevision > 20 })
                func read() async throws -> Int {
                    for try await batch in store.changes(after: place).batches { return batch.commits.count }
                    return 0
                }
                #expect(try await read() > 0)
                var objects: [(ArchiveName, [UInt8])] = []
                for name in try await names(line) where "\(name)".contains("/log/") {
                    objects.append((name, try #require(try await target.read(name, limit: .max))))
                }
                _ = try await SnapshotWriter(line).write(.store(store))
                _ = try await retain(line)
                for (name, bytes) in objects { _ = try await target.create(name, bytes) }
                await #expect(throws: StoreError.self) { try await read() }
            }
        }
    }

    // MARK: Between the two

    /// A snapshot whose anchor merging didn't know of: its maker had looked at the line before.
    @Test func `by neither lies inside of a merged segment where history begins`() async throws {
        try await withLine("beginnings") { noisy, random in
            let inside = try await noisy.segments()
            try await merge(noisy)
            let merged = try await names(noisy.line).filter { "\($0)".contains("/merged/") }
            // In the middle of the second.
            let bytes = try #require(try await noisy.line.target.read(merged[1], limit: .max))
            let range = try Segment(bytes, named: "second").header
            let anchor = try #require(
                inside.map(\.segment.end).first { range.first <= $0.revision && $0.revision < range.last })
            noisy = try await noisy.forgettingSnapshots()
            try await noisy.snapshot(Int(anchor.revision.rawValue) + 1, anchor: anchor)
            let kept = try await retain(noisy)
            #expect(kept.start == anchor)
            let left = try await names(noisy.line).filter { "\($0)".contains("/merged/") }
            #expect(left == Array(merged.dropFirst()))
            try await noisy.append(20, &random)
            try await noisy.snapshot(80)
            try await noisy.expectWhole(after: anchor.revision, followers: 30, &random)
            try await merge(noisy)
            try await noisy.expectWhole(after: anchor.revision, followers: 30, &random)
        }
    }
}

/// Its records of beginnings can't be read once.
private struct LostKept: ArchiveTarget {
    let base: any ArchiveTarget
    let reads = Counter()

    var place: String { base.place }

    func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation {
        try await base.create(name, bytes)
    }

    func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        if "\(name)".contains("/kept/") {
            reads.count()
            if reads.value == 1 { throw .unavailable(place: place, reason: "injected") }
        }
        return try await base.read(name, limit: limit)
    }

    func remove(_ name: ArchiveName) async throws(ArchiveError) { try await base.remove(name) }

    func list(
        under name: ArchiveName, after: ArchiveName?, limit: Int
    ) async throws(ArchiveError) -> [ArchiveName] {
        try await base.list(under: name, after: after, limit: limit)
    }
}
