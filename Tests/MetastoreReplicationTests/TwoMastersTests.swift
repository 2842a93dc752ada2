internal import ArchiveSupport
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// A master as the archive sees it: a history of its own, and a writer.
private struct Master {
    let number: Int
    let cluster: UUID
    var records: [LogRecord] = []
    var writer: ArchiveWriter
    var random: Seeded
    /// The last revision that the archive answered for.
    var acknowledged = Revision.absent
    var told: ArchiveError?

    /// Commits a few revisions in the epoch that its writer is in.
    mutating func commit(_ count: Int) {
        for _ in 0..<count {
            let record = LogRecord.made(
                after: records.last, in: writer.end.epoch, of: cluster, by: "master-\(number)", &random)
            records.append(record)
        }
    }

    /// Archives up to some revision that isn't archived, and tries again while the place doesn't answer.
    mutating func archive() async {
        while told == nil, writer.end.revision < records.last?.revision ?? .absent {
            let rest = records.filter { $0.revision > writer.end.revision }
            let part = Array(rest.prefix(Int.random(in: 1...rest.count, using: &random)))
            let segment = Segment(
                cluster: cluster, part, after: writer.end.chain, digests: [.keyValue: UInt128(random.next())])
            do throws(ArchiveError) {
                _ = try await writer.append(segment)
            } catch {
                guard await goOn(after: error) else { return told = writer.alarm ?? error }
            }
            acknowledged = writer.end.revision
        }
    }

    /// What a master does that was not answered, or late: it takes for archived what there is of its own history.
    private mutating func goOn(after error: ArchiveError) async -> Bool {
        switch error {
        case .unavailable: return true
        case .behind:
            do throws(ArchiveError) {
                try await writer.follow(records)
                return true
            } catch {
                if case .unavailable = error { return true }
                return false
            }
        default: return false
        }
    }

    /// Goes on as the leader, from where the archive ends.
    mutating func takeOver() async {
        while told == nil {
            do throws(ArchiveError) {
                var end = writer.end
                while let object = try await writer.line.object(after: end) {
                    switch object {
                    case .segment(let segment):
                        records += segment.records
                        end = segment.end
                    case .epoch(let record): end = record.start
                    }
                    writer = ArchiveWriter(writer.line, after: end)
                }
                try await writer.open(
                    EpochRecord(
                        cluster: cluster, epoch: Epoch(number: end.epoch.number + 1, nonce: random.next()),
                        parent: end.epoch, fork: end.revision, chain: end.chain, holder: "master-\(number)",
                        time: Timestamp(microseconds: 0)))
                return
            } catch {
                switch error {
                case .unavailable, .behind: continue
                default: return told = error
                }
            }
        }
    }
}

/// Two masters on one archive: one goes on, the other is told, and no history is ever mixed.
@Suite(.serialized, .timed) struct `Two masters on one archive` {
    /// A history of some revisions in an archive, and two that have all of it.
    private func begin(_ root: String, _ random: inout Seeded, shares: Double) async throws -> [Master] {
        let cluster = random.uuid()
        let beginning = EpochRecord.beginning(of: cluster, in: Epoch(number: 1, nonce: random.next()))
        let target = try DirectoryTarget(path: root)
        let turnstile = Turnstile(Seeded(random.next()), tasks: 2)
        let (writer, _) = try await ArchiveWriter.begin(ArchiveLine(target, of: cluster), with: beginning)
        var first = Master(number: 0, cluster: cluster, writer: writer, random: Seeded(random.next()))
        first.commit(Int.random(in: 0...20, using: &random))
        await first.archive()
        return (1...2).map { number in
            let faults = TurnedTarget.Faults(Seeded(random.next()), share: shares)
            let turned = TurnedTarget(base: target, turnstile: turnstile, task: number, faults: faults)
            return Master(
                number: number, cluster: cluster, records: first.records,
                writer: ArchiveWriter(ArchiveLine(turned, of: cluster), after: first.writer.end),
                random: Seeded(random.next()), acknowledged: first.acknowledged)
        }
    }

    private func run(
        _ masters: [Master], _ work: @escaping @Sendable (inout Master) async -> Void
    ) async -> [Master] {
        await withTaskGroup(of: Master.self) { group in
            for master in masters {
                group.addTask {
                    var master = master
                    await work(&master)
                    if let turned = master.writer.line.target as? TurnedTarget { await turned.turnstile.leave() }
                    return master
                }
            }
            return await group.reduce(into: []) { $0.append($1) }.sorted { $0.number < $1.number }
        }
    }

    /// What the archive holds is one history, and it has every revision that was answered for.
    private func check(_ root: String, _ masters: [Master]) async throws {
        let line = ArchiveLine(try DirectoryTarget(path: root), of: masters[0].cluster)
        let history = try #require(try await ArchiveHistory(line))
        var found: [LogRecord] = []
        try await history.forEachPart { found += $0.records }
        var chain = LogRecord.genesis(cluster: masters[0].cluster)
        for (index, record) in found.enumerated() {
            #expect(record.revision.rawValue == Int64(index) + 1 && record.chain == record.link(after: chain))
            chain = record.chain
        }
        #expect(history.end.revision == found.last?.revision ?? .absent && history.end.chain == chain)
        for master in masters {
            let kept = master.records.prefix(Int(master.acknowledged.rawValue))
            #expect(
                kept.map(\.chain) == found.prefix(kept.count).map(\.chain),
                "master \(master.number) was answered for \(master.acknowledged)")
        }
    }

    /// Whatever it asks for: the archive is as it was.
    @Test(arguments: [true, false]) func `of which one was told is told again`(_ isFenced: Bool) async throws {
        var random = Seeded("told again")
        try await withScratch { root in
            let (target, cluster) = (try DirectoryTarget(path: root), random.uuid())
            let line = ArchiveLine(target, of: cluster)
            let first = EpochRecord.beginning(of: cluster, in: Epoch(number: 1, nonce: random.next()))
            var (winner, _) = try await ArchiveWriter.begin(line, with: first)
            var loser = winner
            func segment(_ actor: String) -> Segment {
                let record = LogRecord.made(after: nil, in: first.epoch, of: cluster, by: actor, &random)
                return Segment(cluster: cluster, [record], after: first.chain, digests: [.keyValue: 1])
            }
            func next(_ holder: String) -> EpochRecord {
                EpochRecord(
                    cluster: cluster, epoch: Epoch(number: 2, nonce: random.next()), parent: first.epoch,
                    fork: .absent, chain: first.chain, holder: holder, time: Timestamp(microseconds: 0))
            }
            if isFenced {
                try await winner.open(next("winner"))
            } else {
                _ = try await winner.append(segment("winner"))
            }
            let before = try await names(line)
            var told: [ArchiveError] = []
            for round in 0..<4 {
                do throws(ArchiveError) {
                    if round == 2 {
                        try await loser.open(next("loser"))
                    } else {
                        _ = try await loser.append(segment("loser"))
                    }
                } catch { told.append(error) }
                // What stood in its way is gone: it is still not the one that goes on.
                if round == 0 { for name in before where "\(name)".contains("/log/") { try await target.remove(name) } }
            }
            let expected: ArchiveError =
                isFenced
                ? .fenced(epoch: 2, holder: "winner", after: .absent)
                : .forked(object: "\(line.name(after: first.start))", after: .absent)
            #expect(told == Array(repeating: expected, count: 4) && loser.alarm == expected)
            #expect(try await names(line).map(\.description).filter { $0.contains("/log/") } == [])
        }
    }

    /// Neither knows of the other: both go on in the epoch that they were copied in.
    @Test func `that are copies of one, one goes on and the other is told of a fork`() async throws {
        var random = Seeded("copies")
        for schedule in 0..<Seeded.count(100, least: 10) {
            try await withScratch { root in
                let masters = await run(try await begin(root, &random, shares: schedule % 2 == 0 ? 0 : 0.1)) { master in
                    for _ in 0..<5 {
                        master.commit(Int.random(in: 1...5, using: &master.random))
                        await master.archive()
                    }
                }
                try await check(root, masters)
                let told = masters.compactMap(\.told)
                guard case .forked = told.first else {
                    Issue.record("schedule \(schedule): \(told)")
                    return
                }
                #expect(told.count == 1, "schedule \(schedule)")
                #expect(masters.first { $0.told == nil }.map { $0.acknowledged == $0.records.last?.revision } == true)
            }
        }
    }

    /// Both open an epoch where the archive ends, as two clones of a volume do when they start.
    @Test func `that both start, one opens the next epoch and the other is told`() async throws {
        var random = Seeded("starts")
        for schedule in 0..<Seeded.count(100, least: 10) {
            try await withScratch { root in
                let masters = await run(try await begin(root, &random, shares: schedule % 2 == 0 ? 0 : 0.1)) { master in
                    let end = master.writer.end
                    let record = EpochRecord(
                        cluster: master.cluster, epoch: Epoch(number: 2, nonce: master.random.next()),
                        parent: end.epoch, fork: end.revision, chain: end.chain, holder: "master-\(master.number)",
                        time: Timestamp(microseconds: 0))
                    while master.told == nil, master.writer.end != record.start {
                        do throws(ArchiveError) {
                            try await master.writer.open(record)
                        } catch {
                            if case .unavailable = error { continue }
                            master.told = error
                        }
                    }
                    guard master.told == nil else { return }
                    master.commit(3)
                    await master.archive()
                }
                try await check(root, masters)
                let told = masters.compactMap(\.told)
                guard told.count == 1, case .fenced(2, let holder, _) = told[0] else {
                    Issue.record("schedule \(schedule): \(told)")
                    return
                }
                #expect(masters.first { "master-\($0.number)" == holder }?.told == nil)
            }
        }
    }

    /// A leader that was paused goes on after another took over: what it was answered for stays, and it is told.
    @Test func `of which one takes over, the other is fenced and loses nothing it was answered for`() async throws {
        var random = Seeded("takeovers")
        for schedule in 0..<Seeded.count(100, least: 10) {
            try await withScratch { root in
                let masters = await run(try await begin(root, &random, shares: schedule % 2 == 0 ? 0 : 0.1)) { master in
                    if master.number == 2 { await master.takeOver() }
                    // The first works until it is told. It rests in between: nobody overtakes one as fast as himself.
                    for _ in 0..<(master.number == 1 ? 1_000 : 6) where master.told == nil {
                        master.commit(Int.random(in: 1...5, using: &master.random))
                        await master.archive()
                        let line = master.writer.line
                        for _ in 0..<2 { _ = try? await line.target.read(line.names.beginning, limit: 1 << 10) }
                    }
                }
                try await check(root, masters)
                guard case .fenced(let epoch, "master-2", _) = masters[0].told, masters[1].told == nil,
                    epoch >= 2
                else {
                    Issue.record("schedule \(schedule): \(masters.map(\.told))")
                    return
                }
            }
        }
    }
}
