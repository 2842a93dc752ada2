import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreSQLite
import MetastoreTestSupport
import Testing

/// What happens to some trials, at random: reports in and out of order, restarts, ends, continuations.
struct RandomReports {
    private var random: Seeded
    private static let names = ["loss", "accuracy", "caf\u{e9}", "cafe\u{301}", "throughput/gpu 0"]

    init(_ test: String) { random = Seeded(test) }

    private static let odd: [Double] = [.nan, .infinity, -.infinity, 1e308, 0, -1e-300]

    private mutating func metrics() throws -> Metrics? {
        let chance = Int.random(in: 0..<100, using: &random)
        if chance < 5 { return nil }
        if chance < 7 { return [:] }
        if chance < 9 {
            let names = (0..<1_001).map { ("n\($0 + Int(random.next() % 3))", Double($0)) }
            return try Metrics(NamedValues(names))
        }
        var values: [(String, Double)] = []
        for name in Self.names where Bool.random(using: &random) {
            let odd = Self.odd[Int(random.next() % 6)]
            values.append((name, random.next() % 8 == 0 ? odd : Double.random(in: -1...1, using: &random)))
        }
        return try Metrics(NamedValues(values))
    }

    /// One call, which may be refused.
    mutating func act(_ tx: borrowing Transaction, on trials: [ID<Trial>]) throws {
        let id = trials[Int(random.next() % UInt64(trials.count))]
        let trial = try tx.trials.get(id)
        let step = Int64.random(in: 1...12, using: &random)
        switch Int.random(in: 0..<100, using: &random) {
        case ..<75:
            let kinds: [WorkloadKind] = [.runStep, .runStep, .computeValidationMetrics, .checkpointModel]
            let states: [WorkloadState] = [.active, .error, .completed, .completed, .completed, .completed]
            let state = states[Int(random.next() % 6)]
            let report = WorkloadReport(
                trial: id, generation: trial.generation, step: step, kind: kinds[Int(random.next() % 4)], state: state,
                totalBatches: step * 100, metrics: state == .active ? nil : try metrics())
            _ = refused { try tx.workloads.report(report) }
        case ..<82: _ = refused { try tx.save(trial, step: step, generation: trial.generation, uuid: random.uuid()) }
        case ..<88: _ = refused { try tx.trials.restart(id) }
        case ..<92: _ = refused { try tx.trials.transition(id, to: .completed) }
        case ..<96: _ = refused { try tx.trials.continue(id) }
        default:
            let found = try tx.trials.summary(id)
            let plain = PlainSummaries(try tx.workloads.all(of: id))
            if let difference = plain.difference(from: found) { throw Planned("in a transaction: \(difference)") }
        }
    }
}

@Suite struct `A trial's summary` {
    @Test(arguments: TestEngine.allCases)
    func `is that of its live COMPLETED workloads, whatever happened to them, in a replica as well`(
        _ engine: TestEngine
    ) async throws {
        try await withBench(engine) { bench in
            let trials = try await bench.store.write { tx in
                let experiment = try tx.anExperiment()
                return try (0..<3).map { _ in try tx.aTrial(of: experiment).id }
            }
            for number in 0..<Seeded.count(2_000, least: 100) {
                let calls = RandomReports("summaries \(engine) \(number)")
                try await bench.store.write { tx in
                    var calls = calls
                    for _ in 0..<(number % 5 + 1) { try calls.act(tx, on: trials) }
                }
                if number % 10 == 0 { try await bench.store.compareSummaries(of: trials, "after \(number)") }
                if number % 40 == 39, engine.isLasting { try await bench.reopen() }
            }
            try await bench.store.compareSummaries(of: trials)
            let replica = try await Metastore.openReplica(.inMemory(), of: try await bench.store.info().cluster)
            while true {
                let records = try await bench.store.logRecords(after: try await replica.info().revision, bytes: 20_000)
                if records.isEmpty { break }
                try await replica.replay(records)
            }
            #expect(try await replica.contents() == bench.store.contents())
            #expect(try await replica.verify().isClean)
            try await replica.compareSummaries(of: trials, "in the replica")
            await replica.close()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `is empty before anything was measured, and unknown without a trial`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in try tx.aTrial().id }
            let found = try await store.trials.summary(trial)
            #expect(found == MetricSummaries())
            #expect(await refusal { try await store.trials.summary(7) } == .notFound(path: "trial 7"))
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `goes back with a rollback, and away with the experiment, in a replica as well`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            let (experiment, trial) = try await store.write { tx in
                let trial = try tx.aTrial()
                for step in 1...4 as ClosedRange<Int64> { try tx.run(trial, step: step) }
                try tx.save(trial, step: 2)
                return (trial.experiment, trial.id)
            }
            #expect(try await store.trials.summary(trial)["loss"]?.count == 4)
            try await store.write { tx in
                _ = try tx.trials.restart(trial)
                #expect(try tx.trials.summary(trial)["loss"]?.count == 2)
            }
            let summary = try await store.trials.summary(trial)
            #expect(summary["loss"]?.last == 1 / 3 && summary["loss"]?.minimum?.step == 2)
            let replica = try await Metastore.openReplica(.inMemory(), of: try await store.info().cluster)
            try await replica.replay(try await store.logRecords(after: 0, bytes: .max))
            try await store.write { tx in try tx.finish(experiment) }
            try await store.experiments.delete(experiment)
            #expect(await refusal { try await store.trials.summary(trial) } == .notFound(path: "trial 1"))
            try await replica.replay(try await store.logRecords(after: try await replica.info().revision, bytes: .max))
            #expect(try await replica.contents() == store.contents())
            await replica.close()
        }
    }

    /// Metrics that are kept as a document count like others.
    @Test(arguments: [TestEngine.disk])
    func `takes in metrics of millions of bytes`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let many = try Metrics(NamedValues((0..<400_000).map { ("metric number \($0 + 1_000_000)", 0.5) }))
            #expect(many.text.utf8.count > Limits.inlineMetricsBytes)
            let trial = try await bench.store.write { tx in
                let trial = try tx.aTrial()
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial.id, generation: 0, step: 1, kind: .runStep, totalBatches: 1, metrics: many))
                return trial.id
            }
            let before = try await bench.store.trials.summary(trial)
            #expect(before.values.count == Limits.summarisedMetrics && before.omitted == 400_000 - 1_000)
            // Out of order, so that all of it is made anew from the document.
            try await bench.store.write { tx in
                try tx.workloads.report(
                    WorkloadReport(
                        trial: trial, generation: 0, step: 0, kind: .runStep, totalBatches: 0, metrics: ["a": 1]))
            }
            let after = try await bench.store.trials.summary(trial)
            #expect(after["a"]?.count == 1 && after.values.count == Limits.summarisedMetrics)
            #expect(after.omitted == before.omitted + 1)
        }
    }

    /// Whatever stands in the row: a typed error or a value, never a crash, and never a value of cut-off bytes.
    @Test(arguments: TestEngine.allCases)
    func `is a typed error where its row is damaged`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let trial = try await bench.store.write { tx in
                let trial = try tx.aTrial()
                let odd: Metrics = ["a": 1.5, "b": .nan, "c": -.infinity]
                for step in 1...2 as ClosedRange<Int64> {
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial.id, generation: 0, step: step, kind: .runStep, totalBatches: step, metrics: odd
                        ))
                }
                return trial.id
            }
            let rows = Rows()
            bench.faults.arm(
                .statement(containing: "SELECT content"),
                .run { connection in
                    rows.set(
                        try connection.all("SELECT content FROM trial_summaries") { try $0.bytes(0).map(Int64.init) })
                })
            _ = try await bench.store.write { tx in try tx.trials.summary(trial) }
            let whole = try #require(rows.value.first).map { UInt8($0) }
            #expect(whole.count > 60 && whole[0] == 1)
            var damaged = (0..<whole.count).map { Array(whole.prefix($0)) } + [whole + [0], [2] + whole.dropFirst()]
            let cut = damaged.count
            for index in whole.indices {
                var flipped = whole
                flipped[index] ^= 1 << UInt8(index % 8)
                damaged.append(flipped)
            }
            for (index, content) in damaged.enumerated() {
                bench.faults.arm(
                    .statement(containing: "SELECT content"),
                    .run { try $0.execute("UPDATE trial_summaries SET content = \(content)") })
                do {
                    try await bench.store.write { tx in
                        _ = try tx.trials.summary(trial)
                        throw Planned("undone")
                    }
                } catch let error as Planned {
                    #expect(error == Planned("undone") && index >= cut, "content \(index) was read")
                } catch {
                    guard case .damaged(let place, _)? = error as? StoreError else {
                        Issue.record("\(error)")
                        continue
                    }
                    #expect(place == "the metric summaries of trial 1")
                }
            }
        }
    }
}
