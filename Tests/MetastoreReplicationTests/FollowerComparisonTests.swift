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

/// Somebody changed rows with a tool for databases, behind the back of the store.
@Suite(.serialized, .timed) struct `A comparison of a follower with its leader` {
    private static let engines = [TestEngine.disk] + TestEngine.lasting.filter { $0.rawValue == "postgresql" }

    private func tamper(_ source: EngineSource, _ statements: [SQL]) throws {
        let engine = try source.makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        try connection.begin(.write)
        for statement in statements { #expect(try connection.execute(statement) > 0) }
        try connection.commit()
        try engine.settle(connection)
    }

    @Test(arguments: engines)
    func `finds each row that differs, while the leader goes on`(_ to: TestEngine) async throws {
        try await FollowingPlace.with(to: to) { place in
            try await FullStore.make(in: place.leader, more: 300)
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            let first = try await Follower.open(place.follower, following: .store(leader), .quick)
            try await first.waitFor(leader.revision, timeout: .seconds(60))
            #expect(try await first.compare().isEqual)
            await first.close()
            try tamper(
                place.follower,
                [
                    "UPDATE key_value SET value = \([UInt8(1)]) WHERE namespace = \("more") AND key = \("17")",
                    "DELETE FROM key_value WHERE namespace = \("more") AND key = \("23")",
                    "UPDATE pools SET max_instances = 3 WHERE name = \("gpu")",
                ])
            let follower = try await Follower.open(place.follower, following: .store(leader), of: cluster, .quick)
            let writing = Task {
                var number = 0
                while !Task.isCancelled {
                    try await leader.keyValue.put(EntryKey(namespace: "on", key: "\(number)"), "v")
                    number += 1
                }
            }
            try await Task.sleep(for: .milliseconds(50))
            // However often: what the leader commits meanwhile is no difference.
            var comparison = try await follower.compare()
            for _ in 0..<5 {
                let before = leader.revision
                let next = try await follower.compare()
                #expect(leader.revision > before && next.differences == comparison.differences)
                comparison = next
            }
            writing.cancel()
            do {
                try await writing.value
            } catch is CancellationError {
                // The last write was told to end before it began.
            }
            #expect(Set(comparison.kinds) == [.keyValue, .pool] && !comparison.hasMore && !comparison.isLocal)
            #expect(
                Set(comparison.differences.map(\.description)) == [
                    "kv/more/17 has another content than at the source", "kv/more/23 is missing here",
                    "pools/gpu has another content than at the source",
                ])
            #expect(follower.status.comparison == comparison)
            #expect(!CapturedLog.lines(containing: "rows are not its source's").isEmpty)
            // At the leader it is found as well.
            await follower.close()
            await leader.close()
            try tamper(place.leader, ["DELETE FROM key_value WHERE namespace = \("more") AND key = \("30")"])
            let again = try await Metastore.open(place.leader)
            let second = try await Follower.open(place.follower, following: .store(again), of: cluster, .quick)
            let both = try await second.compare()
            #expect(both.differences.contains { $0.description == "kv/more/30 is not at the source" })
            #expect(both.differences.count == 4)
            await second.close()
            await again.close()
        }
    }

    /// An archive has no rows: the follower's are compared with the digests that its log led to.
    @Test func `with an archive finds the kinds that differ`() async throws {
        try await FollowingPlace.with { place in
            try await FullStore.make(in: place.leader, more: 100)
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            try await leader.upload(to: ArchiveLine(place.target, of: cluster))
            let source = FollowedSource.archive(place.target, of: cluster)
            let first = try await Follower.open(place.follower, following: source, .quick)
            try await first.waitFor(leader.revision, timeout: .seconds(60))
            #expect(try await first.compare().isEqual)
            await first.close()
            try tamper(place.follower, ["UPDATE pools SET max_instances = 3 WHERE name = \("gpu")"])
            var options = FollowerOptions.quick
            options.comparing = .milliseconds(10)
            let follower = try await Follower.open(place.follower, following: source, options)
            // By itself, now and then.
            #expect(await eventually { follower.status.comparison?.kinds == [.pool] })
            await follower.close()
            await leader.close()
        }
    }

    /// What the leader says that its log leads to is compared before it is shown.
    @Test func `of each answer's digests comes before anybody sees it`() async throws {
        let leader = try await Metastore.open(.inMemory())
        try await leader.keyValue.put("n/k", "v")
        let records = try await leader.logRecords(after: .absent)
        let replica = try await Metastore.openReplica(.inMemory(), of: try await leader.info().cluster)
        let digests = try await leader.contents().digests
        await #expect(throws: StoreError.self) {
            try await replica.replay(records, leadingTo: [.keyValue: digests[.keyValue] &+ 1])
        }
        #expect(replica.position.revision == .absent)
        try await replica.replay(records, leadingTo: [.keyValue: digests[.keyValue]])
        #expect(replica.position.revision == leader.revision)
        await replica.close()
        await leader.close()
    }
}
