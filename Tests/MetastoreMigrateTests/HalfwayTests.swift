internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreSQLite
internal import MigrateSupport
internal import Synchronization
internal import Testing

#if PostgreSQL
    internal import PostgreSQLServer
#endif

/// What happens between two moments of a command, and was not there when it first looked.
@Suite(.serialized, .timed) struct `What happens meanwhile` {
    /// As a rollback leaves it that was killed after the names were exchanged: what was there before is under the name
    /// of the unfinished copy.
    private func halfRestored() async throws -> Rig {
        for number in 1...9 {
            let rig = try await Rig(.file)
            try await rig.up()
            let program = CrashProcess.directory + "/metastore-migrate-test"
            let watch = ["-f", "-qq", "-o", "/dev/null", "-e", "trace=renameat2"]
            let kill = ["-e", "inject=renameat2:signal=KILL:when=\(number)"]
            let rollback = [program, "rollback", rig.url, rig.backups, rig.cataloguesFile, "none", "log"]
            _ = try Tool.run(watch + kill + rollback, program: "/usr/bin/strace")
            let status = try rig.upgrade().status()
            if status.state == .halfRestored, status.schema == UpgradeSteps.first - 1 { return rig }
        }
        throw Failure("no exchange of names was met", 0)
    }

    private func hide(_ rig: Rig) throws {
        try FaultSupport.run("mv", rig.file + ".replacing", rig.directory + "/note")
    }
    private func show(_ rig: Rig) throws {
        try FaultSupport.run("mv", rig.directory + "/note", rig.file + ".replacing")
    }

    /// It removed the database that the other one had been about to put aside.
    @Test func `a rollback that waited for one that was killed carries that one through`() async throws {
        let rig = try await halfRestored()
        let backup = try #require(rig.names(in: rig.backups).first.map { rig.backups + "/" + $0 })
        let before = try summary(of: .sqlite(rig.file + ".restoring"))
        try hide(rig)
        var options = Upgrade.RollbackOptions()
        options.backup = backup
        let report = try await rig.upgrade().rollback(options) { _ in try show(rig) }
        #expect(report.backup == nil && report.schema == UpgradeSteps.first - 1)
        #expect(try summary(of: .sqlite(try #require(report.aside))) == before)
        #expect(try await rig.withStore { try await $0.verify().isClean })
    }

    @Test func `up that waited for a rollback that was killed changes nothing`() async throws {
        let rig = try await halfRestored()
        try hide(rig)
        let refused = await failure { _ = try await rig.upgrade().up(rig.options) { _ in try show(rig) } }
        #expect(refused?.status == .no && refused?.description.contains("rollback was begun") == true)
        #expect(try rig.upgrade().status().state == .halfRestored)
        #expect(try await rig.rollback().backup == nil)
    }

    @Test func `up beside a rollback that is just giving the names says who is at work`() async throws {
        let rig = try await halfRestored()
        let lock = open(rig.file + ".lock", O_RDWR | O_CLOEXEC)
        #expect(lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0)
        defer { close(lock) }
        // What the killed one had written there of itself.
        #expect(ftruncate(lock, 0) == 0)
        var options = rig.options
        options.lockTimeout = .milliseconds(100)
        let chosen = options
        let refused = await failure { _ = try await rig.upgrade().up(chosen) { _ in } }
        #expect(refused?.status == .tryLater, "\(String(describing: refused))")
        #expect(refused?.description.contains("process \(getpid())") == true, "\(String(describing: refused))")
    }

    #if PostgreSQL
        private func upgraded(_ rig: Rig, at line: String, _ event: @escaping @Sendable () throws -> Void) async throws
            -> CommandFailure?
        {
            let hasHappened = Atomic(false)
            let upgrade = try rig.upgrade(.absent) { text in
                guard text.hasPrefix(line), !hasHappened.exchange(true, ordering: .relaxed) else { return }
                do { try event() } catch { Issue.record("\(error)") }
            }
            let found = await failure { _ = try await upgrade.up(rig.options) { _ in } }
            let isOver = hasHappened.load(ordering: .relaxed)
            #expect(isOver)
            return found
        }

        /// What it says, and that the next run goes on.
        private func expectHalfway(_ rig: Rig, _ failure: CommandFailure?) async throws {
            #expect(failure?.status == .tryLater, "\(String(describing: failure))")
            let text = failure?.description ?? ""
            #expect(text.contains("cut off") && text.contains("it goes on from there"), "\(text)")
            #expect(text.contains("Migration 2 was applied before it and stay"), "\(text)")
            #expect(text.contains("is verified") && text.contains("rollback"), "\(text)")
            let status = try rig.upgrade(.absent).status()
            #expect(status.schema == 2 && status.state == .pending && status.lock?.isAlive != true)
            let rest = try await rig.up(.absent)
            #expect(rest.steps.map(\.number) == Array(3...UpgradeSteps.first))
            #expect(try rig.upgrade(.absent).status().lock == nil)
        }

        @Test func `a connection that is lost between two steps`() async throws {
            let rig = try await Rig(.server, schema: 1)
            let end = "SELECT pg_terminate_backend(pid::int) FROM migration_lock"
            let found = try await upgraded(rig, at: "step 2 metric_summaries: done") { try rig.ask(end) }
            try await expectHalfway(rig, found)
        }

        @Test func `a connection that is lost after the last step`() async throws {
            let rig = try await Rig(.server, schema: 1)
            let end = "SELECT pg_terminate_backend(pid::int) FROM migration_lock"
            let found = try await upgraded(rig, at: "\rverifying \(rig.url)") { try rig.ask(end) }
            #expect(found?.status == .tryLater, "\(String(describing: found))")
            let text = found?.description ?? ""
            #expect(text.contains("All steps were applied") && text.contains("(2, 3, 4) and stay"), "\(text)")
            #expect(text.contains("metastore-migrate verify"), "\(text)")
            #expect(try rig.upgrade(.absent).status().state == .current)
            #expect(try rig.upgrade(.absent).verify().findings.isEmpty)
            #expect(try await rig.up(.absent).steps.isEmpty)
        }

        @Test(arguments: [PostgreSQLServer.Stop.fast, .immediate])
        func `a server that is restarted between two steps`(_ stop: PostgreSQLServer.Stop) async throws {
            let server = try PostgreSQLServer()
            let rig = try await Rig(.server, schema: 1, server: server)
            let found = try await upgraded(rig, at: "step 2 metric_summaries: done") { try server.restart(stop) }
            try await expectHalfway(rig, found)
        }

        @Test func `a server that is restarted while the backup is made`() async throws {
            let server = try PostgreSQLServer()
            let rig = try await Rig(.server, rows: 300, schema: 1, server: server)
            let found = try await upgraded(rig, at: "\rbackup: copying workloads") { try server.restart(.immediate) }
            #expect(found?.status == .tryLater, "\(String(describing: found))")
            #expect(found?.description.contains("no step was begun") == true, "\(String(describing: found))")
            #expect(rig.names(in: rig.backups).isEmpty)
            #expect(try rig.upgrade(.absent).status().schema == 1)
            #expect(try await rig.up(.absent).steps.count == 3)
        }

        /// It was stopped between two steps, the server ended its session, and somebody else did the work.
        @Test func `a migrator whose lock was taken over changes nothing any more`() async throws {
            let rig = try await Rig(.server, schema: 1)
            let late = try Tool(
                [
                    "up", rig.url, rig.backups, rig.cataloguesFile, "absent", "stop:step 2 metric_summaries: done",
                ], program: "metastore-migrate-test")
            late.awaitStop()
            var options = rig.options
            options.lockTimeout = .milliseconds(100)
            let chosen = options
            let refused = await failure { _ = try await rig.upgrade(.absent).up(chosen) { _ in } }
            #expect(refused?.status == .tryLater)
            #expect(refused?.description.contains("process \(late.process) (metastore test) on here since 20") == true)
            try rig.ask("SELECT pg_terminate_backend(pid::int) FROM migration_lock")
            #expect(try await rig.up(.absent).steps.map(\.number) == Array(3...UpgradeSteps.first))
            let history = try rig.ask("SELECT * FROM schema_migrations ORDER BY number")
            let records = try rig.ask("SELECT count(*) FROM log")
            late.send(SIGCONT)
            let ending = late.end()
            #expect(ending.output.contains("error 75 "), "\(ending.output)")
            #expect(try rig.ask("SELECT * FROM schema_migrations ORDER BY number") == history)
            #expect(try rig.ask("SELECT count(*) FROM log") == records)
            #expect(try rig.upgrade(.absent).status().state == .current)
        }

        /// Its session is alive, and the lock another's: the rollback was restored under another's hands.
        @Test func `a rollback whose lock was taken over changes no name`() async throws {
            let rig = try await Rig(.server)
            try await rig.up()
            let before = try summary(of: rig.source)
            let late = try Tool(
                ["rollback", rig.url, rig.backups, rig.cataloguesFile, "none", "stop:restore: "],
                program: "metastore-migrate-test")
            late.awaitStop()
            try rig.ask("UPDATE migration_lock SET token = token + 1, holder = NULL")
            late.send(SIGCONT)
            let ending = late.end()
            #expect(ending.output.contains("error 75 ") && ending.output.contains("took"), "\(ending.output)")
            #expect(try summary(of: rig.source) == before)
            #expect(try rig.schemas == ["metastore"])
            // Whoever has an older token finds it raised in what was restored, and in what is kept.
            let token = { (schema: String) in try rig.ask("SELECT token FROM \"\(schema)\".migration_lock") }
            let old = try #require(Int(try token("metastore")))
            let aside = try await rig.rollback().aside
            #expect(try Int(token("metastore")) ?? 0 > old + 1)
            let kept = try #require(aside?.split(separator: " ").last.map(String.init))
            #expect(try Int(token(kept)) ?? 0 > old + 1)
        }
    #endif
}
