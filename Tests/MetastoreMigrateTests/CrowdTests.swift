internal import FaultSupport
internal import Glibc
internal import MetastoreCommandLine
internal import MigrateSupport
internal import Testing

/// The commands as processes, several at once on one store.
@Suite(.serialized, .timed) struct `Several at once` {
    /// One that is stopped in the middle of its work, and has the lock.
    private func stopped(_ rig: Rig, _ command: String, backup: String? = nil) throws -> Tool {
        let tool = try start(rig, command, command == "up" ? "stop:backup: " : "stop:restore: ", backup: backup)
        tool.awaitStop()
        #expect(!tool.hasEnded)
        return tool
    }

    private func start(
        _ rig: Rig, _ command: String, _ watch: String = "log", waiting seconds: Int = 60, backup: String? = nil
    ) throws -> Tool {
        let own = [command, rig.url, rig.backups, rig.cataloguesFile, "absent", watch, "\(seconds)"]
        return try Tool(own + (backup.map { [$0] } ?? []), program: "metastore-migrate-test")
    }

    /// It names its holder: the process, the host and since when.
    private func expectRefusal(_ ending: Tool.Ending, by holder: Tool, _ rig: Rig) {
        let text = ending.output
        #expect(text.contains("error 75 ") && text.contains("process \(holder.process) ("), "\(text)")
        #expect(text.contains(rig.kind == .file ? " on \(Rig.host) since 20" : " on here since 20"), "\(text)")
    }

    /// A store that has one more step to go, and a backup to go back to.
    private func halfway(_ kind: Kind) async throws -> (rig: Rig, backup: String) {
        let rig = try await Rig(kind, rows: 20, schema: 1)
        var options = rig.options
        options.target = 2
        let chosen = options
        let report = try await rig.upgrade(.absent).up(chosen) { _ in }
        return (rig, try #require(report.backup?.path))
    }

    /// Each step was applied once, and the store is as it should be.
    private func expectWhole(_ rig: Rig, schema: Int64) throws {
        let upgrade = try rig.upgrade(.absent)
        #expect(try upgrade.status().schema == schema)
        #expect(try upgrade.history().entries.map(\.number) == Array(1...schema))
        #expect(try upgrade.check().differences.isEmpty && upgrade.verify().findings.isEmpty)
    }

    private func expectAsides(_ rig: Rig, _ count: Int = 1) throws {
        if rig.kind == .file {
            let names = rig.names(in: rig.directory).filter { $0.hasPrefix("metastore") && !$0.hasSuffix("-wal") }
            #expect(names.count { $0.contains(".failed-") } == count, "\(names)")
            #expect(!names.contains { $0.contains("restoring") || $0.contains("replacing") }, "\(names)")
        }
        #if PostgreSQL
            if rig.kind == .server {
                let schemas = try rig.schemas
                #expect(schemas.count { $0.hasPrefix("metastore_failed-") } == count, "\(schemas)")
                #expect(schemas.count == count + 1, "\(schemas)")
            }
        #endif
    }

    @Test(arguments: Kind.allCases)
    func `up: one of ten works, the others wait and find it done`(_ kind: Kind) async throws {
        let rig = try await Rig(kind, schema: 1)
        let processes = try (0..<10).map { _ in try start(rig, "up") }
        let said = processes.map { $0.end() }
        #expect(said.allSatisfy { $0.code == 0 }, "\(said.map(\.output))")
        let applied = said.flatMap { $0.lines.last?.split(separator: " ").dropFirst() ?? [] }
        #expect(applied.sorted() == (2...UpgradeSteps.first).map { "\($0)" })
        #expect(rig.names(in: rig.backups).count == 1)
        try expectWhole(rig, schema: UpgradeSteps.first)
    }

    @Test(arguments: Kind.allCases)
    func `up: those that may not wait say who is at work`(_ kind: Kind) async throws {
        let rig = try await Rig(kind, schema: 1)
        let working = try stopped(rig, "up")
        let others = try (0..<9).map { _ in try start(rig, "up", waiting: 0) }
        for other in others { expectRefusal(other.end(), by: working, rig) }
        working.send(SIGCONT)
        #expect(working.end().code == 0)
        #expect(rig.names(in: rig.backups).count == 1)
        try expectWhole(rig, schema: UpgradeSteps.first)
    }

    /// The rollback of before changed the names of a server's schemas under the hands of whoever was migrating.
    @Test(arguments: Kind.allCases)
    func `rollback waits for up, and undoes nothing that it was not asked to`(_ kind: Kind) async throws {
        let (rig, backup) = try await halfway(kind)
        let working = try stopped(rig, "up")
        expectRefusal(try start(rig, "rollback", waiting: 0, backup: backup).end(), by: working, rig)
        let late = try start(rig, "rollback", "stop:verifying", backup: backup)
        late.awaitStop()
        late.send(SIGCONT)
        usleep(300_000)
        working.send(SIGCONT)
        let waiting = late.end()
        #expect(waiting.output.contains("error 1 ") && waiting.output.contains("somebody else"), "\(waiting.output)")
        #expect(working.end().code == 0)
        try expectWhole(rig, schema: UpgradeSteps.first)
        #expect(try start(rig, "rollback", backup: backup).end().code == 0)
        try expectWhole(rig, schema: 1)
    }

    @Test(arguments: Kind.allCases)
    func `up waits for rollback, and upgrades what was restored`(_ kind: Kind) async throws {
        let (rig, _) = try await halfway(kind)
        let waiting: Tool
        // On a file all of it happens at once, before anything could be said; its lock is held by hand instead.
        if kind == .file {
            let lock = open(rig.file + ".lock", O_RDWR | O_CLOEXEC)
            #expect(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
            let working = try start(rig, "rollback")
            waiting = try start(rig, "up")
            usleep(300_000)
            #expect(!working.hasEnded && !waiting.hasEnded)
            close(lock)
            let first = working.end()
            #expect(first.code == 0 || first.output.contains("somebody else"), "\(first.output)")
        } else {
            let working = try stopped(rig, "rollback")
            expectRefusal(try start(rig, "up", waiting: 0).end(), by: working, rig)
            waiting = try start(rig, "up")
            usleep(300_000)
            working.send(SIGCONT)
            #expect(working.end().code == 0)
            try expectAsides(rig)
        }
        #expect(waiting.end().code == 0)
        try expectWhole(rig, schema: UpgradeSteps.first)
    }

    @Test(arguments: Kind.allCases)
    func `rollback: one of ten works, the others find it done`(_ kind: Kind) async throws {
        let (rig, backup) = try await halfway(kind)
        let processes = try (0..<10).map { _ in try start(rig, "rollback", backup: backup) }
        let said = processes.map { $0.end() }
        // One that came after another had ended looks at a store that was rolled back, and does it once more: in the
        // middle of the other's last look, perhaps.
        let (done, late) = (
            said.filter { $0.code == 0 || $0.output.contains("put the backup in place, and somebody else") },
            said.filter { $0.code != 0 }
        )
        #expect(!done.isEmpty)
        #expect(late.allSatisfy { $0.output.contains("somebody else") }, "\(late.map(\.output))")
        try expectAsides(rig, done.count)
        try expectWhole(rig, schema: 1)
    }

    #if PostgreSQL
        @Test func `rollback on a server: one that may not wait says who is at work`() async throws {
            let (rig, backup) = try await halfway(.server)
            let working = try stopped(rig, "rollback")
            expectRefusal(try start(rig, "rollback", waiting: 0, backup: backup).end(), by: working, rig)
            working.send(SIGCONT)
            #expect(working.end().code == 0)
            try expectAsides(rig)
            try expectWhole(rig, schema: 1)
        }

        /// There is no lock left in what is no store any more; two wrote the same copy then.
        @Test func `rollback on a server where the store is gone: one works, the other says so`() async throws {
            let (rig, backup) = try await halfway(.server)
            try rig.ask("DROP SCHEMA metastore CASCADE")
            let working = try stopped(rig, "rollback", backup: backup)
            let other = try start(rig, "rollback", waiting: 0, backup: backup).end()
            #expect(other.output.contains("error 75 ") && other.output.contains("server process"), "\(other.output)")
            working.send(SIGCONT)
            #expect(working.end().code == 0)
            #expect(try rig.schemas == ["metastore"])
            try expectWhole(rig, schema: 1)
        }
    #endif
}
