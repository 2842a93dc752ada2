import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreSQLite
import MetastoreTestSupport
import Testing

@Suite struct `Whose writes a store takes` {
    /// Opens what the bench has as a follower of its own cluster.
    private func replica(_ bench: Bench, _ demotion: DemotionPolicy = .demote) async throws -> Metastore {
        var options = bench.options
        options.demotion = demotion
        return try await Metastore.openReplica(bench.source, of: bench.store.position.cluster, options)
    }

    @Test(arguments: TestEngine.lasting)
    func `a follower that is opened without a word is refused as one`(_ engine: TestEngine) async throws {
        try await withBench(engine, verifying: false) { bench in
            try await bench.store.keyValue.put("n/k", "1")
            await bench.store.close()
            let follower = try await replica(bench)
            let place = try #require(await refusal { try await follower.keyValue.put("n/k", "2") })
            guard case .follower = place else {
                Issue.record("\(place)")
                return
            }
            #expect(place.description.contains("promote"))
            await follower.close()
            #expect(await refusal { try await bench.another() } == place)
            #expect(await refusal { try await bench.another { $0.copies = .adopt } } == place)
            let reader = try await bench.another { $0.engine.isReadOnly = true }
            #expect(try await reader.keyValue.get("n/k")?.value == Array("1".utf8))
            await reader.close()
            await (try await Metastore.promote(bench.source, bench.options)).close()
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `a promoted follower goes on in an epoch of its own, for good`(_ engine: TestEngine) async throws {
        try await withBench(engine, verifying: false) { bench in
            try await bench.store.keyValue.put("n/k", "1")
            let before = try await bench.store.info()
            await bench.store.close()
            await (try await replica(bench)).close()
            let promoted = try await Metastore.promote(bench.source, bench.options)
            let info = try await promoted.info()
            #expect(info.epoch.number == before.epoch.number + 1 && info.revision == before.revision)
            let lineage = try await promoted.lineage()
            let start = try #require(lineage.epochs.last)
            let fork = try await promoted.link(of: before.revision)
            #expect(start.epoch == info.epoch && start.parent == before.epoch && start.fork == before.revision)
            #expect(start.chain == fork)
            try await promoted.keyValue.put("n/k", "2")
            await promoted.close()
            let again = try await bench.another()
            try await again.keyValue.put("n/k", "3")
            #expect(try await again.info().epoch == info.epoch)
            #expect(try await again.verify().findings == [])
            await again.close()
            #expect(await refusal { try await Metastore.promote(bench.source, bench.options) } != nil)
            // Who followed before is started again.
            guard case .unusable(_, let reason) = await refusal({ try await replica(bench, .refuse) }) else {
                Issue.record("a store of its own follows")
                return
            }
            #expect(reason.contains("demotion = .demote"))
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `nothing is promoted that has followed nothing`(_ engine: TestEngine) async throws {
        try await withBench(engine, verifying: false) { bench in
            // A place of its own beside the bench's.
            guard engine.isFile else { return }
            let place = EngineSource.sqlite(bench.directory + "/empty.db")
            await (try await Metastore.openReplica(place, of: bench.store.position.cluster, bench.options)).close()
            guard case .misuse = await refusal({ try await Metastore.promote(place, bench.options) }),
                case .follower = await refusal({ try await Metastore.open(place, bench.options) })
            else {
                Issue.record("it has no history yet")
                return
            }
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `another cluster's store isn't made a follower`(_ engine: TestEngine) async throws {
        try await withBench(engine, verifying: false) { bench in
            await bench.store.close()
            let other = await refusal { try await Metastore.openReplica(bench.source, of: UUID(), bench.options) }
            #expect(other == .otherCluster)
            await (try await bench.another()).close()
        }
    }

    /// Where a server's store is open in several processes, each learns of it with its next write.
    @Test(arguments: TestEngine.allCases.filter { !$0.isExclusive })
    func `who has it open learns that it follows, or leads`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let master = try await bench.another()
            try await master.keyValue.put("n/k", "1")
            let follower = try await replica(bench)
            guard case .follower = await refusal({ try await master.keyValue.put("n/k", "2") }) else {
                Issue.record("a follower was written to")
                return
            }
            let promoted = try await Metastore.promote(bench.source, bench.options)
            try await promoted.keyValue.put("n/k", "3")
            let last = try await promoted.logRecords(after: Revision(rawValue: promoted.position.revision.rawValue - 1))
            guard case .fenced = await refusal({ try await follower.replay(last) }) else {
                Issue.record("what was promoted still follows")
                return
            }
            try await master.keyValue.put("n/k", "4")
            for store in [master, follower, promoted] { await store.close() }
        }
    }
}

@Suite struct `A store's file` {
    @Test(arguments: TestEngine.files)
    func `that was renamed is still the store`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await bench.store.keyValue.put("n/k", "1")
            let epoch = try await bench.store.info().epoch
            await bench.store.close()
            let moved = bench.directory + "/moved"
            try FileManager.default.createDirectory(atPath: moved, withIntermediateDirectories: false)
            for suffix in ["", ".head"] {
                try FileManager.default.moveItem(atPath: bench.path + suffix, toPath: moved + "/metastore.db" + suffix)
            }
            let store = try await Metastore.open(.sqlite(moved + "/metastore.db"), bench.options)
            #expect(try await store.info().epoch == epoch)
            await store.close()
            for suffix in ["", ".head"] {
                try FileManager.default.moveItem(atPath: moved + "/metastore.db" + suffix, toPath: bench.path + suffix)
            }
            try await bench.reopen()
        }
    }

    @Test(arguments: TestEngine.files)
    func `that was copied is not, until it is adopted`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await bench.store.keyValue.put("n/k", "1")
            let before = try await bench.store.info()
            await bench.store.close()
            let copy = bench.directory + "/copy.db"
            for suffix in ["", ".head"] {
                try FileManager.default.copyItem(atPath: bench.path + suffix, toPath: copy + suffix)
            }
            let place = EngineSource.sqlite(copy)
            let bytes = try Data(contentsOf: URL(filePath: copy))
            let told = try #require(await refusal { try await Metastore.open(place, bench.options) })
            #expect(told == .copied(place: copy))
            for word in ["copy", "adopt", "Nothing was changed", "Don't"] { #expect("\(told)".contains(word)) }
            #expect(try Data(contentsOf: URL(filePath: copy)) == bytes)
            var reading = bench.options
            reading.engine.isReadOnly = true
            let reader = try await Metastore.open(place, reading)
            #expect(try await reader.info() == before)
            await reader.close()
            var adopting = bench.options
            adopting.copies = .adopt
            let adopted = try await Metastore.open(place, adopting)
            let info = try await adopted.info()
            #expect(info.epoch.number == before.epoch.number + 1 && info.revision == before.revision)
            try await adopted.keyValue.put("n/k", "2")
            await adopted.close()
            let again = try await Metastore.open(place, bench.options)
            #expect(try await again.info().epoch == info.epoch)
            #expect(try await again.verify().findings == [])
            await again.close()
            #expect(CapturedLog.lines(containing: "a copy was adopted").contains { $0.contains(copy) })
            try await bench.reopen()
            #expect(try await bench.store.info().epoch == before.epoch, "the original is what it was")
        }
    }

    @Test(arguments: TestEngine.files)
    func `that is opened on another machine goes on in a new epoch, and says so`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let before = try await bench.store.info()
            await bench.store.close()
            for round in 1...3 {
                let store = try await bench.another { $0.machine = "machine \(round)" }
                #expect(try await store.info().epoch.number == before.epoch.number + Int64(round))
                try await store.keyValue.put("n/k", "\(round)")
                await store.close()
            }
            #expect(
                CapturedLog.lines(containing: "was last open on another machine").contains {
                    $0.contains(bench.path)
                })
            let same = try await bench.another { $0.machine = "machine 3" }
            #expect(try await same.info().epoch.number == before.epoch.number + 3)
            await same.close()
            try await bench.reopen()
        }
    }
}
