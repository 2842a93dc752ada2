internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreMigration
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `The verdict on a store` {
    private func revision(_ inspection: Inspection) throws -> Revision {
        try inspection.read { try inspection.store.summary().revision }
    }

    private func refusal(_ path: String, _ options: InspectionOptions = InspectionOptions()) -> String {
        do {
            let inspection = try Inspection.open(path: path, options)
            return "opened: \(inspection.verdict)"
        } catch {
            return "\(error)"
        }
    }

    @Test func `whether it is a copy, and whom it follows, is told`() async throws {
        try await withScratch { root in
            let (path, copy, follower) = (root + "/metastore.db", root + "/copy.db", root + "/follower.db")
            try await FullStore.make(in: .sqlite(path))
            try FileManager.default.copyItem(atPath: path, toPath: copy)
            let own = try Inspection.open(path: path).info()
            #expect(own.role == .leader && own.isCopy == false)
            let copied = try Inspection.open(path: copy).info()
            #expect(copied.role == .leader && copied.isCopy == true)
            let told = try output([CrashProcess.directory + "/metastore-inspect", copy, "info"])
            #expect(told.contains { $0.hasPrefix("file") && $0.contains("a copy") }, "\(told)")
            let store = try await Metastore.openReplica(.sqlite(follower), of: own.facts.summary.cluster)
            let followed = try Inspection.open(path: follower).info()
            #expect(followed.role == .follower && followed.isCopy == false, "also while it is in use")
            await store.close()
            try rewrite(path, "DELETE FROM identity")
            #expect(try Inspection.open(path: path).info().role == nil)
        }
    }

    @Test func `a closed store is clean`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            let inspection = try Inspection.open(path: root)
            #expect(inspection.verdict == .clean && inspection.notices == [] && inspection.log == nil)
            #expect(inspection.place == path && !inspection.isLive && inspection.schema.found == 3)
            #expect(try inspection.read { try inspection.store.verify() }.isClean)
            // Looking at it with SQLite leaves an empty log; it stays what it was.
            try write([], to: path + "-wal")
            #expect(try Inspection.open(path: path).verdict == .clean)
        }
    }

    /// What a rollback and a rescue leave: an epoch was begun, and nothing committed in it.
    @Test func `a closed store in an epoch without a commit is clean`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await SmallStore.make(path)
            let engine = try EngineSource.sqlite(path).makeEngine(EngineOptions())
            _ = try engine.prepare()
            let connection = try engine.openWriter()
            let note = try ClosedStore(connection).beginEpoch(StoreOptions())
            try engine.settle(connection)
            connection.close()
            try engine.keepNote(note)
            engine.close()
            let inspection = try Inspection.open(path: path)
            #expect(inspection.verdict == .clean, "\(inspection.verdict)")
            #expect(try inspection.check(.full).isClean)
        }
    }

    @Test func `a shorter copy is damaged, and it is told what is missing`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            let older = try contents(path)
            let found = try revision(Inspection.open(path: path))
            let store = try await Metastore.open(.sqlite(path))
            for number in 0..<7 { try await store.keyValue.put("n/more", "\(number)") }
            await store.close()
            try write(older, to: path)
            let inspection = try Inspection.open(path: path)
            guard case .damaged(let reason) = inspection.verdict else {
                Issue.record("\(inspection.verdict)")
                return
            }
            #expect(reason.contains("revision \(found.rawValue + 7) was durable here"))
            #expect(reason.contains("ends at \(found)") && reason.contains("7 commits are missing"))
            // It is read all the same.
            #expect(try revision(inspection) == found)
        }
    }

    @Test func `a note of another history or another store is no clean end`() async throws {
        try await withScratch { root in
            let (path, other) = (root + "/metastore.db", root + "/other.db")
            try await FullStore.make(in: .sqlite(path))
            try await FullStore.make(in: .sqlite(other))
            let note = try contents(path + ".head")
            try write(try contents(other + ".head"), to: path + ".head")
            let inspection = try Inspection.open(path: path)
            #expect(inspection.verdict == .notClosedCleanly(provenUpTo: try revision(inspection)))
            #expect(inspection.notices.contains { $0.contains("of another store") })
            var forked = note
            let last = forked.count - 2
            forked[last] = forked[last] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            try write(forked, to: path + ".head")
            guard case .damaged(let reason) = try Inspection.open(path: path).verdict else {
                Issue.record("not damaged")
                return
            }
            #expect(reason.contains("another commit than the one that was durable here"))
        }
    }

    @Test func `a file that was cut short is read as far as it goes`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path), more: 300)
            let all = try contents(path)
            let pages = all.count / 4_096
            try write(Array(all[..<((pages - 3) * 4_096)]), to: path)
            let inspection = try Inspection.open(path: path)
            #expect(inspection.verdict == .damaged(reason: "it was cut short: 3 of its \(pages) pages are missing"))
            #expect(try inspection.read { try inspection.store.row(.experiment(2)) } != nil)
        }
    }

    /// A log that stands beside a database it doesn't belong to is merged by SQLite without a word.
    @Test func `a log of another store, or of another moment, is told`() async throws {
        try await withScratch { root in
            let (path, other) = (root + "/metastore.db", root + "/other.db")
            for place in [path, other] { try await FullStore.make(in: .sqlite(place)) }
            let process = try CrashProcess("serve")
            _ = try process.ask("open \(other) still")
            for number in 0..<5 { _ = try process.ask("put a/\(number) 1") }
            process.kill()
            let log = try contents(other + "-wal")
            try write(log, to: path + "-wal")
            let verdict = refusal(path)
            #expect(verdict.contains("the write-ahead log beside it is another store's"), "\(verdict)")
            // Closed, and further on: its own log of before was put back, over pages that belong to later ones.
            let store = try await Metastore.open(.sqlite(other))
            for number in 0..<40 { try await store.keyValue.put("b/more", "\(number)") }
            let last = store.position.revision
            await store.close()
            unlink(other + ".head")
            try write(log, to: other + "-wal")
            let later = refusal(other)
            #expect(later.contains("write-ahead log doesn't fit it") && later.contains("--wal ignore"), "\(later)")
            #expect(try Inspection.open(path: other, wal: .none).verdict == .notClosedCleanly(provenUpTo: last))
        }
    }

    /// A checkpoint brought all of it into the file, and then the log was damaged: what is left of it is older.
    @Test func `a log that ends before its file does is told`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            let process = try CrashProcess("serve")
            _ = try process.ask("open \(path) still")
            _ = try process.ask("settle")
            for number in 0..<5 { _ = try process.ask("put a/\(number) 1") }
            var log = try contents(path + "-wal")
            _ = try process.ask("close")
            process.kill()
            unlink(path + ".head")
            let closed = try revision(Inspection.open(path: path))
            try write(log, to: path + "-wal")
            let commits = try #require(try FrozenBytes(path + "-wal").flatMap { try LogFrames($0) }).commits
            log[32 + (commits.last?.frame ?? 1) * 4_120 - 2_000] ^= 1
            try write(log, to: path + "-wal")
            #expect(
                try Inspection.open(path: path).verdict
                    == .damaged(
                        reason:
                            "its write-ahead log ends at revision \(closed.rawValue - 1), and the database file holds "
                            + "\(closed) already: the two are of different moments"))
        }
    }

    @Test func `what is no store is told by name`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            #expect(refusal(path).contains("there is no store at \(path)"))
            try write([], to: path)
            #expect(refusal(path).contains("0 bytes"))
            try write(Array(repeating: 7, count: 9_000), to: path)
            #expect(refusal(path).contains("not an SQLite database"))
            // The same, where a store has been.
            try await FullStore.make(in: .sqlite(root + "/s.db"))
            var bytes = try contents(root + "/s.db")
            bytes.replaceSubrange(0..<100, with: Array(repeating: 0, count: 100))
            try write(bytes, to: root + "/s.db")
            let damaged = refusal(root + "/s.db")
            #expect(damaged.contains("is damaged") && damaged.contains("salvage"), "\(damaged)")
            #expect(refusal(root).contains("there is no store"))

            let foreign = SQLiteEngine(path: root + "/foreign.db", options: EngineOptions())
            _ = try foreign.prepare()
            try foreign.create { try $0.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY)") }
            foreign.close()
            #expect(refusal(root + "/foreign.db").contains("another program made it"))

            let server = root + "/main"
            for directory in [server, server + "/global"] { mkdir(directory, 0o755) }
            try write(Array("15\n".utf8), to: server + "/PG_VERSION")
            try write(Array(repeating: 0, count: 16) + [6, 0, 0, 0], to: server + "/global/pg_control")
            let data = refusal(server)
            #expect(data.contains("PostgreSQL 15") && data.contains("it was running") && data.contains("pg_ctl"))
        }
    }

    @Test func `an unfinished copy is told as one`() async throws {
        try await withScratch { root in
            let (path, copy) = (root + "/metastore.db", root + "/copy.db")
            try await FullStore.make(in: .sqlite(path), more: 2_000)
            for _ in 0..<20 {
                let process = try CrashProcess("serve")
                process.send("copy \(path) \(copy) 10")
                while let line = try process.line() {
                    if line.hasPrefix("copied") || line.hasPrefix("ok") || line.hasPrefix("error") { break }
                }
                process.kill()
                let verdict = refusal(copy)
                if verdict.hasPrefix("opened") {
                    try run("sh", "-c", "rm -f \(copy)*")
                    continue
                }
                #expect(verdict.contains("unfinished copy") && verdict.contains(copy), "\(verdict)")
                return
            }
            Issue.record("every copy was faster than its end")
        }
    }

    @Test func `an older schema is read, and a newer one as far as it allows`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await FullStore.make(in: .sqlite(path))
            // This program, as it was when it knew the first schema only.
            var older = InspectionOptions()
            older.migrator = Migrator(
                steps: Array(older.migrator.steps.prefix(1)), appliedBy: "metastore 0.1.0", host: "here")
            let newer = try Inspection.open(path: path, older)
            #expect(newer.schema.found == 3 && newer.schema.known == 1)
            #expect(newer.notices.contains { $0.contains("a newer release wrote it: schema 3") })
            #expect(newer.notices.count == 1, "\(newer.notices)")
            try rewrite(path, "UPDATE head SET min_reader = 2")
            let refused = refusal(path, older)
            #expect(refused.contains("The data is intact") && refused.contains("or newer"), "\(refused)")

            try EngineSource.sqlite(path).goBackToFirstSchema()
            let first = try Inspection.open(path: path)
            #expect(first.schema.found == 1 && first.verdict == .clean && first.notices == [], "\(first.notices)")
        }
    }

    #if PostgreSQL
        @Test func `a store on a server is one snapshot`() async throws {
            try await withScratch { root in
                let source = try TestEngine.postgresql.source(in: root)
                defer { TestEngine.postgresql.remove(from: root) }
                try await FullStore.make(in: source)
                let inspection = try Inspection.open(server: source)
                #expect(inspection.verdict == .live && inspection.isLive && inspection.schema.found == 3)
                let before = try revision(inspection)
                let store = try await Metastore.open(source)
                try await store.keyValue.put("n/more", "1")
                await store.close()
                #expect(try revision(inspection) == before)
                #expect(try revision(Inspection.open(server: source)) > before)
                #expect(throws: EngineError.self) { try inspection.connection.execute("DELETE FROM key_value") }
            }
        }
    #endif
}

/// Changes a closed store behind its back.
func rewrite(_ path: String, _ script: String) throws {
    let engine = SQLiteEngine(path: path, options: EngineOptions())
    defer { engine.close() }
    _ = try engine.prepare()
    let connection = try engine.openWriter()
    defer { connection.close() }
    try connection.executeScript(script)
    try engine.settle(connection)
}
