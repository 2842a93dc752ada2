import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Closures of one batch share a commit and nothing else` {
    private let lost = EngineError(.inputOutput, operation: "execute", message: "injected", endedTransaction: true)

    private typealias Write = @Sendable (borrowing Transaction) throws -> Revision

    /// A closure that puts one entry, and counts its runs.
    private func put(_ key: EntryKey, _ runs: Counter = Counter()) -> Write {
        { tx in
            runs.count()
            return try tx.keyValue.put(key, "\(tx.revision)").revision
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `many closures, one commit, each its own revision`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let before = bench.faults.count(of: .beforeCommit)
            let results = await bench.inOneBatch((0..<5).map { put(EntryKey("a/\($0)")) })
            try #require(try results.map { try $0.get().value.rawValue } == [2, 3, 4, 5, 6])
            #expect(try results.map { try $0.get().position.revision.rawValue } == [2, 3, 4, 5, 6])
            #expect(bench.faults.count(of: .beforeCommit) == before + 1)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `one closure's error undoes that closure alone`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let guilty: Write = { tx in
                try tx.keyValue.put("a/2", "x")
                _ = try tx.anExperiment()
                throw Planned()
            }
            let results = await bench.inOneBatch([put("a/1"), guilty, put("a/3")])
            #expect(try results[0].get().value == 2)
            #expect(throws: Planned()) { try results[1].get() }
            #expect(try results[2].get().value == 3, "the number goes to the next")
            #expect(try await bench.store.keyValue.list("a").records.map(\.key) == ["1", "3"])
            let id = try await bench.store.write { tx in try tx.anExperiment().id }
            #expect(id == 1, "the id was rolled back with it")
        }
    }

    /// A batch in which one closure fails after it wrote, and the other commits.
    private func haveOneUndone(_ bench: Bench) async {
        let guilty: Write = { tx in
            try tx.keyValue.put("guilty/1", "x")
            throw Planned()
        }
        _ = await bench.inOneBatch([put("innocent/1"), guilty])
    }

    @Test(arguments: TestEngine.allCases)
    func `a closure refused before it wrote undoes nobody`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let runs = (0..<2).map { _ in Counter() }
            let refused: Write = { tx in try tx.trials.get(99).revision }
            let results = await bench.inOneBatch([put("a/1", runs[0]), refused, put("a/2", runs[1])])
            #expect(throws: StoreError.notFound(path: "trial 99")) { try results[1].get() }
            try #require(try [0, 2].map { try results[$0].get().value.rawValue } == [2, 3])
            #expect(runs.map(\.value) == [1, 1])
            #expect(bench.faults.count(of: .savepoint) == 0)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `after a batch was undone closures are kept apart for a while`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            await haveOneUndone(bench)
            let first = bench.faults.count(of: .savepoint)
            try #require(first == 2, "it ran together, was undone, and ran apart")
            for number in 0..<(Limits.batchesWithSavepoints + 2) {
                _ = await bench.inOneBatch([put(EntryKey("a/\(number)")), put(EntryKey("b/\(number)"))])
            }
            let apart = (bench.faults.count(of: .savepoint) - first) / 2
            #expect(apart == Limits.batchesWithSavepoints)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `no more closures are kept apart in one transaction than it may have savepoints`(
        _ engine: TestEngine
    ) async throws {
        try await withBench(engine) { bench in
            await haveOneUndone(bench)
            let before = bench.faults.count(of: .beforeCommit)
            let results = await bench.inOneBatch((0..<33).map { put(EntryKey("a/\($0)")) })
            for result in results { _ = try result.get() }
            #expect(bench.faults.count(of: .beforeCommit) == before + (engine.isExclusive ? 1 : 2))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a batch's rows of the log go together where a message costs more than a row`(
        _ engine: TestEngine
    ) async throws {
        try await withBench(engine) { bench in
            bench.faults.recordTexts()
            let guilty: Write = { tx in try tx.trials.get(99).revision }
            let results = await bench.inOneBatch((0..<7).map { put(EntryKey("a/\($0)")) } + [guilty])
            try #require(try results.dropLast().map { try $0.get().value.rawValue } == [2, 3, 4, 5, 6, 7, 8])
            let placeholders = bench.faults.texts.filter { $0.hasPrefix("INSERT INTO log ") }.map { text in
                text.utf8.count { $0 == SQL.placeholder }
            }
            #expect(placeholders.sorted() == (engine.isExclusive ? [13] : [13, 26, 52]))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an error that ended the SQL transaction runs the others once more, without the guilty one`(
        _ engine: TestEngine
    ) async throws {
        try await withBench(engine) { bench in
            let runs = (0..<4).map { _ in Counter() }
            // The third closure's insert, all being together; and again, once each of them is apart.
            for number in [3, 6] {
                bench.faults.arm(.statement(containing: "INSERT INTO key_value"), nth: number, .endTransaction(lost))
            }
            let results = await bench.inOneBatch(runs.enumerated().map { put(EntryKey("a/\($0)"), $1) })
            try #require(bench.faults.isSpent)
            #expect(try [0, 1, 3].map { try results[$0].get().value.rawValue } == [2, 3, 4])
            #expect(throws: StoreError.engine(lost)) { try results[2].get() }
            #expect(runs.map(\.value) == [3, 3, 2, 1], "a closure that runs again has one effect")
            #expect(try await bench.store.keyValue.list("a").records.map(\.key) == ["0", "1", "3"])
            #expect(try await bench.store.commits().map(\.changes.count) == [1, 1, 1])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `also when it is swallowed, and also several times`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            // Closure 0, together and apart; then, without it, closure 2.
            for number in [1, 2, 4] {
                bench.faults.arm(.statement(containing: "INSERT INTO key_value"), nth: number, .endTransaction(lost))
            }
            let writes = (0..<4).map { number -> Write in
                { tx in
                    _ = try? tx.keyValue.put(EntryKey("a/\(number)"), "x")
                    return tx.revision
                }
            }
            let results = await bench.inOneBatch(writes)
            let failed = results.indices.filter { (try? results[$0].get()) == nil }
            try #require(failed == [0, 2])
            for index in failed { #expect(throws: StoreError.engine(lost)) { try results[index].get() } }
            #expect(try await bench.store.keyValue.list("a").records.map(\.key) == ["1", "3"])
        }
    }

    @Test(arguments: TestEngine.allCases, [FaultPlan.Call.savepoint, .releaseSavepoint])
    func `a savepoint that fails is its closure's failure alone`(
        _ engine: TestEngine, _ call: FaultPlan.Call
    ) async throws {
        try await withBench(engine) { bench in
            await haveOneUndone(bench)
            bench.faults.arm(call, nth: 2, .endTransaction(lost))
            let results = await bench.inOneBatch((0..<3).map { put(EntryKey("a/\($0)")) })
            try #require(bench.faults.isSpent)
            #expect(try [0, 2].map { try results[$0].get().value.rawValue } == [3, 4])
            #expect(throws: (any Error).self) { try results[1].get() }
            #expect(try await bench.store.keyValue.list("a").records.map(\.key) == ["0", "2"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an error after part of a call poisons the closure, swallowed or not`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let busy = EngineError(.busy, operation: "execute", message: "injected")
            bench.faults.arm(.statement(containing: "INSERT INTO experiments "), .fail(busy))
            let error = await refusal {
                try await bench.store.write { tx in
                    _ = try? tx.anExperiment()
                    #expect(refused { try tx.keyValue.put("a/b", "1") } == .engine(busy), "nothing more is written")
                }
            }
            #expect(error == .engine(busy))
            #expect(try await bench.store.revision() == 1)
            // A refusal that came before anything was written leaves the closure as it was.
            try await bench.store.write { tx in
                #expect(refused { try tx.trials.get(99) } == .notFound(path: "trial 99"))
                try tx.keyValue.put("a/b", "1")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a transaction that logs too much is refused, rolled back and harms nobody`(_ engine: TestEngine) async throws
    {
        try await withBench(engine) { bench in
            let value = [UInt8](repeating: 7, count: Limits.valueBytes)
            let large: Write = { tx in
                for number in 0..<8 { _ = try? tx.keyValue.put(EntryKey("big/\(number)"), value) }
                return tx.revision
            }
            let results = await bench.inOneBatch([put("a/1"), large, put("a/2")])
            try #require(try results[0].get().value == 2)
            #expect(try results[2].get().value == 3)
            guard case .failure(StoreError.transactionTooLarge(let bytes, Limits.transactionLogBytes)) = results[1]
            else {
                Issue.record("64 MiB and a little are too much: \(results[1])")
                return
            }
            #expect(bytes > Limits.transactionLogBytes)
            #expect(try await bench.store.keyValue.list("big").records.isEmpty)
        }
    }

    /// Where other processes write, a lock is waited for once more.
    @Test(arguments: TestEngine.allCases)
    func `a lock that can't be had fails the batch, and nothing of it is kept`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let busy = EngineError(.busy, operation: "begin", message: "injected")
            bench.faults.arm(.begin, .fail(busy))
            let refused = await refusal { try await bench.store.keyValue.put("a/b", "1") }
            #expect(refused == (engine.isExclusive ? .engine(busy) : nil))
            let full = EngineError(.full, operation: "commit", message: "injected")
            bench.faults.arm(.beforeCommit, .fail(full))
            #expect(await refusal { try await bench.store.keyValue.put("a/b", "2") } == .diskFull)
            let entry = try await bench.store.keyValue.put("a/b", "3")
            #expect(entry.revision == (engine.isExclusive ? 2 : 3))
        }
    }
}
