internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

extension Tool {
    static let replicate = "metastore-replicate"
}

/// A line of JSON, as far as the tests look.
private struct Line: Decodable {
    let state: String?
    let revision: Int64?
    let missing: Int64?
    let isInterrupted: Bool?

    static func all(_ lines: [Substring]) throws -> [Line] {
        try lines.map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }
}

@Suite(.serialized, .timed) struct `metastore-replicate as a process` {
    private func run(_ words: String...) throws -> Tool.Ending { try Tool.run(words, program: Tool.replicate) }

    @Test func `has an answer, and an exit code, for each command`() async throws {
        try await Rig.with { rig in
            let (store, archive) = (rig.store.description, rig.folder)
            let (restored, replica) = (try rig.place("restored").description, try rig.place("replica").description)
            let commands: [[String]] = [
                ["archive", "--store", store, "--to", archive, "--once"],
                ["snapshot", "--store", store, "--to", archive],
                ["label", "set", archive, "here"], ["label", "list", archive], ["status", archive, "--store", store],
                ["verify", archive, "--store", store, "--scratch", rig.root],
                ["follow", "--from", archive, "--into", replica, "--once", "--compare"],
                ["rewind", replica, "--to", "20", "--yes"], ["retention", archive, "--keep-age", "30d"],
                ["retention", archive, "--merge", "--apply", "--yes"],
                ["retention", archive, "--keep-count", "1", "--apply", "--yes", "--store", store],
                ["label", "remove", archive, "here"],
            ]
            for command in commands {
                let ending = try Tool.run(command + ["-o", "json"], program: Tool.replicate)
                #expect(ending.code == 0 && ending.output.hasPrefix("{"), "\(command) \(ending.errors)")
                _ = try JSONDecoder().decode(Line.self, from: Data(ending.output.utf8))
            }
            let made = try run("restore", archive, "--into", restored)
            #expect(made.code == 0 && made.output.contains("restored  revision 22"), "\(made.errors)")
            let again = try run("restore", archive, "--into", restored)
            #expect(again.code == 73 && again.output.isEmpty && again.errors.hasPrefix("error: "))
        }
    }

    @Test func `has an exit code for each mistake`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let (store, archive) = (rig.store.description, rig.folder)
            let mistakes: [(Int32, [String])] = [
                (64, ["stat", archive]), (64, ["status"]), (64, ["status", "s3://bucket/x"]),
                (64, ["restore", archive, "--to", "revision:x", "--into", rig.root + "/x.db"]),
                (64, ["restore", archive, "--into", "postgresql://ada:secret@here/it"]),
                (64, ["status", archive, "--store", "mysql://here/it"]), (64, ["retention", archive]),
                (64, ["retention", archive, "--keep-age", "soon"]), (64, ["status", archive, "--cluster", "x"]),
                (64, ["archive", "--store", store, "--to", archive, "--every", "-1"]),
                (64, ["follow", "--from", archive, "--into", rig.root + "/f.db", "--token-file", "x"]),
                (64, ["follow", "--from", "https://h", "--into", rig.root + "/f.db", "--certificate", "x"]),
                (64, ["follow", "--from", archive, "--into", rig.root + "/f.db", "--compare"]),
                (64, ["rewind", store, "--to", "3"]), (64, ["label", "set", archive, "No Name"]),
                (64, ["retention", archive, "--keep-count", "0"]),
                (66, ["status", rig.root + "/none"]), (66, ["status", rig.root]),
                (66, ["archive", "--store", rig.root + "/none.db", "--to", archive, "--once"]),
                (66, ["archive", "--store", store, "--to", rig.root + "/none", "--once"]),
                (66, ["restore", archive, "--to", "no-label", "--into", rig.root + "/x.db"]),
                (66, ["rewind", rig.root + "/none.db", "--to", "3"]),
                (66, ["follow", "--from", "https://h.invalid", "--into", rig.root + "/f.db", "--token-file", "/none"]),
                (1, ["rewind", store, "--to", "300", "--yes"]), (73, ["restore", archive, "--into", store]),
            ]
            for (code, words) in mistakes {
                let ending = try Tool.run(words, program: Tool.replicate)
                #expect(ending.code == code && ending.output.isEmpty, "\(words): \(ending.code) \(ending.errors)")
                #expect(!ending.errors.contains("secret"))
            }
            #expect(rig.names(in: rig.root).allSatisfy { !$0.hasPrefix("x.db") && !$0.hasPrefix("none") })
            let master = try await Metastore.open(try rig.source(rig.store))
            let held = try run("rewind", store, "--to", "3", "--yes")
            #expect(held.code == 75, "\(held.errors)")
            await master.close()
        }
    }

    @Test func `writes completions for three shells, and help with examples first`() throws {
        for shell in ["bash", "zsh", "fish"] {
            let ending = try run("--generate-completion-script", shell)
            #expect(ending.code == 0 && ending.output.contains("retention"))
        }
        let commands = [
            "status", "archive", "snapshot", "restore", "verify", "follow", "promote", "adopt", "rewind", "label",
            "retention",
        ]
        for command in commands {
            let ending = try run(command, "--help")
            #expect(ending.code == 0 && ending.output.contains("Examples:\n"), "\(command)")
            #expect(ending.output.contains("metastore-replicate \(command) "), "\(command)")
        }
        #expect(try run("--version").output.contains("SQLite 3."))
    }

    @Test func `ends quietly with 141 where nobody reads, and has colours on a terminal only`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let closed = try Tool.run(["status", rig.folder], program: Tool.replicate, output: .closedPipe)
            #expect(closed.code == 141 && closed.errors.isEmpty)
            let words = ["status", rig.folder, "--store", rig.store.description]
            #expect(try !Tool.run(words, program: Tool.replicate).output.contains("\u{1B}"))
            #expect(try Tool.onTerminal(80, words, program: Tool.replicate).contains("\u{1B}[32m"))
            #expect(try !Tool.onTerminal(80, words, ["NO_COLOR": "1"], program: Tool.replicate).contains("\u{1B}[3"))
        }
    }

    /// The master goes on writing until the moment before the signal: all of it is archived when the process ends.
    @Test(arguments: [SIGTERM, SIGINT])
    func `told to end while it archives, has archived everything first`(_ signal: Int32) async throws {
        try await Rig.with { rig in
            let tool = try Tool(
                ["archive", "--store", rig.store.description, "--to", rig.folder, "-o", "json", "--every", "0"],
                program: Tool.replicate)
            let head = try await rig.writing { store in
                try await Rig.commit(30, to: store)
                #expect(await eventually { tool.lines.contains { $0.contains("archiving") } })
                try await Rig.commit(30, to: store)
                tool.send(signal)
                let ending = tool.end()
                #expect(ending.code == 0, "\(ending.errors)")
                let lines = try Line.all(ending.lines)
                #expect(lines.count > 2 && lines.last?.missing == 0)
                #expect(lines.last?.revision == store.position.revision.rawValue)
                return store.position.revision
            }
            let report = try await rig.status(beside: rig.store)
            #expect(report.revision == head.rawValue && report.store?.relation == .current)
        }
    }

    @Test func `told to end while it follows, leaves a replica that goes on`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let replica = try rig.place("replica")
            for round in 0..<3 {
                let tool = try Tool(
                    ["follow", "--from", rig.folder, "--into", replica.description, "-o", "json", "--every", "0"],
                    program: Tool.replicate)
                try await rig.commit(10)
                let last = try await rig.ship().revision
                #expect(
                    await eventually(within: .seconds(20)) {
                        (try? Line.all(tool.lines))?.last?.revision == last
                    }, "round \(round): \(tool.errors)")
                tool.send(SIGTERM)
                let ending = tool.end()
                #expect(ending.code == 0, "\(ending.errors)")
                #expect(try Line.all(ending.lines).last?.isInterrupted == true)
                let found = try await rig.contents(replica)
                #expect(found.digests == found.digestsOfRows && found.links.count == Int(last))
            }
            #expect(try await rig.contents(replica).digests == rig.contents(rig.store).digests)
        }
    }

    /// Nothing but the scratch folder's name would tell of it.
    @Test func `told to end while it verifies, leaves no scratch`() async throws {
        try await Rig.with(commits: 1_000) { rig in
            try await rig.ship()
            var interrupted = 0
            for delay in [0, 1, 5, 20, 60, 120] {
                let tool = try Tool(["verify", rig.folder, "--scratch", rig.root], program: Tool.replicate)
                // From when there is a scratch.
                let end = ContinuousClock.now + .seconds(20)
                while !rig.names(in: rig.root).contains(where: { $0.hasPrefix("metastore-verify") }),
                    !tool.hasEnded, ContinuousClock.now < end
                {
                    usleep(200)
                }
                usleep(UInt32(delay) * 1_000)
                tool.send(SIGINT)
                let ending = tool.end()
                if ending.code == 130 { interrupted += 1 }
                #expect([0, 130].contains(ending.code), "\(ending.errors)")
                #expect(rig.names(in: rig.root).allSatisfy { !$0.hasPrefix("metastore-verify") }, "\(ending.errors)")
            }
            #expect(interrupted > 0)
        }
    }
}
