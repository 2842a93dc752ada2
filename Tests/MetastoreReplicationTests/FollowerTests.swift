internal import ArchiveSupport
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// From which engine to which.
struct FollowedWay: CustomTestStringConvertible, Sendable {
    let from: TestEngine
    let to: TestEngine

    static let all = engines.flatMap { from in engines.map { FollowedWay(from: from, to: $0) } }
    private static let engines = TestEngine.lasting.filter { $0 != .hostile && $0.rawValue != "pooled" }

    var testDescription: String { "\(from) to \(to)" }
}

@Suite(.serialized, .timed) struct `A follower` {
    @Test(arguments: FollowedWay.all)
    func `becomes what its leader is, and stays it`(_ way: FollowedWay) async throws {
        try await FollowingPlace.with(from: way.from, to: way.to) { place in
            try await RandomHistory.make(in: place.leader, commits: 20, name: "leader \(way.testDescription)")
            let leader = try await Metastore.open(place.leader)
            let follower = try await Follower.open(place.follower, following: .store(leader), .quick)
            try await expectEqual(follower, leader)
            var history = RandomHistory(on: leader, name: "on \(way.testDescription)")
            for _ in 0..<3 {
                try await history.goOn(10)
                try await expectEqual(follower, leader)
            }
            #expect(try await follower.compare().isEqual)
            #expect(await eventually { follower.status.state == .following && follower.status.lagRevisions == 0 })
            let refused = await #expect(throws: StoreError.self) { try await follower.store.keyValue.put("n/k", "v") }
            guard case .follower = refused else { throw Failure("\(String(describing: refused))") }
            await follower.close()
            await leader.close()
        }
    }

    /// Each follower enters the archive where it stands, mostly in the middle of a segment, and follows what comes.
    @Test(arguments: FollowedWay.all)
    func `goes on from an archive, wherever it stands`(_ way: FollowedWay) async throws {
        var random = Seeded("entering \(way.testDescription)")
        for round in 0..<Seeded.count(20, least: 2) {
            try await FollowingPlace.with(from: way.from, to: way.to) { place in
                try await RandomHistory.make(in: place.leader, commits: 30, name: "archive \(round)")
                let leader = try await Metastore.open(place.leader)
                let cluster = try await leader.info().cluster
                let line = ArchiveLine(place.target, of: cluster)
                try await leader.upload(to: line, bound: Int.random(in: 1...40_000, using: &random))
                let replica = try await Metastore.openReplica(place.follower, of: cluster)
                let records = try await leader.logRecords(after: .absent, bytes: .max)
                try await replica.replay(Array(records.prefix(Int.random(in: 0...records.count, using: &random))))
                await replica.close()
                let follower = try await Follower.open(
                    place.follower, following: .archive(place.target, of: cluster, polling: .milliseconds(5)), .quick)
                try await expectEqual(follower, leader)
                var history = RandomHistory(on: leader, name: "later \(round)")
                try await history.goOn(10)
                try await leader.upload(to: line, bound: 5_000)
                try await expectEqual(follower, leader)
                #expect(try await follower.compare().isLocal)
                await follower.close()
                await leader.close()
            }
        }
    }

    /// Its own feed tells the same changes in the same order, at positions that the leader knows.
    @Test func `has the feed of its leader`() async throws {
        try await FollowingPlace.with { place in
            try await RandomHistory.make(in: place.leader, commits: 30, name: "feed")
            let leader = try await Metastore.open(place.leader)
            let follower = try await Follower.open(place.follower, following: .store(leader), .quick)
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            var changes: [[Change]] = []
            for store in [leader, follower.store] {
                var found: [Change] = []
                for try await batch in store.changes(after: try await store.position(at: .absent)).batches {
                    found += batch.changes
                    if batch.position == leader.position { break }
                }
                changes.append(found)
            }
            #expect(changes[0] == changes[1] && !changes[0].isEmpty)
            await follower.close()
            await leader.close()
        }
    }

    @Test func `says what holds it up to whoever waits for a revision`() async throws {
        try await FollowingPlace.with { place in
            let leader = try await Metastore.open(place.leader)
            try await leader.keyValue.put("n/k", "v")
            let follower = try await Follower.open(place.follower, following: .store(leader), .quick)
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            let error = await #expect(throws: FollowerError.self) {
                try await follower.waitFor(Revision(rawValue: 1_000), timeout: .milliseconds(50))
            }
            guard case .notReached(1_000, let status) = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(status.position == leader.position)
            // However early its time is over: before anybody waits, too.
            try await follower.waitFor(leader.revision, timeout: .zero)
            let early = await withTaskGroup { group in
                for _ in 0..<500 {
                    group.addTask {
                        (try? await follower.waitFor(Revision(rawValue: 1_000), timeout: .nanoseconds(1))) == nil
                    }
                }
                return await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(early == 500)
            let waiting = Task { try await follower.waitFor(Revision(rawValue: 1_000), timeout: .seconds(600)) }
            waiting.cancel()
            await #expect(throws: CancellationError.self) { try await waiting.value }
            let last = Task { try await follower.waitFor(Revision(rawValue: 1_000), timeout: .seconds(600)) }
            try await Task.sleep(for: .milliseconds(20))
            await follower.close()
            await #expect(throws: StoreError.closed) { try await last.value }
            await #expect(throws: StoreError.closed) {
                try await follower.waitFor(Revision(rawValue: 1_000), timeout: .zero)
            }
            #expect(follower.status.state == .closed)
            await leader.close()
        }
    }

    @Test func `refuses a store of another cluster, and a source of another`() async throws {
        try await FollowingPlace.with { place in
            let (leader, other) = (try await Metastore.open(place.leader), try await Metastore.open(.inMemory()))
            try await other.keyValue.put("n/k", "v")
            let follower = try await Follower.open(place.follower, following: .store(leader), .quick)
            await follower.close()
            await #expect(throws: StoreError.otherCluster) {
                _ = try await Follower.open(place.follower, following: .store(other), .quick)
            }
            let mistaken = try await Follower.open(
                place.follower, following: .store(other), of: try await leader.info().cluster, .quick)
            #expect(
                await eventually {
                    if case .stalled(.otherCluster, _) = mistaken.status.state { true } else { false }
                })
            await mistaken.close()
            await other.close()
            await leader.close()
        }
    }
}
