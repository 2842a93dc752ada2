import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `A backfill obeys` {
    private func fill(_ store: Metastore) async throws {
        try await store.write { tx in
            let trial = try tx.aTrial()
            for step in 1...1_500 as ClosedRange<Int64> { try tx.run(trial, step: step) }
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `a pause, a resumption and a bound, also where nobody works at the moment`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await fill(bench.store)
            let control = BackfillControl(bench.source, bench.options.engine)
            try await bench.reopenUnfilled(rowsPerSecond: 100)
            try await control.throttle(rowsPerSecond: 50)
            try await control.pause()
            bench.time.advance(.seconds(1))
            #expect(try await eventually { try await bench.progress().state == .paused })
            // A step that had begun may still have ended.
            try await bench.reopen()
            let paused = try await bench.progress()
            for _ in 0..<3 {
                bench.time.advance(.seconds(10))
                try await Task.sleep(for: .milliseconds(30))
            }
            #expect(try await bench.progress() == paused && paused.rowsPerSecond == 50 && paused.rate == nil)

            try await control.throttle(rowsPerSecond: 300)
            try await control.resume()
            #expect(
                try await eventually {
                    bench.time.advance(.seconds(1))
                    let progress = try await bench.progress()
                    return progress.state == .running && progress.rowsDone > paused.rowsDone
                })
            let running = try await bench.progress()
            #expect(running.rowsPerSecond == 300)
            // Rates are measured over five seconds, and there is none before.
            #expect(running.rate == nil && running.remaining == nil)
            try await control.throttle(rowsPerSecond: nil)
            #expect(try await bench.whileTimePasses { try await bench.isFilled() })
            #expect(try await bench.progress().rowsPerSecond == nil)
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `and tells its rate and the time left once they mean something`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await fill(bench.store)
            try await bench.reopenUnfilled(rowsPerSecond: 50)
            var progress = try await bench.progress()
            var first: BackfillProgress?
            let began = bench.time.monotonic
            for _ in 0..<12 {
                progress = try await bench.nextStep()
                if progress.rate != nil, first == nil { first = progress }
            }
            let told = try #require(first)
            let rate = try #require(progress.rate)
            #expect(told.rowsDone <= 500 && rate < 70)
            // On a slow machine a second may have passed in which nothing could be done.
            if bench.time.monotonic - began == .seconds(12) { #expect(told.rowsDone >= 200 && rate > 30) }
            let left = try #require(progress.remaining)
            #expect(left == .seconds(Double(progress.rowsTotal - progress.rowsDone) / rate))
        }
    }

    @Test(arguments: TestEngine.files)
    func `a file of orders that can be understood, and no other`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await fill(bench.store)
            try await bench.reopenUnfilled(rowsPerSecond: 10)
            let path = bench.path + ".control"
            try await BackfillControl(bench.source).throttle(rowsPerSecond: 10)
            let good = try String(contentsOfFile: path, encoding: .utf8)
            #expect(good == #"{"backfill":{"paused":false,"rowsPerSecond":10},"format":1}"# + "\n")
            let attributes = try FileManager.default.attributesOfItem(atPath: path)
            #expect(attributes[.posixPermissions] as? Int == 0o600)
            #expect(try await bench.nextStep().rowsPerSecond == 10)

            let bad = [
                "", "{", "null", "[]", "{}", #"{"format":1}"#, #"{"backfill":{},"format":1}"#,
                #"{"backfill":{"paused":true,"rowsPerSecond":null},"format":2}"#,
                #"{"backfill":{"paused":1,"rowsPerSecond":null},"format":1}"#,
                #"{"backfill":{"paused":true,"rowsPerSecond":0},"format":1}"#,
                #"{"backfill":{"paused":true,"rowsPerSecond":1.5},"format":1}"#,
                #"{"backfill":{"paused":true,"rowsPerSecond":null,"more":1},"format":1}"#,
                #"{"backfill":{"paused":true,"rowsPerSecond":null},"format":1,"more":1}"#,
                String(repeating: " ", count: 70_000)
                    + #"{"backfill":{"paused":true,"rowsPerSecond":null},"format":1}"#,
            ]
            for text in bad {
                let told = CapturedLog.lines(containing: "nothing that is understood").count
                try Data(text.utf8).write(to: URL(filePath: path))
                let isTold = try await eventually {
                    _ = try await bench.nextStep()
                    return CapturedLog.lines(containing: "nothing that is understood").count > told
                }
                #expect(isTold, "\(text)")
                let present = try await bench.progress()
                #expect(present.state == .running && present.rowsPerSecond == 10, "\(text)")
            }
            try FileManager.default.removeItem(atPath: path)
            #expect(try await bench.nextStep().rowsPerSecond == 10, "what was ordered last holds")
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
            #expect(
                try await eventually {
                    _ = try await bench.nextStep()
                    return CapturedLog.lines(containing: "the control file can't be read").count > 0
                })
            try FileManager.default.removeItem(atPath: path)
            try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: "/etc/passwd")
            #expect(try await bench.nextStep().state == .running)
            try FileManager.default.removeItem(atPath: path)
            // Spelled otherwise, it is as good.
            try Data(#" {"format" : 1, "backfill":{"rowsPerSecond":null,"paused":true}}"#.utf8)
                .write(to: URL(filePath: path))
            bench.time.advance(.seconds(1))
            #expect(try await eventually { try await bench.progress().state == .paused })
            let left = try FileManager.default.contentsOfDirectory(atPath: bench.directory)
            #expect(left.filter { $0.hasPrefix("metastore.db.control") } == ["metastore.db.control"])
        }
    }

    @Test(arguments: TestEngine.lasting)
    func `nothing where there is no store, and no bound of nothing`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let control = BackfillControl(bench.source, bench.options.engine)
            guard
                case .invalid(field: "rowsPerSecond", _)? = await refusal({
                    try await control.throttle(rowsPerSecond: 0)
                })
            else {
                Issue.record("a bound of nothing was taken")
                return
            }
            // All is done here: there is nothing to obey, and nothing changes.
            try await control.pause()
            #expect(try await bench.progress().state == .done)
            guard engine.isFile else { return }
            let nowhere = BackfillControl(try engine.source(in: bench.directory + "/nowhere"))
            guard case .unusable? = await refusal({ try await nowhere.pause() }) else {
                Issue.record("orders were given to nobody")
                return
            }
            #expect(!FileManager.default.fileExists(atPath: bench.directory + "/nowhere"))
        }
    }
}

#if PostgreSQL
    @Suite struct `Of several processes on one server` {
        @Test func `one fills in, no row twice, and another takes over when it is gone`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                try await bench.store.write { tx in
                    let trial = try tx.aTrial()
                    for step in 1...900 as ClosedRange<Int64> { try tx.run(trial, step: step) }
                }
                try await bench.reopenUnfilled(rowsPerSecond: 50)
                _ = try await bench.nextStep()
                // The other's clock stands still until it is told.
                let (first, clock) = (bench.store, ManualTime())
                let second = try await bench.another { $0.time = clock.source }
                for _ in 0..<4 { _ = try await bench.nextStep() }
                let before = try await bench.progress()
                // It looks, sees the cursor move, and leaves it alone.
                for _ in 0..<4 {
                    clock.advance(.seconds(2))
                    _ = try await bench.nextStep()
                }
                try await Task.sleep(for: .milliseconds(100))
                var present = try await bench.progress()
                #expect(present.rowsDone >= before.rowsDone + 200)
                // The first does nothing any more: its clock stands still. The other waits a while, then takes over.
                // It may have seen the last step a second ago, or only sees it now.
                clock.advance(.seconds(1))
                try await Task.sleep(for: .milliseconds(100))
                clock.advance(.seconds(3))
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await bench.progress().rowsDone == present.rowsDone, "it waits")
                #expect(
                    try await eventually {
                        clock.advance(.seconds(1))
                        return try await bench.progress().rowsDone > present.rowsDone
                    })
                // The first finds that another has taken over, and leaves it to that.
                try await Task.sleep(for: .milliseconds(100))
                present = try await bench.progress()
                bench.time.advance(.seconds(1))
                try await Task.sleep(for: .milliseconds(100))
                #expect(try await bench.progress() == present)
                #expect(
                    try await eventually(within: .seconds(30)) {
                        clock.advance(.seconds(1))
                        return try await bench.progress().state == .done
                    })
                #expect(try await bench.progress().rowsDone == 900)
                try await first.write { tx in try tx.run(try tx.trials.get(1), step: 901) }
                #expect(try await second.trials.summary(1)["loss"]?.count == 901)
                await second.close()
            }
        }
    }
#endif
