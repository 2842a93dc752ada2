internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

extension Faults {
    @Suite(.serialized, .timed) struct `Two processes on one file` {
        let place: Place
        init() throws { place = try Place() }

        @Test func `the second writer is refused and told who holds the lock`() async throws {
            let holder = try CrashProcess("serve")
            #expect(try holder.ask("open \(place.path)") == "ok \(holder.id)")
            guard case .locked(let name)? = await refusal(.sqlite(place.path)) else {
                Issue.record("not refused as locked")
                return
            }
            #expect(name.contains("process \(holder.id) (metastore-crash-test)"))
            let text = StoreError.locked(holder: name).description
            #expect(text.contains("open read-only") && text.contains("don't delete the lock file"))
            // The refusal took nothing away from the holder.
            #expect(try holder.ask("put a/b 1").hasPrefix("ok"))
            holder.kill()
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.number("a/b") == 1)
            await store.close()
        }

        /// Until the log that it found is in the database, a writer answers nothing; a read of another process, as an
        /// inspector's or a stopped predecessor's, keeps it from that, and is named.
        @Test func `a writer that opens while another process reads says which one it waits for`() async throws {
            try await place.fill()
            var options = EngineOptions()
            options.isReadOnly = true
            let engine = SQLiteEngine(path: place.path, options: options)
            _ = try engine.prepare()
            let reader = try engine.openReader()
            try reader.begin(.read)
            let writer = try CrashProcess("serve")
            #expect(try writer.ask("open \(place.path)") == "ok \(writer.id)")
            let refused = try writer.ask("put a/b 1")
            #expect(refused.contains("process \(getpid()) (") && refused.contains("Nothing is lost"), "\(refused)")
            reader.rollback()
            #expect(try writer.ask("put a/b 1").hasPrefix("ok"))
            reader.close()
            engine.close()
        }

        @Test func `readers read on and follow the feed, also through the writer's death`() async throws {
            let writer = try CrashProcess("serve")
            try writer.ask("open \(place.path)")
            try writer.ask("put a/1 first")
            let reader = try CrashProcess("serve")
            #expect(try reader.ask("open \(place.path) readonly").hasPrefix("ok"))
            #expect(try reader.ask("get a/1") == "ok first")
            #expect(try reader.ask("put a/1 mine").hasPrefix("error readOnly"))
            #expect(try reader.ask("follow 1") == "ok 1")
            reader.send("follow 3")
            for number in 2...4 { try writer.ask("put a/\(number) x") }
            while let line = try reader.line() {
                if line.hasPrefix("ok") { break }
                seen.append(line)
            }
            writer.kill()
            #expect(try reader.ask("get a/4") == "ok x")
            let store = try await Metastore.open(.sqlite(place.path))
            try await store.keyValue.put("a/5", "y")
            #expect(try reader.ask("follow 1") == "ok 1")
            #expect(try reader.ask("get a/5") == "ok y")
            await store.close()
            #expect(try reader.ask("get a/5") == "ok y")
            #expect(try reader.ask("verify").hasPrefix("ok 6"))
            let keys = (reader.heard + seen).sorted().map { $0.split(separator: " ")[2] }
            #expect(keys == ["kv/a/1", "kv/a/2", "kv/a/3", "kv/a/4", "kv/a/5"])
        }

        private final class Lines { var lines: [String] = [] }
        private let lines = Lines()
        private var seen: [String] {
            get { lines.lines }
            nonmutating set { lines.lines = newValue }
        }

        /// The holder stops, somebody deletes its lock file and leads elsewhere; then the holder goes on.
        @Test(arguments: [true, false])
        func `a stopped holder whose lock file was deleted is fenced when it goes on`(_ hadLed: Bool) async throws {
            let old = try CrashProcess("serve")
            try old.ask("open \(place.path)")
            if hadLed { #expect(try old.ask("lead master-0") == "ok 2") }
            #expect(try old.ask("put a/old 1").hasPrefix("ok"))
            try old.stopBetweenTransactions()
            unlink(place.path + ".lock")
            let new = try CrashProcess("serve")
            #expect(try new.ask("open \(place.path)") == "ok \(new.id)")
            let (led, put) = (try new.ask("lead master-1"), try new.ask("put a/new 1"))
            #expect(led == "ok \(hadLed ? 3 : 2)")
            #expect(put.hasPrefix("ok"), "\(put)")
            old.signal(SIGCONT)
            for _ in 0..<3 {
                let answer = try old.ask("put a/ghost 1")
                #expect(answer.hasPrefix("error fenced") && answer.contains("Nothing was written"), "\(answer)")
            }
            #expect(try old.ask("lead master-0").contains("fenced"))
            // Long enough for its housekeeping: no checkpoint and no note of its own.
            usleep(1_200_000)
            #expect(try new.ask("put a/new 2").hasPrefix("ok"))
            new.kill()
            #expect(try old.ask("close") == "ok closed")
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.keyValue.get("a/ghost") == nil)
            #expect(try await store.number("a/old") == 1)
            #expect(try await store.number("a/new") == 2)
            #expect(try await store.verify().findings == [])
            await store.close()
        }

        /// As it happens: the stopped holder had written nothing since it opened, and the new one is killed.
        @Test func `a fenced holder that closes leaves the other's write-ahead log alone`() async throws {
            try await place.fill()
            let old = try CrashProcess("serve")
            try old.ask("open \(place.path)")
            #expect(try old.ask("settle") == "ok")
            try old.stopBetweenTransactions()
            unlink(place.path + ".lock")
            let new = try CrashProcess("serve")
            #expect(try new.ask("open \(place.path)").hasPrefix("ok"))
            #expect(try new.ask("put a/new 1").hasPrefix("ok"))
            new.kill()
            let before = try contents(place.path + "-wal")
            old.signal(SIGCONT)
            #expect(try old.ask("close") == "ok closed")
            #expect(try contents(place.path + "-wal") == before)
            let store = try await Metastore.open(.sqlite(place.path))
            #expect(try await store.number("a/new") == 1)
            await store.close()
        }

        /// Stopped right between the look at the lock and the lock on the database: the narrowest moment.
        @Test func `a lock lost just before the SQL transaction begins is noticed in it`() async throws {
            let (path, isArmed) = (place.path, Flag())
            let source = EngineSource.sqlite(path).beforeWriting { if isArmed.isSet { unlink(path + ".lock") } }
            let store = try await Metastore.open(source)
            try await store.keyValue.put("a/b", "kept")
            isArmed.set()
            let refused = await #expect(throws: StoreError.self) { try await store.keyValue.put("a/b", "ghost") }
            #expect(refused?.label == "fenced")
            #expect(try await store.keyValue.get("a/b")?.text == "kept")
            await store.close()
        }

        @Test func `a holder that lost its lock keeps no note`() async throws {
            let store = try await Metastore.open(.sqlite(place.path))
            try await store.keyValue.put("a/b", "1")
            unlink(place.path + ".lock")
            try await Task.sleep(for: .milliseconds(1_600))
            #expect(try !place.names().contains("metastore.db.head"))
            await store.close()
            #expect(try !place.names().contains("metastore.db.head"))
        }

        @Test func `a writer whose database file was replaced is fenced`() async throws {
            try await place.fill()
            let original = try contents(place.path)
            let writer = try CrashProcess("serve")
            try writer.ask("open \(place.path)")
            try writer.ask("put a/b 1")
            try write(original, to: place.path + ".copy")
            rename(place.path + ".copy", place.path)
            let answer = try writer.ask("put a/b 2")
            #expect(answer.hasPrefix("error fenced") && answer.contains("replaced"), "\(answer)")
            try writer.ask("close")
            #expect(try contents(place.path) == original)
        }
    }
}
