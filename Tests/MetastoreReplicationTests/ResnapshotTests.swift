internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

#if PostgreSQL
    internal import MetastorePostgreSQL
#endif

/// A source whose snapshots wait until they may come.
private final class HeldSource: DecoratedSource {
    let base: any LogSource
    private let state = Mutex((isHeld: true, asked: 0))

    init(_ base: any LogSource) { self.base = base }

    var asked: Int { state.withLock { $0.asked } }
    func release() { state.withLock { $0.isHeld = false } }

    func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        try await base.next(after: place, waiting: waiting)
    }

    func fill(
        _ place: EngineSource, of cluster: UUID, _ options: StoreOptions,
        _ progress: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws -> Position {
        state.withLock { $0.asked += 1 }
        while state.withLock({ $0.isHeld }) { try await Task.sleep(for: .milliseconds(2)) }
        return try await base.fill(place, of: cluster, options, progress)
    }
}

@Suite(.serialized, .timed) struct `A follower that can't go on from what it has` {
    static let engines = [TestEngine.disk] + TestEngine.lasting.filter { $0.rawValue == "postgresql" }

    /// Follows to the leader's end, and stays away while the leader forgets how it went on.
    private func fallBehind(_ place: FollowingPlace, _ leader: Metastore) async throws -> StoreContents {
        let follower = try await Follower.open(place.follower, following: .store(leader), .fromSnapshot)
        try await follower.waitFor(leader.revision, timeout: .seconds(60))
        let contents = try await follower.store.contents()
        await follower.close()
        try await leader.forget(10)
        return contents
    }

    @Test(arguments: engines)
    func `replaces it by a snapshot when it is told to, and keeps what was there`(_ to: TestEngine) async throws {
        try await FollowingPlace.with(to: to) { place in
            let leader = try await Metastore.forgetful(place.leader)
            let before = try await fallBehind(place, leader)
            let source = HeldSource(StoreLogSource(leader))
            let follower = try await Follower.open(place.follower, following: FollowedSource(source), .fromSnapshot)
            #expect(
                await eventually { if case .needsSnapshot = follower.status.state { true } else { false } })
            #expect(source.asked == 0, "nobody told it to")
            follower.resnapshot()
            #expect(await eventually { follower.status.state == .takingSnapshot && source.asked > 0 })
            let old = follower.store
            #expect(try await old.contents() == before, "readable until the snapshot is there")
            source.release()
            #expect(await eventually(within: .seconds(60)) { follower.status.state == .following })
            await #expect(throws: StoreError.closed) { try await old.contents() }
            expectSameState(try await follower.store.contents(), try await leader.contents())
            #expect(try await follower.store.verify().isClean)
            let kept = try #require(follower.status.replaced)
            try await leader.keyValue.put("n/later", "v")
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            await follower.close()
            #expect(try await contents(kept, to, place) == before, "kept as it was")
            // Nothing else is left beside it, and it opens as what it is.
            let names = try FileManager.default.contentsOfDirectory(atPath: place.root + "/to")
            #expect(!names.contains { $0.contains("arriving") || $0.contains("restoring") || $0.contains("replacing") })
            let again = try await Metastore.openReplica(place.follower, of: leader.info().cluster)
            expectSameState(try await again.contents(), try await leader.contents())
            await again.close()
            await leader.close()
        }
    }

    /// Where it says that what was there is.
    private func contents(
        _ kept: String, _ engine: TestEngine, _ place: FollowingPlace
    ) async throws -> StoreContents {
        var options = StoreOptions()
        options.engine.isReadOnly = true
        var source = EngineSource.sqlite(kept)
        #if PostgreSQL
            if engine == .postgresql {
                let schema = String(kept.dropFirst("schema ".count))
                source = .postgresql(try engine.place(in: place.root + "/to"), schema: schema)
            }
        #endif
        let store = try await Metastore.open(source, options)
        let contents = try await store.contents()
        await store.close()
        return contents
    }

    @Test(arguments: engines)
    func `replaces it by itself where that is its policy, after a fork too`(_ to: TestEngine) async throws {
        try await FollowingPlace.with(to: to) { place in
            let leader = try await Metastore.forgetful(place.leader)
            _ = try await fallBehind(place, leader)
            var options = FollowerOptions.fromSnapshot
            options.resnapshots = .whenNeeded
            let follower = try await Follower.open(place.follower, following: .store(leader), options)
            try await follower.waitFor(leader.revision, timeout: .seconds(60))
            expectSameState(try await follower.store.contents(), try await leader.contents())
            await follower.close()
            await leader.close()
            // The leader is put back to an earlier state, and goes on in another history.
            let (one, two) = (place.root + "/one.db", place.root + "/two.db")
            try FileManager.default.copyItem(atPath: place.root + "/from/metastore.db", toPath: one)
            try FileManager.default.copyItem(atPath: one, toPath: two)
            var adopting = StoreOptions()
            adopting.copies = .adopt
            let first = try await Metastore.open(.sqlite(one), adopting)
            for number in 0..<5 { try await first.keyValue.put("n/one", "\(number)") }
            let cluster = try await first.info().cluster
            let early = try await Follower.open(place.follower, following: .store(first), of: cluster, options)
            try await early.waitFor(first.revision, timeout: .seconds(60))
            await early.close()
            let second = try await Metastore.open(.sqlite(two), adopting)
            for number in 0..<9 { try await second.keyValue.put("n/two", "\(number)") }
            let late = try await Follower.open(place.follower, following: .store(second), of: cluster, options)
            let end = second.position
            #expect(await eventually(within: .seconds(60)) { late.status.position == end }, "\(late.status)")
            expectSameState(try await late.store.contents(), try await second.contents())
            #expect(late.status.replaced != nil)
            await late.close()
            await first.close()
            await second.close()
        }
    }

    /// A source that only lags is none to lose anything for; told so, it is.
    @Test func `replaces it after its source was cut back only when it is told in so many words`() async throws {
        try await FollowingPlace.with { place in
            try await RandomHistory.make(in: place.leader, commits: 10, name: "cut back")
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            let records = try await leader.logRecords(after: .absent, bytes: .max)
            let short = try await Metastore.openReplica(.sqlite(place.root + "/short.db"), of: cluster)
            try await short.replay(Array(records.dropLast(3)))
            var options = FollowerOptions.quick
            options.resnapshots = .whenNeeded
            let first = try await Follower.open(place.follower, following: .store(leader), options)
            try await expectEqual(first, leader)
            await first.close()
            let follower = try await Follower.open(place.follower, following: .store(short), of: cluster, options)
            #expect(
                await eventually {
                    if case .stalled(.ahead, _) = follower.status.state { true } else { false }
                })
            try await Task.sleep(for: .milliseconds(200))
            #expect(try await follower.store.contents() == leader.contents(), "it waits")
            follower.resnapshot()
            #expect(await eventually(within: .seconds(30)) { follower.status.position == short.position })
            expectSameState(try await follower.store.contents(), try await short.contents())
            await follower.close()
            await short.close()
            await leader.close()
        }
    }

    @Test func `is as it was where the snapshot fails on its way`() async throws {
        try await FollowingPlace.with { place in
            let leader = try await Metastore.forgetful(place.leader)
            let before = try await fallBehind(place, leader)
            var sent = try await SentFrames(of: leader, rowsPerPart: 1)
            sent.change(part: 1) { $0[$0.count / 2] ^= 1 }
            let source = StruckSource(base: StoreLogSource(leader), bytes: sent.frames.bytes)
            let follower = try await Follower.open(place.follower, following: FollowedSource(source), .fromSnapshot)
            follower.resnapshot()
            #expect(
                await eventually(within: .seconds(30)) {
                    if case .stalled(.damaged(let reason), _) = follower.status.state {
                        reason.contains("part 1")
                    } else {
                        false
                    }
                }, "\(follower.status)")
            #expect(try await follower.store.contents() == before)
            await follower.close()
            let names = try FileManager.default.contentsOfDirectory(atPath: place.root + "/to")
            #expect(!names.contains { $0.contains("arriving") || $0.contains("replaced") }, "\(names)")
            await leader.close()
        }
    }

    /// Killed at random moments: what stands there is the old state or the new one, and in the end the new one.
    @Test func `is the old or the new one whenever it is killed`() async throws {
        var random = Seeded("killed replacements")
        try await FollowingPlace.with { place in
            let leader = try await Metastore.forgetful(place.leader)
            let cluster = try await leader.info().cluster
            var before = try await fallBehind(place, leader)
            let (path, source) = (place.root + "/to/metastore.db", place.root + "/from/metastore.db")
            var ends = Set<Revision>()
            var span = Duration.zero
            for round in 0..<Seeded.count(200, least: 12) {
                let began = ContinuousClock.now
                let process = try Tool(
                    ["resnapshot", path, source, "\(cluster)"], program: "metastore-follow-test")
                if round == 0 {
                    // How long it takes here.
                    #expect(
                        await eventually(within: .seconds(60)) {
                            process.lines.contains("\(leader.revision) following")
                        }, "\(process.lines)")
                    span = ContinuousClock.now - began
                } else {
                    try await Task.sleep(for: span * Double.random(in: 0...1.2, using: &random))
                }
                process.send(SIGKILL)
                _ = process.end()
                let replica = try await Follower.open(
                    place.follower, following: .store(leader), of: cluster, .fromSnapshot)
                let found = try await replica.store.contents()
                await replica.close()
                #expect(found == before || found.revision == leader.revision)
                if found != before { expectSameState(found, try await leader.contents()) }
                ends.insert(found.revision)
                if found.revision == leader.revision {
                    try await leader.forget(5)
                    before = found
                }
            }
            #expect(ends.count > 1, "\(ends)")
            await leader.close()
        }
    }
}

/// A source whose snapshots are these bytes.
private struct StruckSource: DecoratedSource {
    let base: any LogSource
    let bytes: [UInt8]

    func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        try await base.next(after: place, waiting: waiting)
    }

    func fill(
        _ place: EngineSource, of cluster: UUID, _ options: StoreOptions,
        _ progress: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws -> Position {
        let bytes = bytes
        return try await ReplicaFilling(of: cluster, options).run(to: place, progress) { try await $0.add(bytes) }
    }
}
