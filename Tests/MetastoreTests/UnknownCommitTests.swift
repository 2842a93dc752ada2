import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `A commit that failed with an I/O error is settled before anybody is answered` {
    private let failed = EngineError(.inputOutput, operation: "commit", message: "injected")

    @Test(arguments: TestEngine.files)
    func `not applied when it is not there`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            bench.faults.arm(.beforeCommit, .fail(failed))
            #expect(await refusal { try await bench.store.keyValue.put("a/b", "1") } == .notApplied(reason: "injected"))
            #expect(try await bench.store.keyValue.get("a/b") == nil)
            #expect(try await bench.store.keyValue.put("a/b", "2").revision == 3, "one revision marks the settling")
            try await bench.reopen()
            #expect(try await bench.store.keyValue.get("a/b")?.value == Array("2".utf8))
        }
    }

    /// Broke: the head went back to the settled batch's revision, behind the one that marks the settling.
    @Test(arguments: TestEngine.files)
    func `applied when it is, and the head never goes back`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            bench.faults.arm(.afterCommit, .fail(failed))
            let entry = try await store.keyValue.put("a/b", "1")
            #expect(entry.revision == 2)
            #expect(await eventually { store.position.revision == 3 })
            #expect(try await store.info().revision == 3)
            // The feed goes over the mark, which has no changes.
            #expect(try await store.keyValue.put("a/c", "1").revision == 4)
            #expect(try await store.commits().map(\.revision.rawValue) == [2, 4])
        }
    }

    @Test(arguments: TestEngine.files)
    func `with an operation id also when nothing else changed`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let (one, two) = (OperationID(bench.time.source), OperationID(bench.time.source))
            bench.faults.arm(.afterCommit, .fail(failed))
            #expect(try await bench.store.write(operation: one) { _ in 1 } == 1)
            bench.faults.arm(.beforeCommit, .fail(failed))
            #expect(
                await refusal { try await bench.store.write(operation: two) { _ in 1 } }
                    == .notApplied(reason: "injected"))
            #expect(try await bench.store.write(operation: one) { _ in 2 } == 1)
            #expect(try await bench.store.write(operation: two) { _ in 2 } == 2)
            _ = try await bench.store.info()
        }
    }

    @Test(arguments: TestEngine.exclusive)
    func `unknown, and the store closed, when it can't be settled`(_ engine: TestEngine) async throws {
        try await withBench(engine, verifying: false) { bench in
            bench.faults.arm(.afterCommit, .fail(failed))
            bench.faults.arm(.settleUnknownCommit, .fail(failed))
            let id = OperationID(bench.time.source)
            let write: @Sendable (borrowing Transaction) throws -> Revision = { tx in
                try tx.keyValue.put("a/b", "1").revision
            }
            guard case .outcomeUnknown = await refusal({ try await bench.store.write(operation: id, write) }) else {
                Issue.record("nobody can know yet")
                return
            }
            guard case .outcomeUnknown = await refusal({ try await bench.store.keyValue.put("a/c", "1") }) else {
                Issue.record("nothing is written any more")
                return
            }
            guard engine.isFile else { return }
            bench.faults.disarm()
            try await bench.reopen()
            #expect(try await bench.store.write(operation: id, write) == 2, "repeated with its id, it is applied once")
            #expect(try await bench.store.verify().isClean)
        }
    }
}
