internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `History that the log has no longer` {
    /// The feed from a position up to the head.
    private func feed(
        _ store: Metastore, after position: Position, of kinds: RecordKinds = .all
    ) async throws -> [Commit] {
        var found: [Commit] = []
        let end = store.position.revision
        guard position.revision < end else { return [] }
        for try await batch in store.changes(after: position, of: kinds).batches {
            found += batch.commits
            if batch.position.revision >= end { break }
        }
        return found
    }

    private func refusal(_ store: Metastore, after position: Position) async -> StoreError? {
        do {
            _ = try await feed(store, after: position)
            return nil
        } catch {
            return error as? StoreError
        }
    }

    /// A store whose log has only its end, all else archived, and a twin that has everything.
    private func withShortLog(
        _ engine: TestEngine, _ name: String,
        _ body: (ArchiverBench, _ twin: Metastore) async throws -> Void
    ) async throws {
        var random = Seeded("older \(name) \(engine)")
        // Long enough that the newest records don't hide the log.
        try await withArchive(
            engine,
            configure: { options in
                options.logRetentionBytes = 30_000
                // Retention goes by the clock.
                options.time = .system
            }
        ) { archive in
            archive.options.segmentBytes = 5_000
            archive.options.lagInterval = .zero
            let (store, twin) = (
                archive.store, try await Metastore.openReplica(.inMemory(), of: archive.store.position.cluster)
            )
            try await archive.archiving { archiver in
                for _ in 0..<60 {
                    try await archive.commit(4, &random)
                    try await twin.replay(try await store.logRecords(after: twin.position.revision, bytes: .max))
                    try await archive.awaitArchived(archiver)
                }
                #expect(try await eventually { try await store.info().compactedRevision > 100 })
            }
            // What is in memory isn't asked of the log: a handle that was just opened has nothing there.
            if engine.isLasting { try await archive.bench.reopen() }
            try await twin.replay(try await archive.store.logRecords(after: twin.position.revision, bytes: .max))
            try await body(archive, twin)
            await twin.close()
        }
    }

    private static let engines = TestEngine.lasting.filter { $0 != .hostile && $0.rawValue != "pooled" }

    @Test(arguments: engines) func `is in the feed, at any position and for any kind`(_ engine: TestEngine) async throws
    {
        try await withShortLog(engine, "feed") { archive, twin in
            var random = Seeded("older positions \(engine)")
            let store = archive.store
            let compacted = try await store.info().compactedRevision
            let genesis = try await twin.position(at: .absent)
            guard case .compacted = await refusal(store, after: genesis) else {
                Issue.record("nobody has it yet")
                return
            }
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                let end = store.position.revision
                try await twin.replay(try await store.logRecords(after: twin.position.revision, bytes: .max))
                #expect(try await feed(store, after: genesis) == feed(twin, after: genesis))
                let near = [compacted.rawValue - 1, compacted.rawValue, compacted.rawValue + 1]
                let others = (0..<Seeded.count(200)).map { _ in Int64.random(in: 1...end.rawValue, using: &random) }
                for revision in near + others {
                    let position = try await twin.position(at: Revision(rawValue: revision))
                    let found = try await store.position(at: Revision(rawValue: revision))
                    #expect(found.revision == position.revision && found.chainPrefix == position.chainPrefix)
                    let kinds = [RecordKinds.all, .experiments, .keyValue][Int(revision) % 3]
                    #expect(
                        try await feed(store, after: position, of: kinds) == feed(twin, after: position, of: kinds),
                        "after \(revision)")
                }
            }
        }
    }

    /// Old segments were merged: positions that stood between two are in the middle of one.
    @Test(arguments: engines) func `is in the feed where it was merged`(_ engine: TestEngine) async throws {
        try await withShortLog(engine, "merged") { archive, twin in
            var random = Seeded("older and merged \(engine)")
            let store = archive.store
            let genesis = try await twin.position(at: .absent)
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                _ = try await SnapshotWriter(archive.line).write(.store(store))
                let before = try await feed(store, after: genesis)
                // The source knew the archive before.
                let merging = Merging(archive.line, bound: 40_000)
                let plan = try await merging.plan()
                #expect(plan.groups.count > 2)
                try await merging.carryOut(plan)
                #expect(try await feed(store, after: genesis) == before)
                for _ in 0..<Seeded.count(100, least: 10) {
                    let revision = Revision(
                        rawValue: Int64.random(in: 1...store.position.revision.rawValue, using: &random))
                    let position = try await twin.position(at: revision)
                    #expect(try await store.position(at: revision).chainPrefix == position.chainPrefix)
                    #expect(
                        try await feed(store, after: position) == feed(twin, after: position), "after \(revision)")
                }
            }
        }
    }

    @Test(arguments: engines) func `is a new consumer's, exactly once`(_ engine: TestEngine) async throws {
        try await withShortLog(engine, "consumer") { archive, twin in
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                let store = archive.store
                let end = store.position.revision
                let expected = try await feed(twin, after: twin.position(at: .absent)).filter { $0.revision <= end }
                var found: [Commit] = []
                // Two iterators: the second goes on where the first stopped, in the middle of what is older.
                for most in [expected.count / 3, expected.count] {
                    for try await batch in store.changes(as: "reader") {
                        found += batch.commits.filter { $0.revision <= end }
                        try await batch.skip()
                        if found.count >= most { break }
                    }
                }
                #expect(found.filter { $0.revision <= end } == expected)
            }
        }
    }

    /// What is there and can't be read is told as such; what isn't there at all is no longer kept.
    @Test func `that is damaged or missing is never taken for the end`() async throws {
        try await withShortLog(.disk, "damage") { archive, twin in
            let (store, target) = (archive.store, archive.target)
            let genesis = try await twin.position(at: .absent)
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                let objects = try await names(archive.line).filter { "\($0)".contains("/log/") }
                var segments: [ArchiveName] = []
                for name in objects {
                    let bytes = try #require(try await target.read(name, limit: 1 << 30))
                    guard bytes.starts(with: "MSSG".utf8) else {
                        // The beginning of an epoch: the store knows of it, too.
                        if segments.count == 4 {
                            try await target.remove(name)
                            #expect(try await feed(store, after: genesis) == feed(twin, after: genesis), "\(name)")
                            _ = try await target.create(name, bytes)
                        }
                        continue
                    }
                    segments.append(name)
                }
                let index = segments.count / 3
                let bytes = try #require(try await target.read(segments[index], limit: 1 << 30))
                try await target.remove(segments[index])
                let missing = await refusal(store, after: genesis)
                guard case .compacted = missing else {
                    Issue.record("\(segments[index]) is missing: \(String(describing: missing))")
                    return
                }
                var damaged = bytes
                damaged[bytes.count / 2] ^= 0x40
                _ = try await target.create(segments[index], damaged)
                guard case .historyUnreadable(target.place, let reason) = await refusal(store, after: genesis) else {
                    Issue.record("\(segments[index]) is damaged")
                    return
                }
                #expect(reason.contains("\(segments[index])"))
                target.mode = .fails(.unavailable(place: "here", reason: "away"))
                guard case .historyUnreadable = await refusal(store, after: genesis) else {
                    Issue.record("it is away")
                    return
                }
                target.mode = .works
                try await target.remove(segments[index])
                _ = try await target.create(segments[index], bytes)
                #expect(try await feed(store, after: genesis).count > 100)
            }
        }
    }

    /// An archive of another history is found out before anything of it is given away.
    @Test func `of another store's copy is none of this one's`() async throws {
        try await withShortLog(.disk, "another") { archive, twin in
            let store = archive.store
            let genesis = try await twin.position(at: .absent)
            let first = try #require(try await twin.logRecords(after: .absent, bytes: 1).first)
            let compacted = try await store.info().compactedRevision
            try await withScratch { root in
                let line = ArchiveLine(try DirectoryTarget(path: root), of: archive.line.cluster)
                // In each epoch of this store something else goes on where it began.
                for epoch in try await store.lineage().epochs where epoch.fork <= compacted {
                    var records: [LogRecord] = []
                    while records.isEmpty || records[records.count - 1].revision <= compacted {
                        var record = first
                        record.epoch = epoch.epoch
                        record.revision = Revision(rawValue: epoch.fork.rawValue + Int64(records.count) + 1)
                        record.chain = record.link(after: records.last?.chain ?? epoch.chain)
                        records.append(record)
                    }
                    let sums = Dictionary(
                        uniqueKeysWithValues: RecordKind.allCases.filter { first.kinds.contains(RecordKinds($0)) }
                            .map { ($0, UInt128(1)) })
                    let segment = Segment(cluster: line.cluster, records, after: epoch.chain, digests: sums)
                    let place = ArchivePlace(epoch: epoch.epoch, revision: epoch.fork, chain: epoch.chain)
                    _ = try await line.target.create(line.name(after: place), segment.bytes)
                }
                store.replication.source = ArchiveSource(line)
                guard case .historyUnreadable(_, let reason) = await refusal(store, after: genesis) else {
                    Issue.record("something was given away")
                    return
                }
                #expect(reason.contains("another history"))
                store.replication.source = nil
            }
        }
    }
}
