import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Reports of one trial that follow each other` {
    @Test(arguments: TestEngine.allCases)
    func `see whatever else changed the trial in between`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.run(trial, step: 1)
                try tx.trials.transition(trial.id, to: .paused)
                try tx.run(trial, step: 2)
                let paused = try tx.trials.get(trial.id)
                #expect(paused.state == .paused && paused.totalBatches == 200)
                try tx.trials.transition(trial.id, to: .error)
                let reason = "it is ERROR and takes no more reports."
                #expect(
                    refused { try tx.run(trial, step: 3) } == .refused(path: trial.recordKey.path, reason: reason))
            }
            let contents = try await store.contents()
            #expect(contents.digests == contents.digestsOfRows && contents.damagedRows.isEmpty)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `see nothing of a closure that was undone`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let trial = try await bench.store.write { tx in try tx.aTrial() }
            func report(_ step: Int64, thenFail: Bool = false) -> @Sendable (borrowing Transaction) throws -> Void {
                { tx in
                    try tx.run(trial, step: step)
                    if thenFail { throw Planned() }
                }
            }
            let results = await bench.inOneBatch([report(1), report(9, thenFail: true), report(2)])
            #expect(throws: Planned()) { try results[1].get() }
            let contents = try await bench.store.contents()
            #expect(try await bench.store.trials.get(trial.id).totalBatches == 200)
            #expect(contents.digests == contents.digestsOfRows && contents.damagedRows.isEmpty)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `are one change of it, from before the first to after the last`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in try tx.aTrial() }
            let start = try await store.revision()
            // More than are looked through one by one.
            try await store.write { tx in
                for step in 1...20 { try tx.run(trial, step: Int64(step)) }
            }
            let changes = try #require(try await store.commits(after: start).first).changes
            #expect(changes.count == 21 && Set(changes.map(\.key)).count == 21)
            let moved = changes.compactMap { if case .trial(let change) = $0 { change } else { nil } }
            #expect(moved.count == 1)
            #expect(moved.first?.before?.totalBatches == 0 && moved.first?.after?.totalBatches == 2_000)
            let contents = try await store.contents()
            #expect(contents.digests == contents.digestsOfRows && contents.damagedRows.isEmpty)
        }
    }
}
