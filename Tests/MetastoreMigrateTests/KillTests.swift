internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MigrateSupport
internal import Testing

/// The commands as processes, killed.
@Suite(.serialized) struct `metastore-migrate killed` {
    private func arguments(_ rig: Rig, _ command: String, pause: Int) -> [String] {
        [command, rig.url, rig.backups, rig.cataloguesFile, "none", "\(pause)"]
    }

    /// Whatever a killed run left: whole, one of the two schemas' states, and what the same command makes of it.
    private func finish(_ rig: Rig, _ command: String, expecting schema: Int64, _ context: String) async throws {
        let again = try Tool.run(arguments(rig, command, pause: 0), program: "metastore-migrate-test")
        let status = try rig.upgrade().status()
        // A rollback that was complete has nothing to go back to any more.
        let isDone = again.code == 0 || again.output.contains("nothing to go back to")
        #expect(isDone && status.schema == schema, "\(context): \(again.output)\(again.errors)")
        // A killed holder's name may stand there still: it is in nobody's way.
        #expect(status.lock?.isAlive != true && status.state != .halfRestored, "\(context)")
        #expect(try rig.upgrade().verify().exitStatus == .success, "\(context)")
        let leftovers = rig.names(in: rig.directory) + rig.names(in: rig.backups)
        #expect(!leftovers.contains { $0.contains("restoring") || $0.contains("replacing") }, "\(leftovers)")
    }

    @Test(arguments: Kind.allCases)
    func `at every boundary of up: the next run finishes`(_ kind: Kind) async throws {
        let undisturbed = try await Rig(kind)
        let whole = try Tool(arguments(undisturbed, "up", pause: 0), program: "metastore-migrate-test")
        let boundaries = whole.end().output.split(separator: "\n").count - 1
        #expect(boundaries >= 5)
        for boundary in 1...boundaries {
            let rig = try await Rig(kind)
            let process = try Tool(arguments(rig, "up", pause: 200), program: "metastore-migrate-test")
            process.awaitLines(boundary)
            process.send(SIGKILL)
            let said = process.end().output
            let found = try rig.upgrade().status()
            #expect([UpgradeSteps.first - 1, UpgradeSteps.first, UpgradeSteps.last].contains(found.schema))
            #if PostgreSQL
                // A copy of a schema that only these tests know is none.
                if kind == .server, found.schema == UpgradeSteps.first {
                    var options = rig.options
                    options.hasBackup = true
                    let chosen = options
                    #expect(try await rig.upgrade().up(chosen) { _ in }.steps.count == 1)
                    continue
                }
            #endif
            try await finish(rig, "up", expecting: UpgradeSteps.last, "after \(said)")
        }
    }

    @Test(arguments: Kind.allCases)
    func `at any moment of up and of rollback`(_ kind: Kind) async throws {
        var random = Scale.random(77)
        for round in 0..<Scale.of(100) {
            let rig = try await Rig(kind)
            let isUp = round.isMultiple(of: 2)
            if !isUp { try await rig.up() }
            let command = isUp ? "up" : "rollback"
            let process = try Tool(arguments(rig, command, pause: 10), program: "metastore-migrate-test")
            usleep(UInt32.random(in: 0...400_000, using: &random))
            process.send(SIGKILL)
            _ = process.end()
            #if PostgreSQL
                if kind == .server, try rig.upgrade().status().schema == UpgradeSteps.first { continue }
            #endif
            try await finish(
                rig, command, expecting: isUp ? UpgradeSteps.last : UpgradeSteps.first - 1, "\(command) \(round)")
        }
    }

    /// Every call that changes a name or makes one durable is one at which a rollback may end.
    @Test(arguments: ["renameat2", "rename", "unlink", "fsync", "fdatasync"])
    func `before each system call of rollback that matters`(_ call: String) async throws {
        var halfRestored = 0
        for number in 1...40 {
            let rig = try await Rig(.file)
            try await rig.up()
            let program = CrashProcess.directory + "/metastore-migrate-test"
            let ending = try Tool.run(
                [
                    "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
                    "inject=\(call):signal=KILL:when=\(number)", program,
                ] + arguments(rig, "rollback", pause: 0), program: "/usr/bin/strace")
            if (try? rig.upgrade().status().state) == .halfRestored {
                halfRestored += 1
                let refused = await failure { try await rig.up() }
                #expect(refused?.status == .no && refused?.description.contains("rollback was begun") == true)
            }
            // A master that starts now finds the old store, the restored one, or is refused: never an empty one.
            if let store = try? await Metastore.open(try rig.source) {
                #expect(try await store.keyValue.get("before/it") != nil, "\(call) \(number)")
                await store.close()
            }
            try await finish(rig, "rollback", expecting: UpgradeSteps.first - 1, "\(call) \(number)")
            #expect(rig.names(in: rig.directory).contains { $0.contains(".failed-") }, "\(call) \(number)")
            guard ending.code == 0 else { continue }
            #expect(halfRestored > 0 || call == "fdatasync")
            return
        }
        Issue.record("\(call): more calls than expected")
    }

    @Test(arguments: Kind.allCases)
    func `ten at once: one works, the others wait and find it done`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let processes = try (0..<10).map { _ in
            try Tool(arguments(rig, "up", pause: 5), program: "metastore-migrate-test")
        }
        let said = processes.map { $0.end() }
        #expect(said.allSatisfy { $0.code == 0 }, "\(said.map(\.output))")
        let applied = said.flatMap { $0.output.split(separator: "\n").last?.split(separator: " ").dropFirst() ?? [] }
        #expect(applied.sorted() == ["\(UpgradeSteps.first)", "\(UpgradeSteps.last)"])
        #expect(rig.names(in: rig.backups).filter { $0.hasSuffix(".db") }.count == 1)
        try await finish(rig, "up", expecting: UpgradeSteps.last, "ten")
    }
}
