internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreTerminal
internal import MigrateSupport
internal import Testing

@Suite(.serialized) struct `metastore-migrate as a process` {
    @Test(arguments: Kind.allCases)
    func `has an exit code for each answer`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        for command in [["status"], ["verify"], ["check"], ["history"], ["lock", "show"], ["plan"], ["rehearse"]] {
            for format in ["table", "json"] {
                let ending = try Tool.run(command + [rig.url, "-o", format])
                #expect(ending.code == 0 && !ending.output.isEmpty, "\(command) \(ending.errors)")
                guard format == "json" else { continue }
                #expect(throws: Never.self) { try JSONDecoder().decode(Whatever.self, from: Data(ending.output.utf8)) }
            }
        }
        try await rig.up()
        #expect(try Tool.run(["status", rig.url]).code == 3)
        let newer = try Tool.run(["up", rig.url, "--yes", "--backup-dir", rig.backups])
        #expect(newer.code == 3 && newer.output.isEmpty && newer.errors.contains("do not delete"), "\(newer.errors)")
        #expect(try Tool.run(["rollback", rig.url]).code == 64)
        let back = try Tool.run(["rollback", rig.url, "--yes"])
        #expect(back.code == 0, "\(back.errors)")
        #expect(try Tool.run(["up", rig.url, "--yes"]).code == 0)
        try rig.withConnection { try $0.executeScript("CREATE TABLE mine (id bigint)") }
        #expect(try Tool.run(["status", rig.url]).code == 4)
        #expect(try Tool.run(["check", rig.url]).code == 4)
        try rig.withConnection { connection in
            try connection.executeScript("DROP TABLE mine")
            try connection.execute("UPDATE trials SET restarts = 7 WHERE id = 1")
        }
        let damaged = try Tool.run(["verify", rig.url])
        #expect(damaged.code == 65 && damaged.output.contains("trials/1"), "\(damaged.output)\(damaged.errors)")
    }

    @Test func `has an exit code for each mistake`() async throws {
        let rig = try await Rig(.file)
        let missing = try Tool.run(["status", rig.directory + "/none.db"])
        #expect(missing.code == 66 && missing.output.isEmpty && missing.errors.hasPrefix("error: "))
        #expect(try Tool.run(["up", rig.directory + "/no/where.db", "--yes"]).code == 66)
        #expect(!rig.names(in: rig.directory).contains("no") && !rig.names(in: rig.directory).contains("none.db.lock"))
        for mistake in [
            ["up"], ["upp", rig.url], ["up", rig.url, "--lock-timeout", "-1"], ["status", "mysql://here/it"],
            ["status", "postgresql://ada:secret@here/it"], ["status", rig.url, "-o", "xml"], ["new", "A B"],
        ] {
            let ending = try Tool.run(mistake)
            #expect(ending.code == 64 && ending.output.isEmpty, "\(mistake) \(ending.errors)")
            #expect(!ending.errors.contains("secret"))
        }
        try Data("no database".utf8).write(to: URL(filePath: rig.directory + "/text.db"))
        #expect(try Tool.run(["status", rig.directory + "/text.db"]).code == 65)
        let master = try await Metastore.open(try rig.source)
        let locked = try Tool.run(
            ["rollback", rig.url, "--backup", rig.url, "--yes", "--lock-timeout", "0.1"])
        #expect(locked.code == 75 && locked.errors.contains("process \(getpid())"), "\(locked.errors)")
        #expect(try Tool.run(["lock", "break", rig.url]).code == 75)
        await master.close()
    }

    private struct Whatever: Decodable {
        init(from decoder: any Decoder) throws { _ = try decoder.container(keyedBy: Name.self) }

        private enum Name: String, CodingKey { case store }
    }

    @Test func `says where somebody stopped it, and ends as a shell expects`() async throws {
        let rig = try await Rig(.file)
        let backup = rig.directory + "/copy.db"
        #expect(try Tool.run(["copy", "--from", rig.url, "--to", backup]).code == 0)
        let master = try await Metastore.open(try rig.source)
        let waiting = try Tool(["rollback", rig.url, "--backup", backup, "--yes", "--lock-timeout", "600"])
        usleep(500_000)
        #expect(!waiting.hasEnded)
        waiting.send(SIGINT)
        let ending = waiting.end()
        #expect(ending.code == 130 && ending.output.isEmpty)
        #expect(ending.errors.contains("nothing is half done"), "\(ending.errors)")
        await master.close()
    }

    @Test func `ends quietly with 141 where nobody reads`() async throws {
        let rig = try await Rig(.file)
        let ending = try Tool.run(["status", rig.url], output: .closedPipe)
        #expect(ending.code == 141 && ending.errors.isEmpty)
    }

    @Test func `has colours on a terminal only, unless told otherwise, and fits its width`() async throws {
        let rig = try await Rig(.file)
        #expect(try !Tool.run(["status", rig.url]).output.contains("\u{1B}"))
        #expect(try Tool.run(["status", rig.url], environment: ["CLICOLOR_FORCE": "1"]).output.contains("\u{1B}[32m"))
        #expect(try Tool.onTerminal(80, ["status", rig.url]).contains("\u{1B}[32m"))
        #expect(try !Tool.onTerminal(80, ["status", rig.url], ["NO_COLOR": "1"]).contains("\u{1B}"))
        #expect(try !Tool.onTerminal(80, ["status", rig.url], ["TERM": "dumb"]).contains("\u{1B}"))
        for columns in [32, 50, 80] {
            for command in ["status", "history", "plan"] {
                let shown = try Tool.onTerminal(columns, [command, rig.url], ["NO_COLOR": "1"])
                let lines = shown.split(whereSeparator: \.isNewline)
                #expect(lines.count > 1)
                // A word that is longer than the line, a path, is cut where it ends.
                #expect(lines.allSatisfy { TerminalText.width(String($0)) <= columns }, "\(columns): \(shown)")
            }
        }
    }

    @Test func `writes completions for three shells, and help with examples first`() async throws {
        for shell in ["bash", "zsh", "fish"] {
            let ending = try Tool.run(["--generate-completion-script", shell])
            #expect(ending.code == 0 && ending.output.contains("rehearse"))
        }
        for command in ["status", "plan", "rehearse", "up", "verify", "check", "rollback", "history", "copy", "new"] {
            let ending = try Tool.run([command, "--help"])
            #expect(ending.code == 0 && ending.output.contains("Examples:\n"), "\(command)")
            #expect(ending.output.contains("metastore-migrate \(command) "), "\(command)")
        }
        #expect(try Tool.run(["--version"]).output.contains("SQLite 3."))
    }

    @Test func `makes the skeleton of a migration, and overwrites none`() async throws {
        let rig = try await Rig(.file)
        #expect(try Tool.run(["new", "agent_labels", "--directory", rig.backups]).code == 0)
        let number = "m000\(UpgradeSteps.first)_agent_labels"
        #expect(rig.names(in: rig.backups) == ["\(number).postgresql.sql", "\(number).sqlite.sql"])
        #expect(try Tool.run(["new", "agent_labels", "--directory", rig.backups]).code == 73)
    }
}
