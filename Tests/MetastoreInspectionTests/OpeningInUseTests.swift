internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `Opening a store that is in use` {
    private static let nobody: UInt32 = 65_534

    /// A master that has written two keys, and goes on.
    private func master(_ root: String) throws -> CrashProcess {
        let process = try CrashProcess("serve")
        #expect(try process.ask("open \(root)/metastore.db").hasPrefix("ok"))
        for number in 1...2 { #expect(try process.ask("put a/\(number) 1").hasPrefix("ok")) }
        return process
    }

    @Test func `reads it through its own locks, and sees what is written meanwhile`() async throws {
        try await withScratch { root in
            let process = try master(root)
            let inspection = try Inspection.open(path: root)
            #expect(inspection.isLive && inspection.verdict == .live && inspection.log == nil)
            #expect(inspection.notices.contains { $0.contains("process \(process.id)") }, "\(inspection.notices)")
            func keys() throws -> Int64 { try inspection.read { try inspection.store.count(of: .keyValue) } }
            #expect(try keys() == 2)
            #expect(try process.ask("put a/3 1").hasPrefix("ok"))
            #expect(try keys() == 3)
            #expect(throws: EngineError.self) { try inspection.connection.execute("DELETE FROM key_value") }
            #expect(try process.ask("verify").hasPrefix("ok"))
        }
    }

    @Test func `ends a read that holds its log, and reads on`() async throws {
        try await withScratch { root in
            let process = try master(root)
            var options = InspectionOptions()
            options.liveLimit = .milliseconds(300)
            let inspection = try Inspection.open(path: root, options)
            let endless: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n"
            let silent: SQL = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n"
            for statement in [endless, silent] {
                let error = #expect(throws: EngineError.self) {
                    try inspection.read { try inspection.connection.forEachRow(statement) { _ in true } }
                }
                #expect(error?.code == .interrupted && error?.message.contains("took longer than 0.3 seconds") == true)
                #expect(error?.message.contains("in use") == true)
            }
            // Many short statements are one read, too.
            let error = #expect(throws: EngineError.self) {
                try inspection.read { while true { _ = try inspection.connection.first("SELECT 1") { _ in 1 } } }
            }
            #expect(error?.code == .interrupted)
            #expect(try inspection.read { try inspection.store.count(of: .keyValue) } == 2)
            #expect(try process.ask("put a/3 1").hasPrefix("ok"))
        }
    }

    /// The lock tells, not the file: it stays when its holder goes.
    @Test func `of a killed master is opening one at rest`() async throws {
        try await withScratch { root in
            let process = try master(root)
            process.kill()
            let inspection = try Inspection.open(path: root)
            #expect(!inspection.isLive && inspection.log?.commits ?? 0 >= 2)
            #expect(access(root + "/metastore.db.lock", F_OK) == 0)
            #expect(try inspection.read { try inspection.store.count(of: .keyValue) } == 2)
        }
    }

    /// Where SQLite can't take part, nothing is read from under the writer: a copy of one moment is.
    /// Others keep their files there, too.
    private static func copies() throws -> Set<String> {
        Set(try FileManager.default.contentsOfDirectory(atPath: "/var/tmp").filter { $0.hasPrefix("metastore-copy-") })
    }

    @Test(.enabled(if: isRoot), arguments: [true, false])
    func `shows a copy where SQLite can't open it`(_ canTryLock: Bool) async throws {
        try await withScratch { root in
            chmod(root, 0o755)
            let process = try CrashProcess("serve")
            #expect(try process.ask("open \(root)/metastore.db still").hasPrefix("ok"))
            for number in 1...2 { #expect(try process.ask("put a/\(number) 1").hasPrefix("ok")) }
            for suffix in ["", "-wal", ".head"] { chmod(root + "/metastore.db" + suffix, 0o644) }
            chmod(root + "/metastore.db-shm", 0o600)
            chmod(root + "/metastore.db.lock", canTryLock ? 0o644 : 0o600)
            let left = try Self.copies()
            let told = try Told(root + "/metastore.db", user: Self.nobody)
            #expect(told("live") == "false" && told("verified") == "true", "\(told.lines)")
            #expect(told.all("key").count == 2)
            #expect(told("verdict")?.hasPrefix("not closed cleanly: proven up to revision") == true)
            #expect(told.notices.contains("a copy of its files at one moment is shown"))
            #expect(told.notices.contains(canTryLock ? "it is open in process" : "can't be found out here"))
            #expect(try Self.copies().subtracting(left).isEmpty)
            // What SQLite can take part in is read through it, if only to be on the safe side.
            chmod(root + "/metastore.db-shm", 0o644)
            let live = try Told(root + "/metastore.db", user: Self.nobody)
            #expect(live("live") == "true" && live.all("key").count == 2, "\(live.lines)")
            #expect(try process.ask("put a/3 1").hasPrefix("ok"))
            #expect(try process.ask("verify").hasPrefix("ok"))
        }
    }

    @Test func `gives up on a copy that is changed each time`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            let process = try master(root)
            process.kill()
            let copies = root + "/copies"
            mkdir(copies, 0o700)
            var tries = 0
            let error = #expect(throws: EngineError.self) {
                _ = try FrozenCopy(of: path, in: copies) {
                    tries += 1
                    try? write((try? contents(path + "-wal")) ?? [], to: path + "-wal")
                }
            }
            #expect(error?.code == .busy && tries == 3)
            #expect(try FileManager.default.contentsOfDirectory(atPath: copies) == [])
            // A change during the first try alone is none of the second's.
            tries = 0
            let copy = try FrozenCopy(of: path, in: copies) {
                tries += 1
                if tries == 1 { try? write((try? contents(path + "-wal")) ?? [], to: path + "-wal") }
            }
            #expect(tries == 2)
            #expect(try contents(copy.path + "-wal") == contents(path + "-wal"))
        }
    }

    @Test func `tells when files at rest were changed while they were read`() async throws {
        try await withScratch { root in
            let process = try master(root)
            process.kill()
            let inspection = try Inspection.open(path: root)
            #expect(try inspection.read { try inspection.store.count(of: .keyValue) } == 2)
            let error = #expect(throws: EngineError.self) {
                try inspection.read {
                    let store = try CrashProcess("serve")
                    #expect(try store.ask("open \(root)/metastore.db").hasPrefix("ok"))
                    #expect(try store.ask("put a/3 1").hasPrefix("ok"))
                }
            }
            #expect(error?.code == .busy && error?.message.contains("was changed while it was read") == true)
        }
    }

    /// Closing a plain descriptor of a file that this process has open through SQLite would drop its locks.
    @Test func `touches no file plainly that this process has open`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            let store = try await Metastore.open(.sqlite(path))
            try await store.keyValue.put("a/1", "1")
            let error = #expect(throws: EngineError.self) { _ = try FrozenBytes(path) }
            #expect(error?.code == .misuse)
            let inspection = try Inspection.open(path: path)
            #expect(inspection.isLive)
            #expect(try inspection.read { try inspection.store.count(of: .keyValue) } == 1)
            await store.close()
        }
    }
}
