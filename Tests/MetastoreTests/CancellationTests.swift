import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Queues are bounded and calls can be cancelled` {
    @Test(arguments: TestEngine.allCases)
    func `one write more than may wait is refused`(_ engine: TestEngine) async throws {
        try await withBench(engine, configure: { $0.writeQueueCapacity = 3 }) { bench in
            let tasks = await bench.holdingTheWriter { store in
                var tasks: [Task<Revision, any Error>] = []
                for number in 0..<5 {
                    tasks.append(Task { try await store.keyValue.put(EntryKey("a/\(number)"), "x").revision })
                    await bench.settled()
                }
                return tasks
            }
            var refusals = 0
            for task in tasks {
                if case .failure(let error) = await task.result {
                    #expect(error as? StoreError == .queueFull(limit: 3))
                    refusals += 1
                }
            }
            try #require(refusals == 2)
            #expect(try await bench.store.revision() == 4)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a write that waits is withdrawn, one that runs is carried through`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let tasks = await bench.holdingTheWriter { store in
                let tasks = (0..<3).map { number in
                    Task { try await store.keyValue.put(EntryKey("a/\(number)"), "x").revision }
                }
                await bench.settled()
                tasks[1].cancel()
                guard case .failure(let error) = await tasks[1].result, error is CancellationError else {
                    Issue.record("it waits no longer")
                    return tasks
                }
                return tasks
            }
            for index in [0, 2] { #expect(try await tasks[index].value > .absent) }
            #expect(try await bench.store.keyValue.list("a").records.map(\.key) == ["0", "2"])

            let (gate, store) = (Gate(), bench.store)
            let running = Task {
                try await store.write { tx in
                    try tx.keyValue.put("a/9", "x")
                    gate.pass()
                }
            }
            _ = await eventually { gate.arrivals > 0 }
            running.cancel()
            gate.open()
            try await running.value
            #expect(try await store.keyValue.get("a/9") != nil)
            let early = Task {
                while !Task.isCancelled { await Task.yield() }
                return try await store.keyValue.put("a/10", "x").revision
            }
            early.cancel()
            await #expect(throws: CancellationError.self) { try await early.value }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a read that runs is ended, and others go on`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            try await store.write { tx in for number in 0..<100 { try tx.keyValue.put(EntryKey("a/\(number)"), "x") } }
            for _ in 0..<5 {
                let started = Counter()
                let endless = Task {
                    try await store.read { snapshot -> Int in
                        while true {
                            started.count()
                            _ = try snapshot.keyValue.list("a")
                        }
                    }
                }
                _ = await eventually { started.value > 2 }
                endless.cancel()
                await #expect(throws: CancellationError.self) { try await endless.value }
                #expect(try await store.keyValue.list("a").records.count == 100)
                #expect(try await store.keyValue.put("a/0", "y").revision > .absent)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a read sees one state however much is written meanwhile`(_ engine: TestEngine) async throws {
        guard engine.isFile else { return }
        try await withBench(engine) { bench in
            let (gate, store) = (Gate(), bench.store)
            try await store.keyValue.put("a/b", "1")
            let read = Task {
                try await store.read { snapshot in
                    let before = try snapshot.keyValue.get("a/b")
                    gate.pass()
                    let (after, position) = (try snapshot.keyValue.get("a/b"), try snapshot.position)
                    #expect(before == after)
                    return position.revision
                }
            }
            _ = await eventually { gate.arrivals > 0 }
            try await store.keyValue.put("a/b", "2")
            gate.open()
            #expect(try await read.value == 2)
        }
    }

    /// Broke: the call site was that of the store's own method, whoever called it.
    @Test(arguments: TestEngine.allCases)
    func `a closure that takes over a second is logged with its call site`(_ engine: TestEngine) async throws {
        let line = try await withBench(engine) { bench in
            let time = bench.time
            bench.faults.arm(
                .statement(containing: "INSERT INTO key_value"), .run { _ in time.advance(.milliseconds(1_001)) })
            _ = try await bench.store.write { tx in try tx.keyValue.put("a/b", "1") }
            return #line - 1
        }
        let lines = CapturedLog.lines(containing: "MetastoreTests/CancellationTests.swift:\(line)")
        #expect(!lines.isEmpty && lines.allSatisfy { $0.contains("took long") })
    }
}
