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

/// A leader was put back to an earlier revision, and goes on from there, in a new epoch.
@Suite(.serialized, .timed) struct `A follower whose leader was restored` {
    /// Two histories: one that was followed, and one that goes on from a revision before its end.
    private struct Histories {
        let first: Metastore
        let second: Metastore
        let fork: Position
    }

    private func withHistories(
        _ place: FollowingPlace, _ name: String, _ body: (Histories) async throws -> Void
    ) async throws {
        let (one, two) = (place.root + "/from/one.db", place.root + "/from/two.db")
        try await RandomHistory.make(one, commits: 20, name: name)
        try FileManager.default.copyItem(atPath: one, toPath: two)
        try beginEpoch(two)
        let first = try await Metastore.open(.sqlite(one))
        let fork = first.position
        var history = RandomHistory(on: first, name: name + " one")
        // Chance may have it that nothing is committed.
        while first.position == fork { try await history.goOn(15) }
        let second = try await Metastore.open(.sqlite(two))
        var other = RandomHistory(on: second, name: name + " two")
        try await other.goOn(30)
        try await body(Histories(first: first, second: second, fork: fork))
        await first.close()
        await second.close()
    }

    private func beginEpoch(_ path: String) throws {
        let engine = try EngineSource.sqlite(path).makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        let note = try ClosedStore(connection).beginEpoch(StoreOptions())
        try engine.settle(connection)
        try engine.keepNote(note)
    }

    @Test(arguments: [TestEngine.disk] + TestEngine.lasting.filter { $0.rawValue == "postgresql" })
    func `says where they part, and waits; told to, it rewinds and follows on`(_ to: TestEngine) async throws {
        try await FollowingPlace.with(to: to) { place in
            try await withHistories(place, "forked \(to)") { histories in
                let cluster = try await histories.first.info().cluster
                let before = try await Follower.open(place.follower, following: .store(histories.first), .quick)
                try await expectEqual(before, histories.first)
                await before.close()
                let follower = try await Follower.open(
                    place.follower, following: .store(histories.second), of: cluster, .quick)
                #expect(await eventually { follower.status.state == .forked(lastCommon: histories.fork) })
                #expect(try await follower.store.contents() == histories.first.contents(), "it is left as it is")
                follower.rewind()
                // The revision alone doesn't tell: the history that is left may be the longer one.
                let end = histories.second.position
                #expect(await eventually(within: .seconds(60)) { follower.status.position == end })
                try await expectEqual(follower, histories.second)
                #expect(await eventually { follower.status.state == .following })
                await follower.close()
            }
        }
    }

    /// The archive's line leads to the record of the epoch that goes on from before.
    @Test func `rewinds by itself from an archive, if it may`() async throws {
        try await FollowingPlace.with { place in
            try await withHistories(place, "forked archive") { histories in
                let cluster = try await histories.first.info().cluster
                let line = ArchiveLine(place.target, of: cluster)
                try await histories.first.upload(to: line, bound: 3_000)
                var options = FollowerOptions.quick
                options.onFork = .rewind
                let source = FollowedSource.archive(place.target, of: cluster, polling: .milliseconds(5))
                let follower = try await Follower.open(place.follower, following: source, of: cluster, options)
                try await expectEqual(follower, histories.first)
                try await goOn(line, with: histories.second, after: histories.fork)
                let last = try await histories.second.contents()
                #expect(
                    try await eventually(within: .seconds(60)) {
                        try await follower.store.contents() == last
                    })
                // Whoever comes later never sees what was left, also while others ask the same source.
                for number in 0..<10 {
                    let late = try await Follower.open(
                        .sqlite(place.root + "/late-\(number).db"), following: source, of: cluster, .quick)
                    try await late.waitFor(histories.second.revision, timeout: .seconds(60))
                    #expect(try await late.store.contents() == last)
                    await late.close()
                }
                await follower.close()
            }
        }
    }

    /// Opens the second store's epoch in an archive that has more of the first one's, and archives all it has.
    private func goOn(_ line: ArchiveLine, with store: Metastore, after fork: Position) async throws {
        let history = try #require(try await ArchiveHistory(line))
        var writer = ArchiveWriter(line, after: history.end)
        let records = try await store.logRecords(after: .absent, bytes: .max)
        let parent = records[Int(fork.revision.rawValue) - 1]
        var cutter = SegmentCutter(cluster: line.cluster, bound: 3_000)
        for record in records {
            guard record.revision > fork.revision else {
                try cutter.pass(record)
                continue
            }
            if record.revision.rawValue == fork.revision.rawValue + 1 {
                try await writer.open(
                    EpochRecord(
                        cluster: line.cluster, epoch: record.epoch, parent: parent.epoch, fork: fork.revision,
                        chain: parent.chain, holder: "two", time: record.time))
            }
            if let segment = try cutter.add(record) { _ = try await writer.append(segment) }
        }
        if let segment = cutter.seal() { _ = try await writer.append(segment) }
    }

    /// What is followed: a store, or an archive of it.
    enum Kind: CaseIterable {
        case store, archive

        /// A source that has what a store has now.
        func source(_ store: Metastore, _ place: FollowingPlace) async throws -> FollowedSource {
            guard self == .archive else { return .store(store) }
            let cluster = try await store.info().cluster
            try await store.upload(to: ArchiveLine(place.target, of: cluster), bound: 300)
            return .archive(place.target, of: cluster, polling: .milliseconds(5))
        }
    }

    /// A leader that lags is none that was restored: nothing is undone, even where it hasn't heard of the epoch yet.
    @Test(arguments: [false, true], Kind.allCases) func `waits for one that only lags`(
        _ lacksEpoch: Bool, _ kind: Kind
    ) async throws {
        try await FollowingPlace.with { place in
            try await RandomHistory.make(in: place.leader, commits: 20, name: "lagging")
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            try await leader.lead(as: "the next") { _ in }
            for number in 0..<5 { try await leader.keyValue.put(EntryKey(namespace: "n", key: "\(number)"), "v") }
            let records = try await leader.logRecords(after: .absent, bytes: .max)
            let missing = lacksEpoch ? records.count { $0.epoch == leader.position.epoch } + 1 : 3
            let behind = try await Metastore.openReplica(.inMemory(), of: cluster)
            try await behind.replay(Array(records.dropLast(missing)))
            #expect((behind.position.epoch == leader.position.epoch) == !lacksEpoch)
            var options = FollowerOptions.quick
            options.onFork = .rewind
            let first = try await Follower.open(place.follower, following: .store(leader), options)
            try await first.waitFor(leader.revision, timeout: .seconds(60))
            await first.close()
            let source = try await kind.source(behind, place)
            let follower = try await Follower.open(place.follower, following: source, of: cluster, options)
            #expect(
                await eventually {
                    if case .stalled(.ahead(source: behind.revision), _) = follower.status.state { true } else { false }
                }, "\(follower.status)")
            try await behind.replay(Array(records.suffix(missing)))
            _ = try await kind.source(behind, place)
            #expect(await eventually { follower.status.state == .following })
            try await expectEqual(follower, leader)
            await follower.close()
            await behind.close()
            await leader.close()
        }
    }

    /// A leader that went on in a new epoch, with nine revisions, and a copy that didn't.
    private struct Parted {
        let leader: Metastore
        let copy: EngineSource
        let fork: Position
    }

    /// The follower's place has what the leader has.
    private func withParted(_ place: FollowingPlace, _ body: (Parted) async throws -> Void) async throws {
        let (one, two) = (place.root + "/from/one.db", place.root + "/from/two.db")
        try await RandomHistory.make(one, commits: 20, name: "an earlier epoch")
        try FileManager.default.copyItem(atPath: one, toPath: two)
        let leader = try await Metastore.open(.sqlite(one))
        let fork = leader.position
        try await leader.lead(as: "the next") { _ in }
        for number in 0..<8 { try await leader.keyValue.put(EntryKey(namespace: "n", key: "\(number)"), "v") }
        let first = try await Follower.open(place.follower, following: .store(leader), .quick)
        try await first.waitFor(leader.revision, timeout: .seconds(60))
        await first.close()
        try await body(Parted(leader: leader, copy: EngineSource.sqlite(two).withoutFileMarks, fork: fork))
        await leader.close()
    }

    /// A copy went on in the epoch that the leader has left: with less than the follower has, or more.
    @Test(arguments: [5, 12], Kind.allCases)
    func `tells one that went its own way in an earlier epoch from one that lags`(
        _ commits: Int, _ kind: Kind
    ) async throws {
        try await FollowingPlace.with { place in
            try await withParted(place) { parted in
                let (leader, fork) = (parted.leader, parted.fork)
                let other = try await Metastore.open(parted.copy)
                #expect(other.position == fork)
                for number in 0..<commits {
                    try await other.keyValue.put(EntryKey(namespace: "o", key: "\(number)"), "w")
                }
                let follower = try await Follower.open(
                    place.follower, following: try await kind.source(other, place), of: fork.cluster, .quick)
                #expect(
                    await eventually { follower.status.state == .forked(lastCommon: fork) },
                    "\(follower.status) \(fork)")
                #expect(try await follower.store.contents() == leader.contents(), "it is left as it is")
                follower.rewind()
                #expect(await eventually { follower.status.position == other.position }, "\(follower.status)")
                try await expectEqual(follower, other)
                await follower.close()
                await other.close()
            }
        }
    }

    /// It ends before what the follower has, and has forgotten what both had.
    @Test func `needs a snapshot of one that went its own way, and has forgotten where`() async throws {
        try await FollowingPlace.with { place in
            try await withParted(place) { parted in
                let other = try await Metastore.open(parted.copy, .forgetful)
                try await other.consumers.remove(FullStore.consumer)
                try await other.forget(4)
                #expect(other.revision < parted.leader.revision)
                let follower = try await Follower.open(
                    place.follower, following: .store(other), of: parted.fork.cluster, .quick)
                #expect(
                    await eventually {
                        guard case .needsSnapshot(let oldest) = follower.status.state else { return false }
                        return oldest.revision > parted.fork.revision
                    }, "\(follower.status)")
                #expect(try await follower.store.contents() == parted.leader.contents(), "it is left as it is")
                follower.resnapshot()
                #expect(await eventually { follower.status.position == other.position }, "\(follower.status)")
                expectSameState(try await follower.store.contents(), try await other.contents())
                await follower.close()
                await other.close()
            }
        }
    }

    /// Nobody can tell from what is kept how far both had the same.
    @Test(arguments: [5, 40]) func `needs a snapshot of an archive that kept nothing of what both had`(
        _ commits: Int
    ) async throws {
        try await FollowingPlace.with { place in
            try await withHistories(place, "gone \(commits)") { histories in
                let (cluster, first) = (histories.fork.cluster, histories.first)
                let before = try await Follower.open(place.follower, following: .store(first), .quick)
                for number in 0..<20 { try await first.keyValue.put(EntryKey(namespace: "n", key: "\(number)"), "v") }
                try await before.waitFor(first.revision, timeout: .seconds(60))
                await before.close()
                let second = histories.second
                for number in 0..<commits {
                    try await second.keyValue.put(EntryKey(namespace: "n", key: "\(number)"), "w")
                }
                let source = try await Kind.archive.source(second, place)
                let line = ArchiveLine(place.target, of: cluster)
                _ = try await SnapshotWriter(line).write(.store(second))
                let retention = Retention(ArchiveLine(place.target, of: cluster))
                let plan = try await retention.plan(
                    ArchiveRetention(snapshots: 1), now: Timestamp(microseconds: .max / 2))
                try await retention.carryOut(plan)
                let start = try #require(plan.start?.revision)
                #expect(start > histories.fork.revision)
                let follower = try await Follower.open(place.follower, following: source, of: cluster, .quick)
                #expect(
                    await eventually {
                        guard case .needsSnapshot(let oldest) = follower.status.state else { return false }
                        return oldest.revision == start
                    }, "\(follower.status)")
                #expect(try await follower.store.contents() == first.contents(), "it is left as it is")
                follower.resnapshot()
                #expect(await eventually { follower.status.position == second.position }, "\(follower.status)")
                try await second.keyValue.put("n/later", "v")
                _ = try await Kind.archive.source(second, place)
                try await follower.waitFor(second.revision, timeout: .seconds(60))
                expectSameState(try await follower.store.contents(), try await second.contents())
                await follower.close()
            }
        }
    }

    /// The source's log doesn't go back to where the follower is.
    @Test func `says that it needs a snapshot where the history is gone`() async throws {
        try await FollowingPlace.with { place in
            let leader = try await Metastore.forgetful(place.leader)
            let follower = try await Follower.open(place.follower, following: .store(leader), .quick)
            #expect(
                await eventually {
                    if case .needsSnapshot(let oldest) = follower.status.state { oldest.revision > 1 } else { false }
                })
            await follower.close()
            await leader.close()
        }
    }
}
