internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// Old segments are merged, and nobody who reads can tell.
@Suite(.serialized, .timed) struct `Merging an archive's segments` {
    private static let way = Way(from: .disk, to: .disk)

    /// Any history with forks and snapshots, merged twice: the second time what came meanwhile.
    @Test func `leaves the history, every place in it, and what was left behind, as it was`() async throws {
        var random = Seeded("merged lines")
        for round in 0..<Seeded.count(200, least: 12) {
            try await withScratch { root in
                var noisy = try await NoisyLine.make(root, &random)
                for step in 0..<2 {
                    let bound = Int.random(in: 200...3_000, using: &random)
                    let merging = Merging(noisy.line, bound: bound, most: Int.random(in: 1...4, using: &random))
                    let plan = try await merging.plan()
                    let before = try await noisy.segments()
                    try await merging.carryOut(plan)
                    try await noisy.expectWhole(&random)
                    #expect(plan.leftovers.isEmpty && plan.groups.allSatisfy { $0.firsts.count > 1 })
                    // Of a snapshot that was left behind nobody asks.
                    let chains = Set(noisy.history.map(\.chain))
                    let anchors = noisy.snapshots.filter { chains.contains($0.head.chain) }.map(\.anchor.revision)
                    for group in plan.groups {
                        #expect(group.bytes <= bound)
                        #expect(!anchors.contains { group.range.first <= $0 && $0 < group.range.last })
                        #expect(group.range.last <= noisy.snapshots.last!.anchor.revision)
                    }
                    let gone = plan.groups.reduce(0) { $0 + $1.firsts.count }
                    let after = try await noisy.segments()
                    #expect(after.count == before.count - gone, "round \(round)")
                    #expect(
                        try await Merging(ArchiveLine(noisy.line.target, of: noisy.line.cluster), bound: bound)
                            .plan().isEmpty)
                    guard step == 0 else { continue }
                    if Bool.random(using: &random) { try await noisy.fork(noisy.history.count - 2, &random) }
                    try await noisy.append(20, &random)
                    try await noisy.snapshot(noisy.history.count - 1)
                }
            }
        }
    }

    /// Two that merge what is the same need not know of each other.
    @Test func `writes the same bytes, whoever does it`() async throws {
        var random = Seeded("merged bytes")
        try await withScratch { root in
            try FileManager.default.createDirectory(atPath: root + "/one", withIntermediateDirectories: false)
            let noisy = try await NoisyLine.make(root + "/one", &random, epochs: 3...3, records: 20...30)
            try FileManager.default.copyItem(atPath: root + "/one", toPath: root + "/two")
            let other = ArchiveLine(try DirectoryTarget(path: root + "/two"), of: noisy.line.cluster)
            for line in [noisy.line, other] {
                let merging = Merging(line, bound: 1_000, most: 3)
                try await merging.carryOut(try await merging.plan())
            }
            let found = try await names(noisy.line)
            #expect(try await names(other) == found && found.contains { "\($0)".contains("/merged/") })
            for name in found {
                let bytes = try await noisy.line.target.read(name, limit: .max)
                #expect(try await other.target.read(name, limit: .max) == bytes, "\(name)")
            }
        }
    }

    @Test func `takes nothing without a snapshot, and tells so`() async throws {
        var random = Seeded("no snapshot")
        try await withScratch { root in
            var noisy = try await NoisyLine(root, &random)
            try await noisy.append(40, &random)
            let plan = try await Merging(noisy.line).plan()
            #expect(plan.isEmpty && plan.through == nil)
            try await noisy.snapshot(20)
            let later = try await Merging(noisy.line).plan()
            #expect(later.through == noisy.snapshots[0].anchor.revision && later.groups.count == 1)
            let empty = ArchiveLine(noisy.line.target, of: random.uuid())
            await #expect(throws: ArchiveError.self) { try await Merging(empty).plan() }
        }
    }

    /// What a footer says of digests has to be so at the merged segment's end: what is old by then isn't said.
    @Test func `knows of the digests what was known last`() async throws {
        var random = Seeded("merged digests")
        // Of noise nobody knows whether it moves counters: the second segment may, and doesn't say to what.
        let sums: [[RecordKind: UInt128]] = [
            [.cluster: 1, .keyValue: 1], [.keyValue: 2], [.cluster: 3, .keyValue: 3],
        ]
        let expected: [(Int, [RecordKind: UInt128])] = [(2, [.keyValue: 2]), (3, [.cluster: 3, .keyValue: 3])]
        for (count, expected) in expected {
            try await withScratch { root in
                var noisy = try await NoisyLine(root, &random)
                for sums in sums.prefix(count) { try await noisy.append(sums, &random) }
                try await noisy.snapshot(count)
                let merging = Merging(noisy.line)
                try await merging.carryOut(try await merging.plan())
                guard case .segment(let merged) = try await noisy.line.object(after: noisy.beginning) else {
                    throw Failure("nothing begins")
                }
                #expect(merged.header.count == count && merged.footer.digests == expected)
            }
        }
    }

    /// Checksums don't tell of what was written wrong: such a record would give a revision two places, or none.
    @Test func `is told by a record that says what can be`() throws {
        let (cluster, chain) = (UUID(), [UInt8](repeating: 7, count: 32))
        func range(_ epoch: Int64, _ first: Int64, _ last: Int64) -> MergedRange {
            MergedRange(
                epoch: Epoch(number: epoch, nonce: 5), first: Revision(rawValue: first),
                last: Revision(rawValue: last), chain: chain)
        }
        let record = MergeRecord(number: 3, cluster: cluster, ranges: [range(1, 1, 4), range(1, 5, 9), range(2, 3, 7)])
        #expect(try MergeRecord(record.bytes, named: "one") == record)
        for ranges in [
            [], [range(1, 5, 9), range(1, 1, 4)], [range(1, 1, 5), range(1, 5, 9)], [range(2, 3, 7), range(1, 1, 4)],
            [range(1, 3, 3)], Array(repeating: range(1, 1, 2), count: 2),
            (0...Int64(Limits.mergedRanges)).map { range(1, $0 * 2 + 1, $0 * 2 + 2) },
        ] {
            let error = #expect(throws: ArchiveError.self) {
                try MergeRecord(MergeRecord(number: 3, cluster: cluster, ranges: ranges).bytes, named: "lies")
            }
            guard case .damaged("lies", let offset, _) = error else { throw Failure("\(String(describing: error))") }
            #expect(offset > 0)
        }
    }

    // MARK: Real histories

    /// From each engine to each: rows, log and digests at any revision, before retention and after it.
    @Test(arguments: Way.all)
    func `changes nothing that is restored`(_ way: Way) async throws {
        var random = Seeded("merged restores \(way.testDescription)")
        try await withArchivedStore(way, stretches: 3, commits: 40, bound: 500, name: "merged") { store, place in
            try await Labels(store.line).add("here", at: store.snapshots[1].id.revision)
            let before = try await names(store.line)
            let merging = Merging(store.line, bound: 2_000, most: 2)
            let first = try await merging.plan()
            try await merging.carryOut(first)
            #expect(first.groups.count > 1)
            let gone = first.segments - first.groups.count - (first.groups.count + 1) / 2
            #expect(try await names(store.line).count == before.count - gone)
            let last = try #require(store.records.last?.revision)
            let check = try await ArchiveCheck(store.line).run(in: .inMemory())
            #expect(check.revision == last && check.snapshots.count == 3 && check.passedOver.isEmpty)
            for number in 0..<Seeded.count(60, least: 4) {
                let revision = Revision(rawValue: Int64.random(in: 1...last.rawValue, using: &random))
                let made = try place("made-\(number)")
                _ = try await Restore(store.line).run(to: made, at: number == 0 ? .label("here") : .revision(revision))
                try await expectState(
                    made, of: store, at: number == 0 ? store.snapshots[1].id.revision : revision)
            }
            // Retention begins with a snapshot as it would have, and takes merged segments away like others.
            try await Labels(store.line).remove("here")
            let plan = try await Retention(store.line).plan(
                ArchiveRetention(snapshots: 2), now: Timestamp(microseconds: .max / 2))
            #expect(plan.base == store.snapshots[1].id && plan.going.contains { "\($0.name)".contains("/merged/") })
            try await Retention(store.line).carryOut(plan)
            let start = try #require(plan.start).revision
            for name in try await names(store.line) where "\(name)".contains("/merged/") {
                let segment = try Segment(
                    try #require(try await store.line.target.read(name, limit: .max)), named: "\(name)")
                #expect(segment.header.first > start)
            }
            try await store.goOn(commits: 20, name: "merged, later")
            try await store.snapshot()
            try await store.goOn(commits: 5, name: "merged, last")
            try await merging.carryOut(try await merging.plan())
            let made = try place("last")
            _ = try await Restore(store.line).run(to: made, at: .newest)
            try await expectState(made, of: store, at: store.records.last!.revision)
            let history = try #require(try await ArchiveHistory(store.line))
            #expect(history.start.revision == start)
        }
    }

    /// Whoever had read a part goes on in the middle of what was merged meanwhile.
    @Test func `lets followers go on, wherever they stand`() async throws {
        try await withArchivedStore(Self.way, stretches: 2, commits: 12, bound: 600, name: "followed") { store, _ in
            let cluster = store.line.cluster
            var sources: [(source: ArchiveLogSource, at: Int)] = []
            for (number, record) in store.records.dropLast().enumerated() {
                // They share what the line knows of merging, as followers of one process do, or not.
                let line = number % 2 == 0 ? store.line : ArchiveLine(store.line.target, of: cluster)
                let source = ArchiveLogSource(line, polling: .milliseconds(1))
                let answer = try await source.next(after: LogPlace(record, of: cluster), waiting: .zero)
                sources.append((source, number + (answer.parts.first?.records.count ?? 0)))
            }
            let other = ArchiveLine(store.line.target, of: cluster)
            let merging = Merging(other, bound: 6_000)
            try await merging.carryOut(try await merging.plan())
            for (source, at) in sources {
                var at = at
                while at + 1 < store.records.count {
                    let answer = try await source.next(after: LogPlace(store.records[at], of: cluster), waiting: .zero)
                    let records = try #require(answer.parts.first?.records)
                    #expect(records.map(\.chain) == store.records[(at + 1)...].prefix(records.count).map(\.chain))
                    at += records.count
                }
                let last = LogPlace(store.records[at], of: cluster)
                #expect(try await source.next(after: last, waiting: .zero).parts.isEmpty)
            }
            // Another history, that leaves this one in the middle of a merged segment, is told from where both agree.
            var fork = store.records[store.records.count / 3]
            fork.body.append(1)
            fork.chain = fork.link(after: store.records[store.records.count / 3 - 1].chain)
            let source = ArchiveLogSource(ArchiveLine(store.line.target, of: cluster), polling: .milliseconds(1))
            let error = await #expect(throws: LogSourceError.self) {
                try await source.next(after: LogPlace(fork, of: cluster), waiting: .zero)
            }
            guard case .forked(let common) = error else { throw Failure("\(String(describing: error))") }
            #expect(common.revision < fork.revision)
            let known = store.records.first { $0.revision == common.revision }?.chain
            #expect(common.revision == .absent || known.map { Position.prefix(of: $0) } == common.chainPrefix)
        }
    }

    /// An archiver that was stopped, and one that has lost its consumer, go on; and the digests of all footers are
    /// those of the log.
    @Test func `lets archivers go on`() async throws {
        try await withArchive(.disk) { archive in
            var random = Seeded("merged and archived")
            let store = archive.store
            // However slow the archiver is: some segments a round.
            archive.options.segmentBytes = 3_000
            for round in 0..<3 {
                try await archive.archiving { archiver in
                    try await archive.commit(30, &random, lead: round > 0)
                    try await archive.awaitArchived(archiver)
                }
                _ = try await SnapshotWriter(archive.line).write(.store(store))
                let merging = Merging(archive.line, bound: 20_000)
                let plan = try await merging.plan()
                if round == 0 { #expect(!plan.groups.isEmpty) }
                try await merging.carryOut(plan)
                if round == 1 { try await store.consumers.remove(archive.options.consumer) }
                try await archive.archiving { archiver in
                    try await archive.commit(5, &random, lead: false)
                    try await archive.awaitArchived(archiver)
                    #expect(archiver.status.state == .following, "\(archiver.status)")
                }
                try await archive.expectSame()
            }
        }
    }
}
