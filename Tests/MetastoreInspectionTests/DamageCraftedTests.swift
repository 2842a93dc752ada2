internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// Files that promise what they can't hold: no command believes them, and none takes memory or time for it.
@Suite(.serialized, .timed, .timeLimit(.minutes(10))) struct `Asking a store that promises too much` {
    private static let commands: [DamageCommand] = [
        .info, .quick, .full, .log, .export, .report, .list(.trial), .past(.trial, "1"), .describe("kv/n/last"),
        .tree("experiments/2"), .history("experiments/2/trials/1"), .metrics("experiments/2/trials/1"), .sql,
    ]

    private func made(_ root: String, more: Int = 0) async throws -> String {
        let path = root + "/metastore.db"
        try await FullStore.make(in: .sqlite(path), more: more)
        return path
    }

    /// Runs every command, and gives what each came to.
    private func ask(
        _ path: String, _ commands: [DamageCommand] = commands
    ) throws -> [DamageCommand: DamageCommand.Answer] {
        var answers: [DamageCommand: DamageCommand.Answer] = [:]
        let growth = try Memory.growth {
            for command in commands {
                let answer = command.run(path)
                #expect(answer.seconds < 50, "\(command)")
                answers[command] = answer
            }
        }
        #expect(growth < 256 << 20)
        return answers
    }

    /// A table is not what it was: nobody's mistake but the file's.
    @Test func `columns that its tables don't have`() async throws {
        try await withScratch { root in
            let path = try await made(root)
            var bytes = try contents(path)
            for (name, other) in [("is_rolled_back", "is_rolled_bacc"), ("time_to_live", "time_to_life")] {
                for place in bytes.indices.dropLast(name.utf8.count)
                where bytes[place...].starts(with: name.utf8) {
                    bytes.replaceSubrange(place..<place + name.utf8.count, with: other.utf8)
                }
            }
            try write(bytes, to: path)
            for (command, answer) in try ask(path) {
                guard let failure = answer.failure else { continue }
                #expect(failure.status == .damaged, "\(command): \(failure.description)")
            }
        }
    }

    /// Going back from there would take longer than anybody lives.
    @Test func `commits that it doesn't have`() async throws {
        try await withScratch { root in
            let path = try await made(root)
            try rewrite(
                path,
                """
                UPDATE head SET revision = 4611686018427387904, next_trial = 9223372036854775807, \
                next_workload = 9223372036854775807, next_lease = 9223372036854775807
                """)
            let answers = try ask(path)
            #expect(answers[.info]?.output.contains("\"verdict\":\"damaged\"") == true, "\(answers[.info]!)")
            #expect(answers[.full]?.status == .damaged && answers[.quick]?.status == .damaged)
            for command in [DamageCommand.past(.trial, "1"), .log] {
                let failure = answers[command]?.failure
                #expect(failure?.status == .damaged && failure?.description.contains("missing") == true, "\(command)")
            }
        }
    }

    @Test func `pages that it doesn't have`() async throws {
        try await withScratch { root in
            let path = try await made(root)
            var bytes = try contents(path)
            bytes.replaceSubrange(28..<32, with: [0xFF, 0xFF, 0xFF, 0xFE])
            try write(bytes, to: path)
            let answers = try ask(path)
            #expect(answers[.full]?.status == .damaged && answers[.quick]?.status == .damaged)
            #expect(answers[.info]?.errors.contains("pages are missing") == true, "\(answers[.info]!)")
        }
    }

    /// A row that says it is 2 GiB long.
    @Test func `a row that it doesn't have room for`() async throws {
        try await withScratch { root in
            let path = try await made(root)
            var bytes = try contents(path)
            let start = (try Inspection.open(path: path).rootPage(of: "trials") - 1) * 4_096
            try #require(bytes[start] == 0x0D, "the table must be one page")
            let cell = start + Int(bytes[start + 8]) << 8 + Int(bytes[start + 9])
            bytes.replaceSubrange(cell..<cell + 5, with: [0x87, 0xFF, 0xFF, 0xFF, 0x7F])
            try write(bytes, to: path)
            let answers = try ask(path)
            #expect(answers[.full]?.status == .damaged)
            for command in [DamageCommand.list(.trial), .export] {
                #expect(answers[command]?.failure?.status == .damaged, "\(command): \(answers[command]!)")
            }
        }
    }

    /// Two pages of a table changed places: going on after the last row that was read could go on for ever.
    @Test func `rows in another order than that of their keys`() async throws {
        try await withScratch { root in
            let path = try await made(root, more: 300)
            let original = root + "/original.db"
            try run("cp", path, original)
            let inspection = try Inspection.open(path: path)
            let pages = try inspection.connection.all(
                "SELECT pageno FROM dbstat WHERE name = 'workloads' AND pagetype = 'leaf' ORDER BY path"
            ) { Int(try $0.integer(0)) }
            try #require(pages.count > 3)
            var bytes = try contents(path)
            let (one, other) = (pages[1] - 1, pages[2] - 1)
            let page = Array(bytes[one * 4_096..<(one + 1) * 4_096])
            bytes.replaceSubrange(
                one * 4_096..<(one + 1) * 4_096, with: bytes[other * 4_096..<(other + 1) * 4_096])
            bytes.replaceSubrange(other * 4_096..<(other + 1) * 4_096, with: page)
            try write(bytes, to: path)
            let answers = try ask(path, [.full, .diff(original)])
            #expect(answers[.full]?.status == .damaged)
            let failure = answers[.diff(original)]?.failure
            #expect(failure?.status == .damaged && failure?.description.contains("out of order") == true)
        }
    }
}

/// What the hash of a row, and the link of a log record, are looked at for.
@Suite(.serialized, .timed) struct `What was changed behind a store's back` {
    private func changed(_ root: String, _ script: String) async throws -> String {
        let path = root + "/metastore.db"
        try await FullStore.make(in: .sqlite(path))
        try rewrite(path, script)
        return path
    }

    @Test func `is marked by every command that shows it`() async throws {
        try await withScratch { root in
            let path = try await changed(
                root,
                """
                UPDATE trials SET restarts = restarts + 1; UPDATE leadership SET holder = 'mallory'; \
                UPDATE workloads SET total_batches = total_batches + 1
                """)
            let whole = root + "/whole.db"
            try await FullStore.make(in: .sqlite(whole))
            for command in [
                DamageCommand.list(.trial), .describe("experiments/2/trials/1"), .tree("experiments/2"), .export,
                .metrics("experiments/2/trials/1"), .diff(whole),
            ] {
                let answer = command.run(path)
                #expect(answer.output.contains("\"doubtful\":true"), "\(command): \(answer)")
            }
            let info = DamageCommand.info.run(path)
            #expect(info.output.contains("\"leader\":\"mallory\",") && info.output.contains("\"leaderDoubtful\":true"))
            #expect(DamageCommand.full.run(path).status == .damaged)
            #expect(DamageCommand.report.run(path).errors.contains("another hash than their own"))
        }
    }

    /// What should be JSON, and isn't, must not make the whole answer something that no program reads.
    @Test func `stays in JSON that programs read`() async throws {
        try await withScratch { root in
            let path = try await changed(
                root,
                """
                UPDATE trials SET hparams = '{"lr":'; UPDATE containers SET slots = '0]},'; \
                UPDATE workloads SET metrics = '}{' WHERE metrics IS NOT NULL; \
                UPDATE snapshots SET content = 'nothing'
                """)
            for command in [.export, .tree("experiments/2")] + RecordKind.allCases.map(DamageCommand.list) {
                if command == .list(.cluster) { continue }
                for line in command.run(path).lines {
                    #expect(throws: Never.self, "\(command): \(line)") { try JSONObject(parsing: line) }
                }
            }
            #expect(DamageCommand.list(.trial).run(path).errors.contains("warning:"))
        }
    }

    /// A history is walked by single records, whose neighbours it never shows.
    @Test func `is refused of a log record, and of one that is missing`() async throws {
        try await withScratch { root in
            let key = "experiments/2/trials/1"
            let path = try await changed(
                root,
                "UPDATE log SET actor = 'mallory' WHERE revision = (SELECT revision FROM trials WHERE id = 1)")
            let history = DamageCommand.history(key).run(path)
            #expect(history.failure?.status == .damaged && !history.output.contains("mallory"), "\(history)")
            #expect(DamageCommand.log.run(path).failure?.status == .damaged)
        }
        try await withScratch { root in
            let path = try await changed(root, "DELETE FROM log WHERE revision >= (SELECT revision - 2 FROM head)")
            #expect(DamageCommand.log.run(path).failure?.status == .damaged)
            #expect(DamageCommand.past(.trial, "1").run(path).failure?.status == .damaged)
            #expect(DamageCommand.info.run(path).output.contains("\"verdict\":\"damaged\""))
        }
    }
}
