internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// Whatever goes wrong meanwhile, and whoever is at work beside it.
@Suite(.serialized, .timed) struct `Merging that is disturbed` {
    private func copy(_ noisy: NoisyLine, to place: String) throws -> DirectoryTarget {
        try FileManager.default.copyItem(atPath: noisy.root, toPath: place)
        return try DirectoryTarget(path: place)
    }

    private func merging(_ target: any ArchiveTarget, _ noisy: NoisyLine, bound: Int = 1_000) -> Merging {
        Merging(ArchiveLine(target, of: noisy.line.cluster), bound: bound, most: 2)
    }

    // MARK: Kills

    /// Before each call of the archive, and after it: the next run ends what was begun, and nothing shows it.
    @Test(arguments: [false, true])
    func `loses nothing to a kill, wherever it comes`(_ isAnswerLost: Bool) async throws {
        var random = Seeded("merging and kills")
        try await withScratch { root in
            try FileManager.default.createDirectory(atPath: root + "/archive", withIntermediateDirectories: false)
            let noisy = try await NoisyLine.make(root + "/archive", &random, epochs: 2...2, records: 10...12)
            let whole = try copy(noisy, to: root + "/whole")
            let counted = CutTarget(base: whole, first: .max, isAnswerLost: false)
            let plan = try await merging(whole, noisy).plan()
            #expect(plan.groups.count > 2, "more than one record of merging")
            try await merging(counted, noisy).carryOut(plan)
            let expected = try await names(ArchiveLine(whole, of: noisy.line.cluster))

            let step = max(1, counted.calls.value / Seeded.count(500, least: 12))
            var (first, ended) = (Int.random(in: 0..<step, using: &random), false)
            while !ended {
                let place = root + "/killed"
                let target = try copy(noisy, to: place)
                defer { try? FileManager.default.removeItem(atPath: place) }
                let cut = CutTarget(base: target, first: first, isAnswerLost: isAnswerLost)
                do {
                    try await merging(cut, noisy).carryOut(try await merging(target, noisy).plan())
                    ended = true
                } catch {
                    guard case ArchiveError.unavailable = error else { throw error }
                }
                try await noisy.expectWhole(in: target, followers: 3, &random)
                let next = merging(target, noisy)
                try await next.carryOut(try await next.plan())
                try await noisy.expectWhole(in: target, followers: 3, &random)
                let found = try await names(ArchiveLine(target, of: noisy.line.cluster))
                #expect(found == expected, "killed at call \(first)")
                first += step
            }
        }
    }

    // MARK: Others at work

    /// They may cut differently, and calls fail now and then.
    @Test func `is done by one of two that do it at once`() async throws {
        var random = Seeded("two that merge")
        for schedule in 0..<Seeded.count(100, least: 8) {
            try await withScratch { root in
                let noisy = try await NoisyLine.make(root, &random, records: 5...20)
                let turnstile = Turnstile(Seeded(random.next()), tasks: 2)
                let bounds = schedule % 2 == 0 ? [1_500, 1_500] : [1_500, 700]
                let faults = TurnedTarget.Faults(Seeded(random.next()), share: schedule % 4 < 2 ? 0 : 0.001)
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for (number, bound) in bounds.enumerated() {
                        let turned = TurnedTarget(
                            base: noisy.line.target, turnstile: turnstile, task: number, faults: faults)
                        let merging = merging(turned, noisy, bound: bound)
                        group.addTask {
                            do {
                                try await Self.merge(merging)
                            } catch {
                                Issue.record("schedule \(schedule): \(error)")
                            }
                            await turnstile.leave()
                        }
                    }
                    try await group.waitForAll()
                }
                try await noisy.expectWhole(&random)
                for _ in 0..<2 {
                    let last = merging(noisy.line.target, noisy)
                    try await last.carryOut(try await last.plan())
                }
                try await noisy.expectWhole(&random)
                #expect(try await merging(noisy.line.target, noisy).plan().isEmpty)
            }
        }
    }

    /// Until nothing is left to merge.
    private static func merge(_ merging: Merging) async throws {
        while true {
            do {
                let plan = try await merging.plan()
                if plan.isEmpty { return }
                try await merging.carryOut(plan)
            } catch ArchiveError.exists {
                continue
            } catch ArchiveError.unavailable {
                continue
            }
        }
    }

    /// Whoever reads meanwhile gets all of it, and sees no end that is none.
    @Test func `is seen by nobody who reads meanwhile`() async throws {
        var random = Seeded("merged and read")
        for schedule in 0..<Seeded.count(100, least: 8) {
            try await withScratch { root in
                let noisy = try await NoisyLine.make(root, &random, records: 5...20)
                let turnstile = Turnstile(Seeded(random.next()), tasks: 3)
                let lines = (0..<3).map { number in
                    ArchiveLine(
                        TurnedTarget(base: noisy.line.target, turnstile: turnstile, task: number),
                        of: noisy.line.cluster)
                }
                let merging = Merging(lines[0], bound: 1_500, most: 1)
                let seed = random.next()
                await withTaskGroup(of: Void.self) { group in
                    group.addTask {
                        do { try await Self.merge(merging) } catch { Issue.record("schedule \(schedule): \(error)") }
                        await turnstile.leave()
                    }
                    group.addTask {
                        do {
                            try await Self.read(lines[1], noisy, Seeded(seed))
                        } catch {
                            Issue.record("schedule \(schedule): the reader: \(error)")
                        }
                        await turnstile.leave()
                    }
                    group.addTask {
                        do {
                            try await Self.follow(lines[2], noisy, Seeded(seed))
                        } catch {
                            Issue.record("schedule \(schedule): the follower: \(error)")
                        }
                        await turnstile.leave()
                    }
                }
                try await noisy.expectWhole(&random)
            }
        }
    }

    private static func read(_ line: ArchiveLine, _ noisy: NoisyLine, _ random: Seeded) async throws {
        var random = random
        for _ in 0..<3 {
            let history = try #require(try await ArchiveHistory(line))
            #expect(history.end == noisy.writer.end)
            var records: [LogRecord] = []
            try await history.forEachPart { records += $0.records }
            #expect(records.map(\.chain) == noisy.history.map(\.chain))
            let record = try #require(noisy.history.randomElement(using: &random))
            #expect(try await history.link(at: record.revision) == record.chain)
        }
    }

    private static func follow(_ line: ArchiveLine, _ noisy: NoisyLine, _ random: Seeded) async throws {
        var random = random
        for _ in 0..<4 {
            let source = ArchiveLogSource(line, polling: .milliseconds(1))
            var at = Int.random(in: noisy.history.indices, using: &random)
            while at + 1 < noisy.history.count {
                let place = LogPlace(noisy.history[at], of: line.cluster)
                let records = try await source.next(after: place, waiting: .zero).parts.first?.records ?? []
                #expect(!records.isEmpty, "it ends after \(at + 1)")
                #expect(records.map(\.chain) == noisy.history[(at + 1)...].prefix(records.count).map(\.chain))
                guard !records.isEmpty else { return }
                at += records.count
            }
        }
    }

    /// What no record says anything of yet may be of somebody who is about to write one.
    @Test func `leaves alone what another record may come to name`() async throws {
        var random = Seeded("about to be named")
        try await withScratch { root in
            var noisy = try await NoisyLine(root, &random)
            try await noisy.append(30, &random)
            try await noisy.snapshot(15)
            let target = noisy.line.target
            let early = merging(target, noisy)
            try await early.carryOut(try await early.plan())
            try await noisy.snapshot(30)
            let plan = try await early.plan()
            let put = noisy.line.names.merged(try #require(plan.groups.first).range)
            for first in 0... where try await target.read(put, limit: .max) == nil {
                let cut = CutTarget(base: target, first: first, isAnswerLost: false)
                await #expect(throws: ArchiveError.self) { try await merging(cut, noisy).carryOut(plan) }
                if first > 1_000 { throw Failure("it is never there") }
                guard try await target.read(put, limit: .max) == nil else { break }
            }
            #expect(try await merging(target, noisy, bound: 1).plan().isEmpty)
            // Another cuts otherwise. From then on none can come to name it.
            let other = merging(target, noisy, bound: 100_000)
            let wide = try await other.plan()
            #expect(wide.leftovers.isEmpty && wide.groups.first?.range != plan.groups[0].range)
            try await other.carryOut(wide)
            let late = await #expect(throws: ArchiveError.self) { try await early.carryOut(plan) }
            #expect("\(String(describing: late))".contains("Make a new one"))
            let last = try await other.plan()
            #expect(last.groups.isEmpty && last.leftovers == [put])
            try await other.carryOut(last)
            try await noisy.expectWhole(&random)
        }
    }

    // MARK: Damage

    @Test func `removes nothing that it can't read back`() async throws {
        var random = Seeded("merging and damage")
        for flips in [true, false] {
            try await withScratch { root in
                var noisy = try await NoisyLine(root, &random)
                try await noisy.append(40, &random)
                try await noisy.snapshot(40)
                let merging = merging(noisy.line.target, noisy)
                let plan = try await merging.plan()
                let group = try #require(plan.groups.first)
                let before = try await names(noisy.line)
                var struck: ArchiveName
                if flips {
                    // A source that was whole when the plan was made.
                    struck = noisy.line.names.log(group.range.epoch, from: group.firsts[1])
                    var bytes = try #require(try await noisy.line.target.read(struck, limit: .max))
                    bytes[bytes.count / 2] ^= 1
                    try await noisy.line.target.replace(struck, with: bytes)
                } else {
                    // Something else has the merged segment's name: whole, and not what it is made of.
                    struck = noisy.line.names.merged(group.range)
                    let records = noisy.history.filter {
                        group.range.first <= $0.revision && $0.revision <= group.range.last
                    }
                    let before = noisy.history.last { $0.revision < group.range.first }
                    let other = Segment(
                        cluster: noisy.line.cluster, records,
                        after: before?.chain ?? LogRecord.genesis(cluster: noisy.line.cluster), digests: [.keyValue: 1])
                    #expect(try await noisy.line.target.create(struck, other.bytes) == .created)
                }
                let error = await #expect(throws: ArchiveError.self) { try await merging.carryOut(plan) }
                guard case .damaged(let object, _, _) = error else { throw Failure("\(String(describing: error))") }
                #expect(object == "\(struck)")
                let after = try await names(noisy.line)
                #expect(before.allSatisfy(after.contains), "nothing is gone")
                #expect(!after.contains { "\($0)".contains("/merges/") }, "and nothing is said")
                guard flips else { return }
                let planned = await #expect(throws: ArchiveError.self) { try await merging.plan() }
                #expect("\(String(describing: planned))".contains("\(struck)"))
            }
        }
    }

    /// What an interrupted run left goes only where what it was merged into is whole.
    @Test func `keeps the old segments where the merged one is damaged`() async throws {
        var random = Seeded("left and damaged")
        try await withScratch { root in
            var noisy = try await NoisyLine(root, &random)
            try await noisy.append(40, &random)
            try await noisy.snapshot(40)
            let old = try await noisy.segments()
            let merging = merging(noisy.line.target, noisy)
            try await merging.carryOut(try await merging.plan())
            for (name, segment) in old where try await noisy.line.target.read(name, limit: .max) == nil {
                _ = try await noisy.line.target.create(name, segment.bytes)
            }
            let plan = try await merging.plan()
            #expect(plan.groups.isEmpty && plan.leftovers.count > 2)
            let merged = try #require(try await names(noisy.line).first { "\($0)".contains("/merged/") })
            let whole = try #require(try await noisy.line.target.read(merged, limit: .max))
            var bytes = whole
            bytes[bytes.count / 3] ^= 4
            try await noisy.line.target.replace(merged, with: bytes)
            let error = await #expect(throws: ArchiveError.self) { try await merging.carryOut(plan) }
            #expect("\(String(describing: error))".contains("\(merged)"))
            #expect(try await noisy.segments().count == old.count)
            try await noisy.line.target.replace(merged, with: whole)
            try await merging.carryOut(plan)
            try await noisy.expectWhole(&random)
            #expect(try await merging.plan().isEmpty)
        }
    }

    /// Whoever reads is told which object it is, and where.
    @Test func `is told of by what is damaged or missing`() async throws {
        var random = Seeded("merged and damaged")
        try await withScratch { root in
            var noisy = try await NoisyLine(root, &random)
            try await noisy.append(60, &random)
            try await noisy.snapshot(60)
            let (line, target) = (noisy.line, noisy.line.target)
            let merging = merging(target, noisy)
            try await merging.carryOut(try await merging.plan())
            let all = try await names(line)
            let merged = all.filter { "\($0)".contains("/merged/") }
            let records = all.filter { "\($0)".contains("/merges/") }
            #expect(merged.count > 3 && records.count > 1)
            // The first segments may be too large to be merged.
            let first = try #require(try await target.read(merged[0], limit: .max))
            let inside = try Segment(first, named: "first").records[0]

            func told(_ name: ArchiveName, _ reason: String, at offset: Bool = false) async throws {
                let history = await #expect(throws: ArchiveError.self) {
                    _ = try await ArchiveHistory(ArchiveLine(target, of: line.cluster))
                }
                guard case .damaged(let object, let byte, let found) = history else {
                    throw Failure("\(String(describing: history))")
                }
                #expect(object == "\(name)" && (byte > 0) == offset && found.contains(reason), "\(found) at \(byte)")
                let source = ArchiveLogSource(ArchiveLine(target, of: line.cluster), polling: .milliseconds(1))
                let error = await #expect(throws: LogSourceError.self) {
                    try await source.next(after: LogPlace(inside, of: line.cluster), waiting: .zero)
                }
                guard case .damaged(let text) = error else { throw Failure("\(String(describing: error))") }
                #expect(text.contains("\(name)"))
            }

            for (name, reason) in [(merged[0], "checksum"), (records[0], "checksum")] {
                let whole = try #require(try await target.read(name, limit: .max))
                var bytes = whole
                bytes[bytes.count - 1] ^= 1
                try await target.replace(name, with: bytes)
                try await told(name, reason, at: true)
                try await target.replace(name, with: whole)
            }
            try await target.remove(merged[0])
            try await told(merged[0], "missing")
            // Another merged segment of the same history is not this one.
            let second = try #require(try await target.read(merged[1], limit: .max))
            _ = try await target.create(merged[0], second)
            try await told(merged[0], "not what the record")
            try await target.replace(merged[0], with: first)

            // A record that says something else of what was merged before.
            let one = try MergeRecord(try #require(try await target.read(records[0], limit: .max)), named: "one")
            var other = one
            other.number = Int64(records.count) + 1
            other.ranges = [one.ranges[0]]
            other.ranges[0].last = Revision(rawValue: one.ranges[0].last.rawValue - 1)
            _ = try await target.create(line.names.merge(other.number), other.bytes)
            try await told(line.names.merge(other.number), "doesn't go with")
            try await target.remove(line.names.merge(other.number))
            try await noisy.expectWhole(&random)
        }
    }

    @Test func `refuses a plan that is old`() async throws {
        var random = Seeded("old merging")
        try await withScratch { root in
            var noisy = try await NoisyLine(root, &random)
            try await noisy.append(40, &random)
            try await noisy.snapshot(20)
            let merging = merging(noisy.line.target, noisy)
            let old = try await merging.plan()
            try await noisy.snapshot(40)
            let new = try await merging.plan()
            try await merging.carryOut(new)
            let before = try await names(noisy.line)
            for plan in [old, new] {
                let error = await #expect(throws: ArchiveError.self) { try await merging.carryOut(plan) }
                #expect("\(String(describing: error))".contains("Make a new one"))
            }
            #expect(try await names(noisy.line) == before)
        }
    }
}
