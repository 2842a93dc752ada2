internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import Testing

extension Faults {
    @Suite(.serialized, .timed) struct `A backfill killed` {
        private func progress(_ process: CrashProcess) throws -> (state: String, rows: Int64) {
            let words = try process.ask("backfill").split(separator: " ")
            guard words.count == 3, let rows = Int64(words[2]) else { throw Failure("backfill: \(words)", 0) }
            return (String(words[1]), rows)
        }

        /// The next process takes its first step as soon as it opens, and its clock stands still after that.
        @Test func `after every step goes on from there, no row twice`() async throws {
            let place = try Place()
            let old = try await OldTrials(at: .smallLog(place.path), rowsPerSecond: 500)
            var (done, steps) = (false, 0)
            var rows: Int64 = 0
            while !done {
                let process = try CrashProcess("serve")
                #expect(try process.ask("open \(place.path) still").hasPrefix("ok"))
                var present = try progress(process)
                let deadline = ContinuousClock.now + .seconds(20)
                while present.state == "running", present.rows == rows, ContinuousClock.now < deadline {
                    usleep(2_000)
                    present = try progress(process)
                }
                process.kill()
                #expect(present.rows - rows <= 500, "a step, and no more")
                #expect(present.rows > rows || present.state == "done")
                (rows, done) = (present.rows, present.state == "done")
                steps += 1
                let store = try await Metastore.open(.smallLog(place.path), readOnly)
                #expect(try await old.differences(in: store) == [], "after step \(steps)")
                await store.close()
                guard steps < 100 else { break }
            }
            #expect(rows == old.rows && steps >= Int(old.rows / 500))
            let store = try await Metastore.open(.smallLog(place.path))
            #expect(try await store.verify().isClean)
            #expect(try await old.differences(in: store) == [])
            await store.close()
        }

        @Test func `at any moment, beside a writer, loses and repeats nothing`() async throws {
            let place = try Place()
            let old = try await OldTrials(at: .smallLog(place.path), rowsPerSecond: 4_000)
            var random = Scale.random(40)
            var (kills, isDone) = (0, false)
            var requests = 0
            while !isDone, kills < 400 {
                let process = try CrashProcess("serve")
                process.send("open \(place.path)")
                // Some are killed while they open.
                if kills % 4 != 3 {
                    _ = try process.line()
                    for _ in 0..<3 {
                        requests += 1
                        let request = Request(operation: OperationID().uuid, writer: 0, trials: 1)
                        process.send("perform \(request)")
                    }
                }
                usleep(UInt32.random(in: 0...150_000, using: &random))
                process.kill()
                _ = try process.rest()
                kills += 1
                let store = try await Metastore.open(.smallLog(place.path), readOnly)
                #expect(try await old.differences(in: store) == [], "after kill \(kills)")
                let progress = try await store.backfills()
                isDone = progress.allSatisfy { $0.state == .done }
                if kills % 10 == 0 || isDone { #expect(try await store.verify().isClean, "after kill \(kills)") }
                if isDone { #expect(progress.map(\.rowsDone) == [old.rows]) }
                await store.close()
            }
            #expect(isDone)
            print("\(kills) kills, \(requests) requests beside them")
        }
    }
}
