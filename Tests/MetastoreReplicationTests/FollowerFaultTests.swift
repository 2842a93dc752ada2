internal import ArchiveSupport
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

@Suite(.serialized, .timed) struct `A follower of a faulty source` {
    private static let ways = FollowedWay.all.filter { $0.from == .disk || $0.to == .disk }

    /// Reads the follower again and again, and compares each read with what the leader was at that revision.
    private func watch(_ follower: Follower, _ twin: Twin) -> Task<(reads: Int, revisions: Set<Revision>), any Error> {
        Task {
            var (reads, revisions) = (0, Set<Revision>())
            while !Task.isCancelled {
                guard let contents = try await read(follower.store) else { break }
                #expect(twin.isSame(as: contents), "at revision \(contents.revision)")
                guard let isProven = try await isProven(follower.store) else { break }
                #expect(isProven, "the log")
                reads += 1
                revisions.insert(contents.revision)
            }
            return (reads, revisions)
        }
    }

    /// Whether each link of the log is that of its record; nil when the reading was told to end.
    private func isProven(_ store: Metastore) async throws -> Bool? {
        do {
            return try await store.verifyLog(after: .absent).isClean
        } catch {
            guard Task.isCancelled else { throw error }
            return nil
        }
    }

    /// What is there; nil when the reading was told to end.
    private func read(_ store: Metastore) async throws -> StoreContents? {
        do {
            return try await store.contents()
        } catch {
            guard Task.isCancelled else { throw error }
            return nil
        }
    }

    @Test(arguments: ways)
    fileprivate func `shows nothing that isn't proven, and gets there`(_ way: FollowedWay) async throws {
        var random = Seeded("faulty \(way.testDescription)")
        for round in 0..<Seeded.count(40, least: 2) {
            try await FollowingPlace.with(from: way.from, to: way.to) { place in
                try await RandomHistory.make(in: place.leader, commits: 100, name: "faulty \(round)")
                let leader = try await Metastore.open(place.leader)
                let twin = try await Twin(leader)
                let cluster = try await leader.info().cluster
                let base: any LogSource
                if round.isMultiple(of: 2) {
                    base = SmallSource(base: StoreLogSource(leader), most: Int.random(in: 1...4, using: &random))
                } else {
                    let line = ArchiveLine(place.target, of: cluster)
                    try await leader.upload(to: line, bound: Int.random(in: 1...1_500, using: &random))
                    base = ArchiveLogSource(line, polling: .milliseconds(1))
                }
                let faulty = FaultySource(base, Seeded("faults \(round)"), share: 0.75)
                let follower = try await Follower.open(
                    place.follower, following: FollowedSource(faulty), of: cluster, .quick)
                let reader = watch(follower, twin)
                _ = await eventually(within: .seconds(3)) { follower.status.position.revision == leader.revision }
                faulty.mend()
                try await follower.waitFor(leader.revision, timeout: .seconds(60))
                reader.cancel()
                let seen = try await reader.value
                #expect(seen.reads > 0)
                #expect(try await follower.store.contents() == leader.contents())
                #expect(try await follower.store.verify().isClean)
                #expect(await eventually { follower.status.state == .following })
                let counts = faulty.counts.values.reduce(0, +)
                let (reads, revisions) = (seen.reads, seen.revisions.count)
                print("\(counts) faults of \(faulty.counts.count) kinds, \(reads) reads at \(revisions) revisions")
                await follower.close()
                await leader.close()
            }
        }
    }

    /// A source that never answers, and one that answers with failures: it is told why within 5 s.
    @Test func `says that it is stalled, and why`() async throws {
        try await FollowingPlace.with { place in
            let leader = try await Metastore.open(place.leader)
            try await leader.keyValue.put("n/k", "v")
            let source = BrokenSource(StoreLogSource(leader))
            let follower = try await Follower.open(place.follower, following: FollowedSource(source), .quick)
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            source.mode = .hanging
            #expect(await eventually(within: .seconds(5)) { follower.status.state.isSilent })
            #expect(await eventually { !CapturedLog.lines(containing: "the follower is stalled").isEmpty })
            #expect(follower.status.lag > .zero)
            source.mode = .failing
            #expect(
                await eventually(within: .seconds(5)) {
                    follower.status.state.isStalled { $0 == .unavailable(reason: "broken") }
                })
            try await leader.keyValue.put("n/k", "w")
            source.mode = .sound
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            #expect(await eventually { follower.status.state == .following && follower.status.lag == .zero })
            await follower.close()
            await leader.close()
        }
    }

    /// A record of a newer schema: everything before it is there, and stays readable.
    @Test func `stops before what it can't read`() async throws {
        try await FollowingPlace.with { place in
            let leader = try await Metastore.open(place.leader)
            for number in 0..<5 { try await leader.keyValue.put("n/k", "\(number)") }
            let source = BrokenSource(StoreLogSource(leader))
            source.mode = .newer(from: leader.revision)
            let follower = try await Follower.open(place.follower, following: FollowedSource(source), .quick)
            #expect(
                await eventually {
                    if case .needsNewerRelease(let reason) = follower.status.state {
                        reason.contains("schema 99") && reason.contains("newer release")
                    } else {
                        false
                    }
                })
            let contents = try await follower.store.contents()
            #expect(contents.revision.rawValue == leader.revision.rawValue - 1)
            #expect(try await Twin(leader).isSame(as: contents))
            await follower.close()
            await leader.close()
        }
    }

    /// Closed in the midst of it, over and over, and opened again: nothing is read twice, nothing is missing.
    @Test(arguments: ways)
    fileprivate func `goes on where it was when it was closed at any moment`(_ way: FollowedWay) async throws {
        var random = Seeded("closing \(way.testDescription)")
        try await FollowingPlace.with(from: way.from, to: way.to) { place in
            try await RandomHistory.make(in: place.leader, commits: 60, name: "closing")
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            let source = FollowedSource(SmallSource(base: StoreLogSource(leader), most: 3))
            var last = Revision.absent
            for _ in 0..<20 {
                let follower = try await Follower.open(place.follower, following: source, of: cluster, .quick)
                #expect(follower.status.position.revision >= last)
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...20, using: &random)))
                await follower.close()
                last = follower.status.position.revision
            }
            let follower = try await Follower.open(place.follower, following: source, of: cluster, .quick)
            try await expectEqual(follower, leader)
            await follower.close()
            await leader.close()
        }
    }
}

/// Gives a few records at a time.
struct SmallSource: DecoratedSource {
    let base: any LogSource
    let most: Int

    func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        var answer = try await base.next(after: place, waiting: waiting)
        guard var part = answer.parts.first else { return answer }
        if part.records.count > most {
            part.records = Array(part.records.prefix(most))
            part.digests = [:]
        }
        answer.parts = [part]
        return answer
    }
}

/// Fails in one way until it is told otherwise.
private final class BrokenSource: DecoratedSource {
    enum Mode: Sendable {
        case sound, hanging, failing
        case newer(from: Revision)
    }

    let base: any LogSource
    private let current = Mutex(Mode.sound)

    init(_ base: any LogSource) { self.base = base }

    var mode: Mode {
        get { current.withLock { $0 } }
        set { current.withLock { $0 = newValue } }
    }

    func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        switch mode {
        case .sound: return try await base.next(after: place, waiting: waiting)
        case .failing: throw .unavailable(reason: "broken")
        case .hanging:
            // Until somebody mends it: it doesn't heed the time it was given.
            while case .hanging = mode, !Task.isCancelled { try? await Task.sleep(for: .milliseconds(5)) }
            return try await base.next(after: place, waiting: waiting)
        case .newer(let from):
            var answer = try await base.next(after: place, waiting: waiting)
            for part in answer.parts.indices {
                for index in answer.parts[part].records.indices where answer.parts[part].records[index].revision >= from
                {
                    let before = index == 0 ? answer.parts[part].previous : answer.parts[part].records[index - 1].chain
                    answer.parts[part].records[index].schema = 99
                    answer.parts[part].records[index].chain = answer.parts[part].records[index].link(after: before)
                }
                let records = answer.parts[part].records
                if records.count > 1 {
                    answer.parts[part].records = records.filter { $0.revision < from }
                    answer.parts[part].digests = [:]
                }
            }
            return answer
        }
    }
}

extension FollowerState {
    fileprivate func isStalled(_ isRight: (FollowerStall) -> Bool) -> Bool {
        if case .stalled(let stall, _) = self { isRight(stall) } else { false }
    }

    fileprivate var isSilent: Bool { isStalled { $0 == .silent } }
}
