internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import Testing

/// The commands on a backfill, as processes.
@Suite(.serialized) struct `metastore-migrate backfill` {
    @Test(arguments: Kind.allCases)
    func `run does what is left, and says so`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.makeOld()
        #expect(try Tool.run(["backfill", "status", rig.url]).code == 1)
        #expect(try Tool.run(["up", rig.url, "--yes", "--backup-dir", rig.backups]).code == 0)
        #expect(try Tool.run(["status", rig.url]).code == 0, "an unfinished backfill is nothing pending")
        #expect(try Tool.run(["backfill", "status", rig.url]).code == 1)
        let run = try Tool.run(["backfill", "run", rig.url])
        #expect(run.code == 0 && run.output.contains("done") && run.output.contains("1,260 rows"), "\(run)")
        #expect(!run.errors.contains("\u{1B}") && !run.errors.contains("\r"))
        #expect(try Tool.run(["backfill", "status", rig.url]).code == 0)
        #expect(try Tool.run(["backfill", "run", rig.url], output: .closedPipe).code == 141)
        #expect(try rig.progress().rowsDone == Rig.rows)
        #expect(try rig.released.verify().exitStatus == .success)
    }

    @Test func `run leaves it to a master that holds the store`() async throws {
        let rig = try await Rig(.file)
        try await rig.report()
        try rig.forget(rowsPerSecond: 1)
        let master = try await Metastore.open(try rig.source)
        let run = try Tool.run(["backfill", "run", rig.url])
        #expect(run.code == 75 && run.output.isEmpty)
        #expect(run.errors.contains("process \(getpid())") && run.errors.contains("does the backfill itself"))
        await master.close()
    }

    @Test(arguments: Kind.allCases)
    func `gives orders that a running master obeys`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.report()
        try rig.forget(rowsPerSecond: 50)
        let master = try CrashProcess("serve")
        #expect(try master.ask("open \(rig.url)").hasPrefix("ok"))
        func state() throws -> String { try master.ask("backfill") }
        try await eventually { try rig.progress().rowsDone > 0 }
        #expect(try rig.released.backfillStatus().isWorkedOn)
        #expect(try Tool.run(["backfill", "pause", rig.url]).code == 0)
        try await eventually { try state().hasPrefix("ok paused") }
        let paused = try state()
        try await Task.sleep(for: .milliseconds(2_500))
        #expect(try state() == paused)
        #expect(try Tool.run(["backfill", "throttle", rig.url, "100000"]).code == 0)
        try await eventually { try rig.progress().rowsPerSecond == 100_000 }
        #expect(try rig.progress().state == .paused)
        #expect(try Tool.run(["backfill", "resume", rig.url]).code == 0)
        try await eventually { try state() == "ok done \(Rig.rows)" }
        #expect(try master.ask("verify").hasPrefix("ok"))
        #expect(try master.ask("close").hasPrefix("ok"))
    }

    @Test(arguments: Kind.allCases)
    func `run obeys orders as well`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.report()
        try rig.forget(rowsPerSecond: 50)
        let run = try Tool(["backfill", "run", rig.url])
        try await eventually { try rig.progress().rowsDone > 0 }
        #expect(try Tool.run(["backfill", "pause", rig.url]).code == 0)
        try await eventually { run.errors.contains("paused by orders") }
        let paused = try rig.progress()
        try await Task.sleep(for: .milliseconds(1_500))
        #expect(try rig.progress() == paused && paused.state == .paused && !run.hasEnded)
        #expect(try Tool.run(["backfill", "throttle", rig.url, "none"]).code == 0)
        #expect(try Tool.run(["backfill", "resume", rig.url]).code == 0)
        let ending = run.end()
        #expect(ending.code == 0 && ending.output.contains("done"), "\(ending)")
        #expect(try rig.progress().rowsDone == Rig.rows)
    }

    @Test(arguments: Kind.allCases)
    func `run ends cleanly when somebody stops it, and the next one goes on`(_ kind: Kind) async throws {
        for (signal, code) in [(SIGINT, 130), (SIGTERM, 143)] as [(Int32, Int32)] {
            let rig = try await Rig(kind)
            try await rig.report()
            try rig.forget(rowsPerSecond: 50)
            let run = try Tool(["backfill", "run", rig.url, "-o", "json"])
            try await eventually { try rig.progress().rowsDone > 0 }
            run.send(signal)
            let ending = run.end()
            #expect(ending.code == code, "\(ending)")
            let report = try JSONDecoder().decode(RunReport.self, from: Data(ending.output.utf8))
            let left = try rig.progress()
            #expect(report.isInterrupted && report.rows == left.rowsDone && report.rows < Rig.rows)
            if kind == .file {
                // As a master leaves it that ends.
                #expect(try rig.withConnection { try $0.first("SELECT clean FROM head") { try $0.integer(0) } } == 1)
            }
            #expect(try rig.released.throttleBackfill(rowsPerSecond: nil).exitStatus == .success)
            #expect(try Tool.run(["backfill", "run", rig.url]).code == 0)
            #expect(try rig.progress().rowsDone == Rig.rows)
        }
    }

    private struct RunReport: Decodable {
        let isInterrupted: Bool
        let rows: Int64
    }

    @Test(arguments: Kind.allCases)
    func `run killed at any moment: the next one goes on, no row twice`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.report()
        try rig.forget(rowsPerSecond: 2_000)
        var random = Scale.random(91)
        var rows: Int64 = 0
        for round in 0..<Scale.of(50) {
            let run = try Tool(["backfill", "run", rig.url])
            usleep(UInt32.random(in: 0...900_000, using: &random))
            run.send(SIGKILL)
            _ = run.end()
            let left = try rig.progress()
            #expect(left.rowsDone >= rows && left.rowsDone <= Rig.rows, "\(round)")
            #expect(try rig.released.verify().exitStatus == .success, "\(round)")
            rows = left.rowsDone
            guard left.state == .done else { continue }
            #expect(rows == Rig.rows)
            try rig.forget(rowsPerSecond: 2_000)
            rows = 0
        }
        let last = try Tool.run(["backfill", "run", rig.url])
        #expect(last.code == 0, "\(last)")
        #expect(try rig.progress().state == .done && rig.progress().rowsDone == Rig.rows)
        #expect(try rig.released.verify().exitStatus == .success)
    }

    #if PostgreSQL
        @Test func `run beside a master on a server looks on, and takes over when that is killed`() async throws {
            let rig = try await Rig(.server)
            try await rig.report()
            try rig.forget(rowsPerSecond: 50)
            let master = try CrashProcess("serve")
            #expect(try master.ask("open \(rig.url)").hasPrefix("ok"))
            try await eventually { try rig.progress().rowsDone > 0 }
            let run = try Tool(["backfill", "run", rig.url])
            let before = try rig.progress().rowsDone
            try await eventually { try rig.progress().rowsDone > before + 100 }
            #expect(!run.hasEnded)
            master.kill()
            #expect(try Tool.run(["backfill", "throttle", rig.url, "none"]).code == 0)
            let ending = run.end()
            #expect(ending.code == 0, "\(ending)")
            #expect(try rig.progress().rowsDone == Rig.rows)
            #expect(try rig.released.verify().exitStatus == .success)
        }
    #endif

    @Test func `is not misled by a control file that was damaged`() async throws {
        let rig = try await Rig(.file)
        try await rig.report()
        try rig.forget(rowsPerSecond: 7)
        try Data("{".utf8).write(to: URL(filePath: rig.file + ".control"))
        let status = try Tool.run(["backfill", "status", rig.url])
        #expect(status.code == 1 && status.output.contains("don't count"), "\(status)")
        // What was ordered before still holds, also where the order names only a part of it.
        #expect(try Tool.run(["backfill", "pause", rig.url]).code == 0)
        let orders = try #require(try rig.released.backfillStatus().orders)
        #expect(orders.isPaused && orders.rowsPerSecond == 7 && !orders.isTakenIn)
        #expect(try Tool.run(["backfill", "resume", rig.url]).code == 0)
        #expect(try Tool.run(["backfill", "throttle", rig.url, "none"]).code == 0)
        try FileManager.default.removeItem(atPath: rig.file + ".control")
        try FaultSupport.run("mkdir", rig.file + ".control")
        #expect(try Tool.run(["backfill", "status", rig.url]).output.contains("is not a file"))
        #expect(try Tool.run(["backfill", "pause", rig.url]).code == 77)
        try FaultSupport.run("rmdir", rig.file + ".control")
        try Data("nothing".utf8).write(to: URL(filePath: rig.file + ".control"))
        try rig.forget()
        let run = try Tool.run(["backfill", "run", rig.url])
        #expect(run.code == 0 && run.errors.contains("nothing that is understood"), "\(run)")
    }

    /// Mounts it read-only, and therefore runs as root.
    @Test func `shows where it can't write, and says that it can't`() async throws {
        let rig = try await Rig(.file)
        try await rig.report()
        try rig.forget(rowsPerSecond: 1)
        // Where nobody has it open SQLite can't read it without writing beside it.
        let master = try CrashProcess("serve")
        #expect(try master.ask("open \(rig.url)").hasPrefix("ok"))
        try #require(mount(rig.directory, rig.backups, nil, UInt(MS_BIND), nil) == 0)
        let flags = UInt(MS_BIND) | UInt(MS_REMOUNT) | UInt(MS_RDONLY)
        try #require(mount("none", rig.backups, nil, flags, nil) == 0)
        let place = rig.backups + "/metastore.db"
        let status = try Tool.run(["backfill", "status", place])
        #expect(status.code == 1 && status.output.contains("held by"), "\(status)")
        for command in [["pause", place], ["throttle", place, "10"], ["run", place]] {
            let ending = try Tool.run(["backfill"] + command)
            #expect(ending.code == 77 && ending.output.isEmpty, "\(command) \(ending)")
        }
        umount2(rig.backups, Int32(MNT_DETACH))
        #expect(!rig.names(in: rig.directory).contains { $0.contains("control") })
    }

    /// A full device ends it, and it goes on when there is room.
    @Test func `run says that the device is full`() async throws {
        let rig = try await Rig(.file)
        try await rig.report()
        try rig.forget(rowsPerSecond: 50)
        let place = rig.directory + "/small"
        try FaultSupport.run("mkdir", place)
        try rig.mount(place, kilobytes: 8_192)
        defer { umount2(place, Int32(MNT_DETACH)) }
        let small = place + "/metastore.db"
        try FaultSupport.run("cp", rig.file, rig.file + ".head", place)
        try EngineSource.sqlite(small).forgetIdentity()
        let run = try Tool(["backfill", "run", small])
        let upgrade = try rig.released(at: small)
        try await eventually { try upgrade.backfillStatus().backfills[0].rowsDone > 0 }
        try FaultSupport.run("sh", "-c", "dd if=/dev/zero of=\(place)/filler bs=1k 2>/dev/null || true")
        try await eventually { run.hasEnded }
        run.send(SIGKILL)
        let ending = run.end()
        #expect(ending.code == 74 && ending.errors.contains("full"), "\(ending)")
        try FaultSupport.run("rm", place + "/filler")
        _ = try upgrade.throttleBackfill(rowsPerSecond: nil)
        #expect(try Tool.run(["backfill", "run", small]).code == 0)
        #expect(try upgrade.verify().exitStatus == .success)
    }

    @Test func `refuses what can't be understood, with advice`() async throws {
        let rig = try await Rig(.file)
        let mistakes: [([String], String)] = [
            (["throttle", rig.url, "0"], "backfill pause"), (["throttle", rig.url, "-5"], ""),
            (["throttle", rig.url, "fast"], "whole number"), (["throttle", rig.url, "1.5"], "whole number"),
            (["throttle", rig.url, "99999999999999999999"], "whole number"), (["throttle", rig.url], ""), (["run"], ""),
            (["halt", rig.url], ""),
        ]
        for (words, advice) in mistakes {
            let ending = try Tool.run(["backfill"] + words)
            #expect(ending.code == 64 && ending.output.isEmpty && ending.errors.contains(advice), "\(words) \(ending)")
        }
        for command in ["status", "pause", "resume", "run"] {
            #expect(try Tool.run(["backfill", command, rig.directory + "/none.db"]).code == 66)
        }
        #expect(!rig.names(in: rig.directory).contains { $0.hasPrefix("none.db") || $0.hasSuffix(".control") })
        for command in ["status", "pause", "resume", "throttle", "run"] {
            let help = try Tool.run(["backfill", command, "--help"])
            #expect(help.code == 0 && help.output.contains("  metastore-migrate backfill \(command) "), "\(command)")
        }
    }
}
