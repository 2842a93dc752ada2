import FaultLoad
import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

extension Bench {
    /// Opens the store as an upgrade leaves it, and lets the backfill work only as far as the clock goes: a step of at
    /// most `rows` rows a second.
    func reopenUnfilled(rowsPerSecond rows: Int64) async throws {
        await store.close()
        try engine.source(in: directory).forgetSummaries(rowsPerSecond: rows)
        try await reopen()
    }

    func progress() async throws -> BackfillProgress {
        let all = try await store.backfills()
        #expect(all.map(\.name) == ["metric-summaries"])
        return all[0]
    }

    /// Lets one second pass, and waits for what is then done.
    func nextStep() async throws -> BackfillProgress {
        let before = try await progress()
        time.advance(.seconds(1))
        return try await movedOn(from: before)
    }

    /// - Parameter isTicking: seconds pass all the while: a new process waits before it takes over from another.
    func movedOn(from before: BackfillProgress, isTicking: Bool = false) async throws -> BackfillProgress {
        var after = before
        var polls = 0
        let hasMoved = try await eventually {
            // The step before may have looked at the clock after this test had moved it on.
            polls += 1
            if isTicking || polls.isMultiple(of: 100) { time.advance(.seconds(1)) }
            after = try await progress()
            return after != before
        }
        #expect(hasMoved, "\(before)")
        return after
    }

    func isFilled() async throws -> Bool {
        try await eventually(within: .seconds(60)) { try await progress().state == .done }
    }

    /// The derived rows of every trial.
    func derived() async throws -> [[String]] {
        try await store.contents().rows[.trial, default: []].map(\.derived)
    }
}

@Suite struct `The backfill of metric summaries` {
    /// Trials of every kind, of which one has more workloads than several steps take. Returns them, and how many rows
    /// there are.
    private func fill(_ store: Metastore) async throws -> (trials: [ID<Trial>], rows: Int64) {
        let large: Int64 = 700
        return try await store.write { tx in
            let experiment = try tx.anExperiment()
            let trials = try (0..<8).map { _ in try tx.aTrial(of: experiment) }
            var rows: Int64 = 0
            for (number, trial) in trials.enumerated() where number != 2 {
                let steps = number == 4 ? large : Int64(number) * 3 + 1
                for step in 1...steps {
                    try tx.run(trial, step: step)
                    if step % 3 == 0 { try tx.validate(trial, step: step, step % 9 == 0 ? .nan : 1 / Double(step)) }
                    rows += step % 3 == 0 ? 2 : 1
                }
            }
            try tx.save(trials[6], step: 5)
            _ = try tx.trials.restart(trials[6].id)
            return (trials.map(\.id), rows)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `is done from the start in a new store`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let progress = try await bench.progress()
            #expect(progress.state == .done && progress.rowsDone == 0 && progress.rowsTotal == 0)
            #expect(progress.remaining == nil && progress.trial == nil && progress.started == nil)
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `makes the same rows as writing did`(_ engine: TestEngine) async throws {
        try await withBench(engine) {
            $0.schema = .automatically
        } _: { bench in
            let (trials, rows) = try await fill(bench.store)
            let written = try await bench.derived()
            await bench.store.close()
            try bench.source.goBackToFirstSchema()
            try await bench.reopen()
            #expect(try await bench.whileTimePasses { try await bench.isFilled() })
            #expect(try await bench.derived() == written)
            let progress = try await bench.progress()
            #expect(progress.rowsDone == rows && progress.rowsTotal == rows)
            #expect(progress.trial == trials.last)
            try await bench.store.compareSummaries(of: trials)
            #expect(try await bench.store.info().schema == 3)
        }
    }

    /// Cleanly closed, and opened again, after each step.
    @Test(arguments: TestEngine.lasting)
    func `can end after every step, and every summary is right in between`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let (trials, rows) = try await fill(bench.store)
            let written = try await bench.derived()
            try await bench.reopenUnfilled(rowsPerSecond: 200)
            var progress = try await bench.progress()
            var steps = 0
            while progress.state != .done {
                try await bench.reopen()
                progress = try await bench.movedOn(from: progress, isTicking: !engine.isExclusive)
                steps += 1
                #expect(progress.rowsDone <= progress.rowsTotal && progress.rowsTotal >= rows)
                try await bench.store.compareSummaries(of: trials, "after step \(steps)")
                #expect(try await bench.store.verify().isClean, "after step \(steps)")
            }
            if engine.isFile { #expect(steps >= rows / 200) }
            #expect(try await bench.derived() == written)
            #expect(try await bench.progress().rowsDone == rows, "no row twice")
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `goes on beside writers, whatever they change before and behind it`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let (trials, _) = try await fill(bench.store)
            try await bench.reopenUnfilled(rowsPerSecond: 100)
            var random = Seeded("beside writers \(engine)")
            for number in 0..<100 {
                let before = try await bench.progress()
                if before.state == .done { break }
                let calls = RandomReports("beside writers \(engine) \(number)")
                // Often the trial that is just being filled.
                let filling = trials.first { $0.rawValue > before.trial?.rawValue ?? 0 }
                let some = random.next() % 2 == 0 ? trials : [filling ?? trials[0]]
                try await bench.store.write { tx in
                    var calls = calls
                    for _ in 0..<4 { try calls.act(tx, on: some) }
                }
                let new = try await bench.store.write { tx in
                    let trial = try tx.aTrial(of: try tx.experiments.get(1))
                    try tx.run(trial, step: 1)
                    return trial.id
                }
                try await bench.store.compareSummaries(of: trials + [new], "after \(number)")
                _ = try await bench.nextStep()
            }
            bench.time.advance(.seconds(1))
            #expect(try await bench.whileTimePasses { try await bench.isFilled() })
            try await bench.store.compareSummaries(of: trials, "at the end")
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `begins a trial anew that was changed behind it, and no other`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let (trials, _) = try await fill(bench.store)
            try await bench.reopenUnfilled(rowsPerSecond: 100)
            while try await bench.progress().trial != trials[3] { _ = try await bench.nextStep() }
            var filling = try await bench.nextStep()
            let large = trials[4]
            func report(_ step: Int64) async throws {
                try await bench.store.write { tx in
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: large, generation: try tx.trials.get(large).generation, step: step, kind: .terminate,
                            totalBatches: step * 100, metrics: ["late": 1]))
                }
            }
            try await report(699)
            #expect(try await bench.progress() == filling, "what comes later it meets by itself")
            try await report(1)
            let anew = try await bench.progress()
            #expect(anew.rowsDone < filling.rowsDone && anew.trial == trials[3])
            #expect(try await bench.store.trials.summary(large)["late"]?.count == 2)
            filling = try await bench.nextStep()
            try await bench.store.write { tx in
                try tx.save(try tx.trials.get(large), step: 2)
                _ = try tx.trials.restart(large)
            }
            #expect(try await bench.progress().rowsDone < filling.rowsDone)
            #expect(try await bench.whileTimePasses { try await bench.isFilled() })
            #expect(try await bench.store.trials.summary(large)["loss"]?.count == 2)
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `passes over what is being deleted`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let (trials, _) = try await fill(bench.store)
            try await bench.reopenUnfilled(rowsPerSecond: 100)
            while try await bench.progress().trial != trials[3] { _ = try await bench.nextStep() }
            _ = try await bench.nextStep()
            try await bench.store.write { tx in try tx.finish(1) }
            try await bench.store.experiments.delete(1)
            #expect(try await bench.whileTimePasses { try await bench.isFilled() })
            #expect(try await bench.derived().isEmpty)
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `tries a step again that failed, and nothing of it is left`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let (trials, rows) = try await fill(bench.store)
            try await bench.reopenUnfilled(rowsPerSecond: 100)
            for call in [FaultPlan.Call.statement(containing: "UPDATE backfills SET"), .beforeCommit] {
                let error = EngineError(.full, operation: "try", message: "no room")
                bench.faults.arm(call, .fail(error))
                let hasFailed = await eventually {
                    bench.time.advance(.seconds(1))
                    return bench.faults.isSpent
                }
                #expect(hasFailed)
                try await bench.store.compareSummaries(of: trials)
            }
            #expect(try await bench.whileTimePasses { try await bench.isFilled() })
            #expect(try await bench.progress().rowsDone == rows)
        }
    }
}
