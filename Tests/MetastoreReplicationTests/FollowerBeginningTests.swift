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

extension FollowerOptions {
    /// Impatient, and beginning with a snapshot.
    static var fromSnapshot: FollowerOptions {
        var options = FollowerOptions.quick
        options.beginning = .snapshot
        return options
    }
}

@Suite(.serialized, .timed) struct `A follower in an empty place` {
    /// The leader writes all the while.
    @Test(arguments: FollowedWay.all)
    func `begins with a snapshot, and follows from there`(_ way: FollowedWay) async throws {
        try await FollowingPlace.with(from: way.from, to: way.to) { place in
            try await RandomHistory.make(in: place.leader, commits: 20, name: "begins \(way.testDescription)")
            let leader = try await Metastore.open(place.leader)
            let before = leader.revision
            let busy = Task {
                var history = RandomHistory(on: leader, name: "meanwhile \(way.testDescription)")
                while !Task.isCancelled { try await history.goOn(1) }
            }
            let follower = try await Follower.open(place.follower, following: .store(leader), .fromSnapshot)
            #expect(follower.status.position.revision >= before)
            #expect(try await follower.store.info().compactedRevision > .absent, "its log begins where it is needed")
            try await follower.waitFor(
                Revision(rawValue: follower.status.position.revision.rawValue + 10), timeout: .seconds(60))
            busy.cancel()
            _ = await busy.result
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            expectSameState(try await follower.store.contents(), try await leader.contents())
            #expect(try await follower.compare().isEqual)
            let verified = try await follower.store.verify()
            #expect(verified.isClean, "\(verified)")
            await follower.close()
            // It goes on where it stood.
            try await leader.keyValue.put("n/later", "v")
            let again = try await Follower.open(place.follower, following: .store(leader), .fromSnapshot)
            try await again.waitFor(leader.revision, timeout: .seconds(60))
            expectSameState(try await again.store.contents(), try await leader.contents())
            await again.close()
            await leader.close()
        }
    }

    /// The history that the leader has no longer is no matter; for the whole log it is.
    @Test func `begins where its leader's history begins later`() async throws {
        try await FollowingPlace.with { place in
            let leader = try await Metastore.forgetful(place.leader)
            let follower = try await Follower.open(place.follower, following: .store(leader), .fromSnapshot)
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            expectSameState(try await follower.store.contents(), try await leader.contents())
            await follower.close()
            let whole = try await Follower.open(
                .sqlite(place.root + "/whole.db"), following: .store(leader), .quick)
            #expect(
                await eventually {
                    if case .needsSnapshot(let oldest) = whole.status.state { oldest.revision > 1 } else { false }
                })
            #expect("\(whole.status.state)".contains("--resnapshot"))
            await whole.close()
            await leader.close()
        }
    }

    @Test func `begins with what an archive has, and with its log`() async throws {
        try await FollowingPlace.with { place in
            try await RandomHistory.make(in: place.leader, commits: 20, name: "archived beginning")
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            try await leader.upload(to: ArchiveLine(place.target, of: cluster))
            let source = FollowedSource.archive(place.target, of: cluster, polling: .milliseconds(5))
            let follower = try await Follower.open(place.follower, following: source, .fromSnapshot)
            try await expectEqual(follower, leader)
            await follower.close()
            await leader.close()
        }
    }

    /// A source that doesn't answer, refuses, or breaks off leaves it as empty as it was.
    @Test func `stays empty where its source gives no snapshot`() async throws {
        try await FollowingPlace.with { place in
            try await RandomHistory.make(in: place.leader, commits: 5, name: "no snapshot")
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            let none = FollowedSource(SmallSource(base: StoreLogSource(leader), most: 1))
            await #expect(throws: FollowerError.self) {
                try await Follower.open(place.follower, following: none, .fromSnapshot)
            }
            await #expect(throws: FollowerError.self) {
                try await Follower.open(place.follower, following: .store(leader), of: UUID(), .fromSnapshot)
            }
            let memory = try await Metastore.open(.inMemory())
            await #expect(throws: FollowerError.self) {
                try await Follower.open(place.follower, following: .store(memory), .fromSnapshot)
            }
            await memory.close()
            let task = Task {
                try await Follower.open(place.follower, following: .store(leader), of: cluster, .fromSnapshot)
            }
            task.cancel()
            if let early = try? await task.value {
                await early.close()
            } else {
                let probe = try place.follower.makeEngine(EngineOptions())
                #expect(try probe.prepare() == .nothing)
                probe.close()
            }
            await leader.close()
        }
    }
}

extension StoreOptions {
    /// The log keeps next to nothing.
    static var forgetful: StoreOptions {
        var options = StoreOptions()
        options.logRetention = .zero
        options.housekeepingInterval = .milliseconds(5)
        options.engine.callTimeout = .seconds(30)
        return options
    }
}

extension Metastore {
    /// A store whose log keeps next to nothing.
    static func forgetful(_ source: EngineSource) async throws -> Metastore {
        let store = try await Metastore.open(source, .forgetful)
        try await store.forget(10)
        return store
    }

    /// Goes on, and forgets how.
    func forget(_ count: Int) async throws {
        let before = revision
        for number in 0..<count { try await keyValue.put(EntryKey(namespace: "forgotten", key: "k"), "\(number)") }
        guard try await eventually({ try await info().compactedRevision > before }) else { throw Failure("compaction") }
    }
}
