import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Leading takes a new epoch, which fences every write` {
    /// As another master would: a new epoch, behind this handle's back.
    private func anotherLeads(_ bench: Bench) {
        bench.faults.arm(
            .begin,
            .run { connection in
                try connection.execute("UPDATE head SET epoch = epoch + 1, epoch_nonce = 7")
                try connection.execute(
                    """
                    INSERT INTO epochs SELECT epoch, epoch_nonce, epoch - 1, 0, revision, chain, 'another', time \
                    FROM head
                    """)
            })
    }

    @Test(arguments: TestEngine.allCases)
    func `each time, and gives it up at the end`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let first = try await store.info().epoch
            #expect(first.number == 1)
            for number in 2...4 as ClosedRange<Int64> {
                let value = try await store.lead(as: "master-\(number)") { leadership in
                    #expect(leadership.epoch.number == number && leadership.holder == "master-\(number)")
                    #expect(try await store.leadership() == leadership)
                    #expect(try await store.info().epoch == leadership.epoch)
                    return try await store.keyValue.put("a/b", "\(number)").revision
                }
                #expect(try await store.commits().last { $0.revision == value }?.epoch == number)
                #expect(try await store.leadership() == nil)
                #expect(try await store.info().epoch.number == number)
            }
            #expect(
                try await store.commits().filter { $0.kinds == .leadership }.map(\.actor) == [
                    "master-2", "master-2", "master-3", "master-3", "master-4", "master-4",
                ])
        }
    }

    /// Broke: when the body failed, the lead was not given up.
    @Test(arguments: TestEngine.allCases)
    func `also when the body fails or is cancelled`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            await #expect(throws: Planned()) { try await store.lead(as: "m") { _ in throw Planned() } }
            #expect(try await store.leadership() == nil)
            let started = Counter()
            let leading = Task {
                try await store.lead(as: "m") { _ in
                    started.count()
                    try await Task.sleep(for: .seconds(60))
                }
            }
            _ = await eventually { started.value == 1 }
            leading.cancel()
            await #expect(throws: CancellationError.self) { try await leading.value }
            #expect(try await eventually { try await store.leadership() == nil })
            try await store.keyValue.put("a/b", "1")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a handle whose lead was taken writes nothing until it leads again`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            let cancelled = Counter()
            let error = await refusal {
                try await store.lead(as: "old", timeToLive: .seconds(1)) { _ in
                    try await store.keyValue.put("a/1", "x")
                    anotherLeads(bench)
                    let refusal = await refusal { try await store.keyValue.put("a/2", "x") }
                    guard case .fenced = refusal else {
                        Issue.record("the lead is another's: \(String(describing: refusal))")
                        return
                    }
                    // Told by the next renewal, a third of the time to live later.
                    do {
                        try await Task.sleep(for: .seconds(20))
                    } catch {
                        cancelled.count()
                    }
                }
            }
            guard case .fenced = error else {
                Issue.record("the lead was lost: \(String(describing: error))")
                return
            }
            #expect(cancelled.value == 1, "the body is cancelled")
            for _ in 0..<2 {
                guard case .fenced = await refusal({ try await store.write { tx in tx.revision } }) else {
                    Issue.record("fenced, also without a change")
                    return
                }
            }
            #expect(try await store.keyValue.get("a/2") == nil, "reads go on")
            // Where others write, the row of the old lead has to be seen unrenewed for its time to live.
            try await bench.whileTimePasses {
                try await store.lead(as: "new") { leadership in
                    #expect(leadership.epoch.number == 4)
                    try await store.keyValue.put("a/2", "x")
                }
            }
            #expect(try await store.keyValue.list("a").records.map(\.key) == ["1", "2"])
        }
    }

    /// Where one handle at a time writes, it leads at once: nobody else could.
    @Test(arguments: TestEngine.exclusive)
    func `a lead that the same handle takes again ends for whoever had it, and stays`(_ engine: TestEngine) async throws
    {
        try await withStore(engine) { store in
            let first = Task {
                await refusal {
                    try await store.lead(as: "first", timeToLive: .seconds(1)) { _ in
                        try await Task.sleep(for: .seconds(20))
                    }
                }
            }
            #expect(try await eventually { try await store.leadership()?.holder == "first" })
            try await store.lead(as: "second") { leadership in
                guard case .fenced = await first.value else {
                    Issue.record("told by the next renewal")
                    return
                }
                let now = try await store.leadership()
                #expect(now == leadership, "giving up takes nobody else's")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a handle that never led writes in the current epoch`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            anotherLeads(bench)
            let entry = try await bench.store.keyValue.put("a/b", "1")
            let commit = try #require(try await bench.store.commits().last)
            #expect(commit.revision == entry.revision && commit.epoch == 2)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `positions of earlier epochs go on`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await bench.store.keyValue.put("a/1", "x")
            let position = try await bench.store.read { try $0.position }
            try await bench.store.lead(as: "m") { _ in _ = try await bench.store.keyValue.put("a/2", "x") }
            if engine.isLasting { try await bench.reopen() }
            var found: [String] = []
            for try await change in bench.store.changes(after: position, of: .keyValue) {
                found.append(change.key.path)
                break
            }
            #expect(found == ["kv/a/2"])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a time to live out of bounds is refused`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            for wrong in [Duration.milliseconds(999), .seconds(86_401)] {
                guard
                    case .invalid("timeToLive", _) = await refusal({
                        try await store.lead(as: "m", timeToLive: wrong) { _ in }
                    })
                else {
                    Issue.record("\(wrong)")
                    return
                }
            }
            let info = try await store.info()
            #expect(info.epoch.number == 1)
        }
    }
}
