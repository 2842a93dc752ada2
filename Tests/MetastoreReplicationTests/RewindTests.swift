internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

private let engines = TestEngine.allCases.filter { $0 != .hostile && $0.rawValue != "pooled" }

/// A replica is taken back to what it has in common with its source.
@Suite(.serialized, .timed) struct `A replica that is rewound` {
    /// A store's whole log, and its cluster.
    private struct Source {
        let records: [LogRecord]
        let cluster: UUID

        static func make(_ name: String, commits: Int = 60) async throws -> Source {
            try await withScratch { root in
                let place = EngineSource.sqlite(root + "/store.db")
                try await RandomHistory.make(in: place, commits: commits, name: name)
                let store = try await Metastore.open(place)
                let records = try await store.logRecords(after: .absent, bytes: .max)
                let cluster = try await store.info().cluster
                await store.close()
                return Source(records: records, cluster: cluster)
            }
        }

        func replica(
            in place: EngineSource = .inMemory(), through last: Revision = Revision(rawValue: .max)
        ) async throws -> Metastore {
            let replica = try await Metastore.openReplica(place, of: cluster)
            try await replica.replay(records.filter { $0.revision <= last })
            return replica
        }

        func someRevision(_ random: inout Seeded) -> Revision {
            Revision(rawValue: Int64.random(in: 1...Int64(records.count), using: &random))
        }
    }

    private func withPlace(_ engine: TestEngine, _ body: (EngineSource) async throws -> Void) async throws {
        try await withScratch { root in
            defer { engine.remove(from: root) }
            try await body(try engine.source(in: root))
        }
    }

    @Test(arguments: engines)
    fileprivate func `is what it was at that revision, and goes on from there`(_ engine: TestEngine) async throws {
        var random = Seeded("rewind \(engine)")
        let source = try await Source.make("rewind \(engine)")
        for _ in 0..<Seeded.count(100, least: 3) {
            try await withPlace(engine) { place in
                let replica = try await source.replica(in: place)
                let whole = try await replica.contents()
                let revision = source.someRevision(&random)
                let twin = try await source.replica(through: revision)
                let position = try await replica.position(at: revision)
                // In steps of all sizes, as a long way is gone.
                try await replica.rewind(to: position, step: Int64.random(in: 1...40, using: &random))
                #expect(try await replica.contents() == twin.contents(), "at \(revision)")
                #expect(replica.position == position && twin.position == position)
                let consumers = try await twin.consumers.all().map(\.name)
                for name in consumers {
                    #expect(try await replica.consumers.position(name) == twin.consumers.position(name))
                }
                #expect(try await replica.verify().isClean)
                try await replica.replay(source.records.filter { $0.revision > revision })
                #expect(try await replica.contents() == whole)
                await twin.close()
                await replica.close()
            }
        }
    }

    /// Whoever has read what was undone is told; whoever has not goes on with the new history, and is given nothing of
    /// the old one.
    @Test(arguments: engines)
    fileprivate func `tells its feed's readers where the histories part`(_ engine: TestEngine) async throws {
        var random = Seeded("rewound feed \(engine)")
        let source = try await Source.make("rewound feed \(engine)")
        let fork = Revision(rawValue: Int64(source.records.count) - 5)
        // Another history after the fork, of a later epoch.
        let branch = try await withScratch { root -> [LogRecord] in
            let place = EngineSource.sqlite(root + "/store.db")
            await (try await source.replica(in: place, through: fork)).close()
            try place.forgetIdentity()
            let leader = try await Metastore.open(place)
            try await leader.lead(as: "another") { _ in
                for number in 0..<9 { try await leader.keyValue.put("branch/k", "\(number)") }
            }
            let records = try await leader.logRecords(after: fork, bytes: .max)
            await leader.close()
            return records
        }
        try await withPlace(engine) { place in
            let replica = try await source.replica(in: place)
            let common = try await replica.position(at: fork)
            let beyond = try await replica.position(at: Revision(rawValue: fork.rawValue + 2))
            let early = Int64.random(in: 1...fork.rawValue, using: &random)
            let ahead = Task { () -> (any Error)? in
                do {
                    for try await _ in replica.changes(after: replica.position).batches {}
                    return nil
                } catch {
                    return error
                }
            }
            var reader = replica.changes(after: try await replica.position(at: Revision(rawValue: early)))
                .batches.makeAsyncIterator()
            try await Task.sleep(for: .milliseconds(20))
            try await replica.rewind(to: common)
            #expect(await ahead.value as? StoreError == .forked(lastCommon: common))
            try await replica.replay(branch)
            await #expect(throws: StoreError.forked(lastCommon: common)) {
                for try await _ in replica.changes(after: beyond).batches {}
            }
            var seen: [Revision] = []
            let end = branch[branch.count - 1].revision
            while seen.last != end {
                let batch = try #require(try await reader.next())
                seen += batch.commits.map(\.revision)
                #expect(batch.commits.allSatisfy { $0.revision <= fork || $0.epoch == branch[0].epoch.number })
                if batch.position.revision == end { break }
            }
            await replica.close()
        }
    }

    @Test(arguments: engines)
    fileprivate func `goes on after it was stopped anywhere`(_ engine: TestEngine) async throws {
        guard engine.isLasting else { return }
        var random = Seeded("rewind stopped \(engine)")
        let source = try await Source.make("rewind stopped \(engine)")
        for _ in 0..<Seeded.count(40, least: 3) {
            try await withPlace(engine) { place in
                var replica = try await source.replica(in: place)
                let revision = source.someRevision(&random)
                let position = try await replica.position(at: revision)
                let wait = Duration.microseconds(Int64.random(in: 0...20_000, using: &random))
                let (store, pause) = (replica, wait)
                let rewinding = Task { try await store.rewind(to: position, step: 1) }
                try await Task.sleep(for: pause)
                rewinding.cancel()
                _ = await rewinding.result
                await replica.close()
                replica = try await Metastore.openReplica(place, of: source.cluster)
                let twin = try await source.replica(through: replica.position.revision)
                #expect(try await replica.contents() == twin.contents())
                try await replica.rewind(to: position, step: 7)
                let end = try await source.replica(through: revision)
                #expect(try await replica.contents() == end.contents())
                await end.close()
                await twin.close()
                await replica.close()
            }
        }
    }

    /// The note of the newest durable head stands beside the file: it must not say that commits are missing.
    @Test func `opens after a crash right behind it`() async throws {
        let source = try await Source.make("rewind crash")
        try await withScratch { root in
            let place = EngineSource.sqlite(root + "/metastore.db")
            await (try await source.replica(in: place)).close()
            let replica = try await Metastore.openReplica(place, of: source.cluster)
            let position = try await replica.position(at: 9)
            try await replica.rewind(to: position)
            let image = root + "/image"
            try FileManager.default.createDirectory(atPath: image, withIntermediateDirectories: false)
            for name in try FileManager.default.contentsOfDirectory(atPath: root) where name.hasPrefix("metastore.db") {
                try FileManager.default.copyItem(atPath: root + "/" + name, toPath: image + "/" + name)
            }
            await replica.close()
            let crashed = try await Metastore.openReplica(.sqlite(image + "/metastore.db"), of: source.cluster)
            #expect(crashed.position == position)
            await crashed.close()
        }
    }

    @Test func `is left as it was where that can't be done`() async throws {
        let source = try await Source.make("rewind refused")
        let replica = try await source.replica()
        let before = try await replica.contents()
        let position = try await replica.position(at: 5)
        func like(_ position: Position, cluster: UUID? = nil, later: Int64 = 0, chain: [UInt8]? = nil) -> Position {
            Position(
                cluster: cluster ?? position.cluster, epoch: position.epoch,
                revision: Revision(rawValue: position.revision.rawValue + later),
                chainPrefix: chain ?? position.chainPrefix)
        }
        let head = replica.position
        let ahead = like(head, later: 1)
        let beginning = try await replica.position(at: .absent)
        let refused: [(Position, (StoreError) -> Bool)] = [
            (like(position, chain: [1, 2, 3]), { if case .forked = $0 { true } else { false } }),
            (like(position, cluster: UUID()), { $0 == .otherCluster }),
            (ahead, { $0 == .futureRevision(asked: ahead.revision, head: head.revision) }),
            (beginning, { if case .compacted = $0 { true } else { false } }),
        ]
        for (asked, isExpected) in refused {
            let error = await #expect(throws: StoreError.self) { try await replica.rewind(to: asked) }
            #expect(error.map(isExpected) == true, "\(asked): \(error.map { "\($0)" } ?? "")")
        }
        #expect(try await replica.contents() == before)
        await replica.close()
        let store = try await Metastore.open(.inMemory())
        try await store.keyValue.put("n/k", "1")
        await #expect(throws: StoreError.self) { try await store.rewind(to: store.position) }
        await store.close()
    }
}
