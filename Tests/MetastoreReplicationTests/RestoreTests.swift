internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A store is made anew from snapshots and segments.
@Suite(.serialized, .timed) struct `A restored store` {
    @Test(arguments: Way.all)
    func `is the one that was there, at any revision, time and label`(_ way: Way) async throws {
        var random = Seeded("restores \(way.testDescription)")
        try await withArchivedStore(
            way, bound: Int.random(in: 1...20_000, using: &random), name: "restores"
        ) { store, place in
            let last = try #require(store.records.last?.revision.rawValue)
            let history = try #require(try await ArchiveHistory(store.line))
            for number in 0..<Seeded.count(100, least: 5) {
                let revision = Revision(rawValue: Int64.random(in: 1...last, using: &random))
                let time = store.records[Int(revision.rawValue) - 1].time
                let (point, expected): (Restore.Point, Revision)
                switch number % 5 {
                case 0: (point, expected) = (.newest, Revision(rawValue: last))
                case 1: (point, expected) = (.revision(revision), revision)
                case 2: (point, expected) = (.time(time), try #require(store.revision(at: time)))
                case 3:
                    let between = Timestamp(microseconds: time.microseconds + Int64.random(in: 0...300, using: &random))
                    (point, expected) = (.time(between), try #require(store.revision(at: between)))
                default:
                    try await Labels(store.line).add("label-\(number)", at: revision)
                    (point, expected) = (.label("label-\(number)"), revision)
                }
                let made = try place("made-\(number)")
                let report = try await Restore(store.line).run(to: made, at: point)
                #expect(report.state.revision == expected && report.passedOver.isEmpty)
                let base = store.snapshots.last { $0.id.revision <= expected }
                #expect(report.snapshot == base?.id, "the newest snapshot that helps")
                try await expectState(made, of: store, at: expected, in: history.end.epoch.number + 1)
            }
        }
    }

    /// A restored store goes on in its epoch, is archived, and restored again.
    @Test func `goes on in an epoch of its own, and so does the archive`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), name: "forks") { store, place in
            let fork = store.snapshots[1].id.revision
            let left = try await Labels(store.line).add("left", text: "behind")
            #expect(left.revision > fork)
            let made = try place("made")
            let report = try await Restore(store.line).run(to: made, at: .revision(fork))
            #expect(report.position.epoch.number > report.state.epoch.number && report.revisions == 0)
            let history = try #require(try await ArchiveHistory(store.line))
            var writer = ArchiveWriter(store.line, after: history.end)
            try await writer.open(
                EpochRecord(
                    cluster: store.line.cluster, epoch: report.position.epoch, parent: report.state.epoch, fork: fork,
                    chain: report.state.chain, holder: "restored", time: report.state.time))
            let next = try #require(try await ArchiveHistory(store.line))
            #expect(next.end.revision == fork && next.stretches.last?.record.epoch == report.position.epoch)
            // What came after the fork is left behind: no snapshot of it counts.
            try await store.goOnRestored(made, from: next, commits: 10)
            let error = await #expect(throws: ArchiveError.self) {
                try await Restore(store.line).run(to: try place("left"), at: .label("left"))
            }
            guard case .forked = error else { throw Failure("\(String(describing: error))") }
            let again = try place("again")
            let second = try await Restore(store.line).run(to: again, at: .newest)
            #expect(second.state.epoch == report.position.epoch && second.snapshot?.revision == fork)
            try await expectState(again, of: store, at: second.state.revision, in: report.position.epoch.number + 1)
        }
    }

    @Test func `as a replica keeps its epoch, and goes on with what comes next`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), name: "replicas") { store, place in
            let made = try place("made")
            let middle = store.snapshots[1].id.revision
            let options = Restore.options { $0.purpose = .replica }
            let report = try await Restore(store.line, options).run(to: made, at: .revision(middle))
            #expect(report.position.epoch == report.state.epoch)
            let replica = try await Metastore.openReplica(made, of: store.line.cluster)
            try await replica.replay(store.records.filter { $0.revision > middle })
            let contents = try await replica.contents()
            await replica.close()
            #expect(try await contents == store.contents(at: store.records.last!.revision))
        }
    }

    @Test func `has the log of its source, or begins with the snapshot`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), name: "logs") { store, place in
            let last = store.records.last!.revision
            let short = try place("short")
            let options = Restore.options { $0.keepsLog = false }
            _ = try await Restore(store.line, options).run(to: short, at: .newest)
            try await expectState(short, of: store, at: last)
            let opened = try await Metastore.open(short)
            #expect(try await opened.info().compactedRevision == store.snapshots.last?.id.revision)
            await opened.close()
            let whole = try place("whole")
            _ = try await Restore(store.line).run(to: whole, at: .newest)
            let other = try await Metastore.open(whole)
            #expect(try await other.info().compactedRevision == .absent)
            await other.close()
        }
    }

    @Test func `needs an empty place, and leaves what is there`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), stretches: 1, name: "places") { store, _ in
            let before = try await store.contents(at: store.records.last!.revision)
            let error = await #expect(throws: StoreError.self) {
                try await Restore(store.line).run(to: store.source, at: .newest)
            }
            guard case .targetNotEmpty = error else { throw Failure("\(String(describing: error))") }
            let opened = try await Metastore.open(store.source)
            #expect(try await opened.contents() == before)
            await opened.close()
        }
    }

    @Test func `is refused for a point that isn't there`() async throws {
        try await withArchivedStore(Way(from: .disk, to: .disk), stretches: 1, name: "points") { store, place in
            let restore = Restore(store.line)
            let last = store.records.last!.revision
            let made = try place("made")
            for point in [
                Restore.Point.revision(Revision(rawValue: last.rawValue + 1)), .label("none"),
                .time(Timestamp(microseconds: store.records[0].time.microseconds - 1)),
            ] {
                let error = await #expect(throws: ArchiveError.self) { try await restore.run(to: made, at: point) }
                guard case .missing = error else { throw Failure("\(point): \(String(describing: error))") }
            }
            let empty = ArchiveLine(store.line.target, of: UUID())
            await #expect(throws: ArchiveError.self) { try await Restore(empty).run(to: made, at: .newest) }
            _ = try await restore.run(to: made, at: .newest)
        }
    }

    /// Nothing stands there when it was cancelled, wherever that was.
    @Test func `isn't there when its task was cancelled`() async throws {
        var random = Seeded("cancelled restores")
        try await withArchivedStore(Way(from: .disk, to: .disk), name: "cancelled") { store, place in
            let made = try place("made")
            for _ in 0..<Seeded.count(100, least: 5) {
                let (steps, wanted) = (Counter(), Int.random(in: 0..<6, using: &random))
                let line = store.line
                let (moments, moment) = AsyncStream.makeStream(of: Void.self)
                let task = Task {
                    defer { moment.finish() }
                    return try await Restore(line).run(to: made, at: .newest) { _ in
                        steps.count()
                        if steps.value == wanted { moment.yield() }
                    }
                }
                if wanted > 0 { for await _ in moments { break } }
                task.cancel()
                guard case .failure = await task.result else { break }
                let probe = try made.makeEngine(EngineOptions())
                let found = try probe.prepare()
                probe.close()
                #expect(found == .nothing)
            }
        }
    }
}

extension ArchivedStore {
    /// Goes on with a restored store, and archives what it does. From then on this is its history.
    mutating func goOnRestored(_ place: EngineSource, from history: ArchiveHistory, commits: Int) async throws {
        let store = try await Metastore.open(place)
        for number in 0..<commits {
            try await store.keyValue.put(EntryKey(namespace: "restored", key: "\(number)"), "1")
        }
        records = try await store.logRecords(after: .absent, bytes: .max)
        await store.close()
        var writer = ArchiveWriter(line, after: history.end)
        let rest = records.filter { $0.revision > history.end.revision }
        var digests = FollowedDigests()
        for record in records { try digests.follow(record) }
        let kinds = rest.reduce(into: RecordKinds()) { $0.formUnion($1.kinds) }
        var sums: [RecordKind: UInt128] = [:]
        for kind in RecordKind.allCases where kinds.contains(kind) { sums[kind] = digests.digests[kind] }
        _ = try await writer.append(
            Segment(cluster: line.cluster, rest, after: history.end.chain, digests: sums))
    }
}
