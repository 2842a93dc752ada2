internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// Changes nothing any more after so many changes: as if its process had been killed there.
private struct DyingTarget: ArchiveTarget {
    let base: any ArchiveTarget
    let changes = Counter()
    let most: Int

    struct Killed: Error {}
    var place: String { base.place }

    private func change() throws(ArchiveError) {
        guard changes.value < most else { throw .unavailable(place: place, reason: "killed") }
        changes.count()
    }

    func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation {
        try change()
        return try await base.create(name, bytes)
    }

    func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        try await base.read(name, limit: limit)
    }

    func remove(_ name: ArchiveName) async throws(ArchiveError) {
        try change()
        try await base.remove(name)
    }

    func list(
        under name: ArchiveName, after: ArchiveName?, limit: Int
    ) async throws(ArchiveError) -> [ArchiveName] {
        try await base.list(under: name, after: after, limit: limit)
    }
}

/// Old history goes, and what is needed stays.
@Suite(.serialized, .timed) struct `Retention of an archive` {
    private static let way = Way(from: .disk, to: .disk)
    private static let now = Timestamp(microseconds: .max / 2)

    private func plan(
        _ store: ArchivedStore, _ policy: ArchiveRetention, needs: [HistoryNeed] = [], now: Timestamp = now
    ) async throws -> RetentionPlan {
        try await Retention(store.line).plan(policy, needs: needs, now: now)
    }

    /// Any plan, cut off after any step: whatever was to stay can be restored, and the next plan ends what was begun.
    @Test func `never breaks a restore point that stays, wherever it is cut off`() async throws {
        var random = Seeded("retention")
        for round in 0..<Seeded.count(60, least: 3) {
            let bound = Int.random(in: 500...4_000, using: &random)
            try await withArchivedStore(
                Self.way, stretches: 4, commits: 12, bound: bound, name: "retention \(round)"
            ) { store, place in
                let last = store.records.last!.revision
                var labels: [(name: String, revision: Revision)] = []
                for number in 0..<Int.random(in: 0...2, using: &random) {
                    let revision = Revision(
                        rawValue: Int64.random(in: last.rawValue / 3...last.rawValue, using: &random))
                    labels.append(("label-\(number)", revision))
                    try await Labels(store.line).add("label-\(number)", at: revision)
                }
                var policy = ArchiveRetention()
                let middle = store.records[store.records.count / 2].time
                let now = Timestamp(microseconds: store.records.last!.time.microseconds + 1)
                if Bool.random(using: &random) { policy.snapshots = Int.random(in: 1...3, using: &random) }
                if Bool.random(using: &random) { policy.age = now - middle }
                if Bool.random(using: &random) { policy.bytes = Int.random(in: 1...200_000, using: &random) }
                let need = HistoryNeed(
                    name: "follower", position: Revision(rawValue: Int64.random(in: 1...last.rawValue, using: &random)))
                let needs = Bool.random(using: &random) ? [need] : []
                let first = try await plan(store, policy, needs: needs, now: now)
                if policy == ArchiveRetention() { #expect(first.going.isEmpty && first.start == nil) }

                let steps = first.going.count + (first.start == nil ? 0 : 1)
                var cuts = [steps]
                if steps > 0 { cuts.insert(Int.random(in: 0..<steps, using: &random), at: 0) }
                for (number, cut) in cuts.enumerated() {
                    let target = DyingTarget(base: store.line.target, most: cut)
                    let dying = Retention(ArchiveLine(target, of: store.line.cluster))
                    let plan = number == 0 ? first : try await plan(store, policy, needs: needs, now: now)
                    if number == 0, cut < steps {
                        await #expect(throws: ArchiveError.self) { try await dying.carryOut(plan) }
                    } else {
                        try await Retention(store.line).carryOut(plan)
                    }
                    let history = try #require(try await ArchiveHistory(store.line))
                    for need in needs {
                        var next = need.position.rawValue
                        try await history.forEachPart(after: need.position) { part in
                            #expect(part.records[0].revision.rawValue == next + 1)
                            next = part.records.last!.revision.rawValue
                        }
                        #expect(next == last.rawValue)
                    }
                    var points: [(Restore.Point, Revision)] = [(.newest, last)]
                    for label in labels { points.append((.label(label.name), label.revision)) }
                    if policy.age != nil, policy.bytes == nil {
                        points.append((.time(middle), try #require(store.revision(at: middle))))
                    }
                    let begin = max(history.start.revision, plan.staying.last?.revision ?? .absent)
                    points.append((.revision(begin), begin))
                    for (index, (point, revision)) in points.enumerated() where revision > .absent {
                        let made = try place("made-\(number)-\(index)")
                        _ = try await Restore(store.line).run(to: made, at: point)
                        try await expectState(made, of: store, at: revision)
                    }
                }
                let after = try await plan(store, policy, needs: needs, now: now)
                #expect(after.going.isEmpty && after.start == nil, "\(after.going)")
                _ = try await ArchiveCheck(store.line).run(in: .inMemory())
            }
        }
    }

    @Test func `says what stays and why, and does nothing by itself`() async throws {
        try await withArchivedStore(Self.way, stretches: 3, commits: 12, bound: 1_000, name: "reasons") { store, _ in
            let before = try await names(store.line)
            let everything = try await plan(store, ArchiveRetention(snapshots: 1))
            #expect(everything.reasons.contains(.count) && everything.base == store.snapshots[2].id)
            #expect(everything.going.count > 5 && everything.goingBytes > 0 && everything.staying.count == 1)
            try await Labels(store.line).add("upgrade", at: store.snapshots[1].id.revision)
            let labelled = try await plan(store, ArchiveRetention(snapshots: 1))
            #expect(
                labelled.reasons.contains(.label("upgrade")) && labelled.base == store.snapshots[1].id,
                "\(labelled.reasons), of \(store.snapshots.map(\.id))")
            let need = HistoryNeed(name: "follower pg-1", position: 3)
            let needed = try await plan(store, ArchiveRetention(snapshots: 1, bytes: 1), needs: [need])
            #expect(needed.reasons == [.need("follower pg-1")] && needed.start == nil && needed.isOverBytes)
            #expect(try await names(store.line).count == before.count + 1)
            // Nothing younger than the first commit: all of it is younger than its age.
            let aged = try await plan(
                store, ArchiveRetention(age: .seconds(1 << 40)), now: store.records.last!.time)
            #expect(aged.reasons == [.age] && aged.going.isEmpty)
        }
    }

    @Test func `refuses a plan that is old, or whose snapshot is damaged, and removes nothing`() async throws {
        try await withArchivedStore(Self.way, stretches: 2, commits: 12, bound: 1_000, name: "old plans") { store, _ in
            let old = try await plan(store, ArchiveRetention(snapshots: 1))
            try await Labels(store.line).add("late", at: store.snapshots[0].id.revision)
            let before = try await names(store.line)
            let late = await #expect(throws: ArchiveError.self) { try await Retention(store.line).carryOut(old) }
            #expect("\(String(describing: late))".contains("label late"))
            try await Labels(store.line).remove("late")
            await #expect(throws: ArchiveError.self) { try await Labels(store.line).remove("late") }

            let base = try #require(old.base)
            let manifest = try #require(try await store.line.manifest(base))
            let part = store.line.names.part(base, attempt: manifest.attempt, number: 0)
            let bytes = try #require(try await store.line.target.read(part, limit: .max))
            var struck = bytes
            struck[struck.count / 2] ^= 1
            try await store.line.target.remove(part)
            _ = try await store.line.target.create(part, struck)
            let damaged = await #expect(throws: ArchiveError.self) { try await Retention(store.line).carryOut(old) }
            #expect("\(String(describing: damaged))".contains(part.description))
            #expect(try await names(store.line).count == before.count - 1)
            try await store.line.target.remove(part)
            _ = try await store.line.target.create(part, bytes)

            try await Retention(store.line).carryOut(old)
            // Carried out once more it is what it was; a later one makes it old.
            try await Retention(store.line).carryOut(old)
            try await store.goOn(commits: 12, name: "old plans, later")
            try await store.snapshot()
            try await store.goOn(commits: 12, name: "old plans, last")
            try await Retention(store.line).carryOut(try await plan(store, ArchiveRetention(snapshots: 1)))
            await #expect(throws: ArchiveError.self) { try await Retention(store.line).carryOut(old) }
        }
    }

    /// Whoever reads while history goes is told, and takes nothing that is missing for an end.
    @Test func `is told to whoever reads meanwhile`() async throws {
        try await withArchivedStore(Self.way, stretches: 3, commits: 12, bound: 1_000, name: "readers") {
            store, place in
            let before = try #require(try await ArchiveHistory(store.line))
            let end = before.end
            let early = Revision(rawValue: store.snapshots[0].id.revision.rawValue)
            try await Labels(store.line).add("early", at: early)
            let plan = try await plan(store, ArchiveRetention(snapshots: 1))
            #expect(plan.base == store.snapshots[0].id)
            try await Labels(store.line).remove("early")
            let whole = try await self.plan(store, ArchiveRetention(snapshots: 1))
            let start = try #require(whole.start).revision
            try await Retention(store.line).carryOut(whole)
            let error = await #expect(throws: ArchiveError.self) { try await before.forEachPart { _ in } }
            #expect(error == .expired(before: start))
            let after = try #require(try await ArchiveHistory(store.line))
            #expect(after.end == end && after.start.revision == start && after.beginning == before.beginning)
            let past = await #expect(throws: ArchiveError.self) {
                try await Restore(store.line).run(to: try place("past"), at: .revision(early))
            }
            #expect(past == .expired(before: start))
            await #expect(throws: ArchiveError.self) { try await Labels(store.line).add("again", at: early) }
            // Its log begins where the archive does.
            let made = try place("made")
            _ = try await Restore(store.line).run(to: made, at: .newest)
            try await expectState(made, of: store, at: end.revision)
            let opened = try await Metastore.open(made)
            #expect(try await opened.info().compactedRevision == start)
            await opened.close()
            // The archive goes on.
            try await store.goOn(commits: 12, name: "readers, later")
            #expect(try await ArchiveHistory(store.line)?.end.revision == store.records.last?.revision)
        }
    }

    /// The line seems to end where retention removed what came next; the reader looks again.
    @Test func `doesn't look like the end of the history`() async throws {
        try await withArchivedStore(Self.way, stretches: 3, commits: 12, bound: 500, name: "ends") { store, _ in
            let plan = try await plan(store, ArchiveRetention(snapshots: 1))
            let removal = RemovalAtRead(base: store.line.target, line: store.line, plan: plan)
            let line = ArchiveLine(removal, of: store.line.cluster)
            let found = try #require(try await ArchiveHistory(line))
            #expect(found.end.revision == store.records.last?.revision && found.start.revision == plan.start?.revision)
        }
    }

    /// Neither a follower that begins, nor one in the middle, nor one that had read as far as it goes.
    @Test func `is told to followers of what went`() async throws {
        try await withArchivedStore(Self.way, stretches: 3, commits: 12, bound: 1_000, name: "followed") { store, _ in
            let cluster = store.line.cluster
            let first = try #require(store.records.first)
            let begin = LogPlace(
                position: Position(cluster: cluster, epoch: first.epoch, revision: .absent, chainPrefix: []),
                chain: LogRecord.genesis(cluster: cluster))
            let waiting = ArchiveLogSource(store.line, polling: .milliseconds(1))
            let read = try await waiting.next(after: begin, waiting: .zero)
            let last = try #require(read.parts.last?.records.last)
            let plan = try await plan(store, ArchiveRetention(snapshots: 1))
            let start = try #require(plan.start)
            #expect(last.revision < start.revision && start.revision < store.records.last!.revision)
            try await Retention(store.line).carryOut(plan)
            let oldest = Position(
                cluster: cluster, epoch: start.epoch.epoch, revision: start.revision, chainPrefix: start.chain)
            for (place, source) in [
                (begin, ArchiveLogSource(store.line, polling: .milliseconds(1))),
                (LogPlace(store.records[4], of: cluster), ArchiveLogSource(store.line, polling: .milliseconds(1))),
                (LogPlace(last, of: cluster), waiting),
            ] {
                await #expect(throws: LogSourceError.compacted(oldest: oldest), "after \(place.revision)") {
                    try await source.next(after: place, waiting: .zero)
                }
            }
            // Whoever is at the beginning of what is kept, or behind it, goes on.
            let source = ArchiveLogSource(store.line, polling: .milliseconds(1))
            for record in [store.records.first { $0.revision == start.revision }!, store.records.dropLast().last!] {
                let answer = try await source.next(after: LogPlace(record, of: cluster), waiting: .zero)
                #expect(answer.parts.first?.records.first?.revision.rawValue == record.revision.rawValue + 1)
            }
        }
    }

    /// An archiver that has lost its consumer follows the line from where it begins now.
    @Test func `keeps no archiver from going on`() async throws {
        try await withArchive(.disk) { archive in
            var random = Seeded("retained")
            let store = archive.store
            try await archive.archiving { archiver in
                try await archive.commit(30, &random, lead: false)
                try await archive.awaitArchived(archiver)
            }
            _ = try await SnapshotWriter(archive.line).write(.store(store))
            let plan = try await Retention(archive.line).plan(ArchiveRetention(snapshots: 1), now: Self.now)
            #expect(!plan.going.isEmpty && plan.start != nil)
            try await Retention(archive.line).carryOut(plan)
            try await store.consumers.remove(archive.options.consumer)
            try await archive.archiving { archiver in
                try await archive.commit(30, &random, lead: false)
                try await archive.awaitArchived(archiver)
                #expect(archiver.status.state == .following, "\(archiver.status)")
            }
            #expect(try await ArchiveHistory(archive.line)?.end.chain == store.logHead().chain)
        }
    }

    /// A copy of a master wakes up long after: the name it wants is free again, and it must not believe what it puts
    /// there to be archived.
    @Test func `frees no name for a master that comes late`() async throws {
        try await withArchivedStore(Self.way, stretches: 2, commits: 12, bound: 800, name: "late masters") { store, _ in
            let history = try #require(try await ArchiveHistory(store.line))
            var place = history.beginning.start
            guard case .segment(let segment) = try await store.line.object(after: place) else { throw Failure("none") }
            place = segment.end
            let next = store.records.first { $0.revision > place.revision }!
            var late = ArchiveWriter(store.line, after: place)
            try await Retention(store.line).carryOut(try await plan(store, ArchiveRetention(snapshots: 1)))
            #expect(try await store.line.object(after: place) == nil)
            let error = await failure { () async throws(ArchiveError) in
                try await late.append(
                    Segment(cluster: store.line.cluster, [next], after: place.chain, digests: next.someDigests))
            }
            guard case .forked = error else { throw Failure("\(String(describing: error))") }
            #expect(late.end == place && late.alarm != nil)
            // What it left there goes with the next plan.
            let plan = try await plan(store, ArchiveRetention(snapshots: 1))
            #expect(plan.going.count == 1)
            try await Retention(store.line).carryOut(plan)
        }
    }
}

extension LogRecord {
    /// Digests of its kinds that are nobody's.
    fileprivate var someDigests: [RecordKind: UInt128] {
        RecordKind.allCases.filter { kinds.contains($0) }.reduce(into: [:]) { $0[$1] = 1 }
    }
}

/// Carries a plan out in the middle of the first reading of the line.
private actor RemovalOnce {
    private var plan: RetentionPlan?
    private var reads = 0

    init(_ plan: RetentionPlan) { self.plan = plan }

    func next() -> RetentionPlan? {
        reads += 1
        guard reads == 5 else { return nil }
        defer { plan = nil }
        return plan
    }
}

private struct RemovalAtRead: ArchiveTarget {
    let base: any ArchiveTarget
    let line: ArchiveLine
    let once: RemovalOnce

    init(base: any ArchiveTarget, line: ArchiveLine, plan: RetentionPlan) {
        (self.base, self.line, once) = (base, line, RemovalOnce(plan))
    }

    var place: String { base.place }

    func create(_ name: ArchiveName, _ bytes: [UInt8]) async throws(ArchiveError) -> ArchiveCreation {
        try await base.create(name, bytes)
    }

    func read(_ name: ArchiveName, limit: Int) async throws(ArchiveError) -> [UInt8]? {
        if let plan = await once.next() { try? await Retention(line).carryOut(plan) }
        return try await base.read(name, limit: limit)
    }

    func remove(_ name: ArchiveName) async throws(ArchiveError) { try await base.remove(name) }

    func list(
        under name: ArchiveName, after: ArchiveName?, limit: Int
    ) async throws(ArchiveError) -> [ArchiveName] {
        try await base.list(under: name, after: after, limit: limit)
    }
}
