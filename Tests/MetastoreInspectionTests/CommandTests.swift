internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTerminal
internal import MetastoreTestSupport
internal import Testing
internal import TranscriptSupport
internal import Yams

/// Whole answers, compared with files.
@Suite(.serialized) struct `The inspector's answers` {
    @Test(arguments: [InspectFormat.table, .wide, .json, .ndjson, .csv, .yaml, .name])
    func `are these`(_ format: InspectFormat) async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await SmallStore.make(path)
            var text = ""
            for command in Self.commands {
                text += "$ metastore-inspect STORE \(command.title) -o \(format.rawValue)\n"
                text += Self.answer(command, path, format) + "\n"
            }
            try ExpectedText(format.rawValue + ".txt").compare(Self.normalised(text, path))
        }
    }

    /// Programs read JSON with any parser, and YAML is read back as what the JSON says.
    @Test func `are JSON and YAML to those who know them`() async throws {
        try await withScratch { root in
            let path = root + "/metastore.db"
            try await SmallStore.make(path)
            for command in Self.commands {
                let json = Self.output(command, path, .json)
                guard !json.isEmpty else { continue }
                guard !command.title.hasPrefix("export") else { continue }
                let value = try JSONObject(parsing: json)
                let yaml = try Yams.load(yaml: Self.output(command, path, .yaml))
                let again = try #require(yaml.map { Self.json($0) }?.object, "\(command.title)")
                #expect(JSON.object(again) == .object(value.values), "\(command.title)")
                for line in Self.output(command, path, .ndjson).split(separator: "\n") {
                    #expect(throws: Never.self) { try JSONObject(parsing: String(line)) }
                }
            }
        }
    }

    // MARK: What is asked

    private struct Command: Sendable {
        let title: String
        var at: String?
        let run: @Sendable (InspectSession) throws -> MetastoreCommandLine.ExitStatus

        init(_ title: String, at: String? = nil, _ run: @escaping @Sendable (InspectSession) throws -> Void) {
            (self.title, self.at) = (title, at)
            self.run = {
                try run($0); return .success
            }
        }

        init(
            status title: String, _ run: @escaping @Sendable (InspectSession) throws -> MetastoreCommandLine.ExitStatus
        ) {
            (self.title, self.run) = (title, run)
        }
    }

    private static let commands: [Command] =
        [
            Command("info") { try $0.info(sizes: false) },
            Command(status: "check") { try $0.check(.quick) },
            Command(status: "check --full") { try $0.check(.full) },
        ]
        + RecordKind.allCases.filter { $0 != .cluster }.map { kind in
            Command("list \(kind.name)") { try $0.list(RecordQuery(kind), limit: 4) }
        } + [
            Command("list trials --under experiments/2 --state ERROR --sort-by seed --descending") { session in
                var query = RecordQuery(.trial)
                query.under = KeyPrefix("experiments/2")
                query.state = "error"
                query.sortBy = "seed"
                query.isDescending = true
                try session.list(query, limit: nil)
            },
            Command("list experiments --at 3", at: "3") { try $0.list(RecordQuery(.experiment), limit: nil) },
            Command("list experiments --state WAITING") { session in
                var query = RecordQuery(.experiment)
                query.state = "WAITING"
                try session.list(query, limit: nil)
            },
            Command("describe experiments/2/trials/1") { try $0.describe("experiments/2/trials/1") },
            Command("describe trial/1") { try $0.describe("trial/1") },
            Command("describe kv/n/last") { try $0.describe("kv/n/last") },
            Command("describe experiments/1") { try $0.describe("experiments/1") },
            Command("describe experimets/1") { try $0.describe("experimets/1") },
            Command("tree experiments/2") { try $0.tree("experiments/2", all: false) },
            Command("tree pools/gpu") { try $0.tree("pools/gpu", all: true) },
            Command("history experiments/2/trials/1") { try $0.history("experiments/2/trials/1") },
            Command("history experiments/1") { try $0.history("experiments/1") },
            Command("log --limit 4") { try $0.log(after: nil, kinds: .all, under: nil, limit: 4) },
            Command("log --kind trials --under experiments/2/trials/2") {
                try $0.log(after: nil, kinds: .trials, under: "experiments/2/trials/2", limit: nil)
            },
            Command("metrics 1") { try $0.metrics(["1"], named: nil, isPlotted: false) },
            Command("metrics 1 --metric loss --plot") {
                try $0.metrics(["trials/1"], named: "loss", isPlotted: true)
            },
            Command("sql 'SELECT id, name FROM experiments ORDER BY id'") {
                try $0.sql("SELECT id, name, NULL AS nothing, x'00ff' AS bytes FROM experiments ORDER BY id;")
            },
            Command("sql 'DELETE FROM experiments'") { try $0.sql("DELETE FROM experiments") },
            Command("export") { try $0.export([]) },
            Command("export --kind trials") { try $0.export([.trial]) },
        ]

    private static func answer(_ command: Command, _ path: String, _ format: InspectFormat) -> String {
        let (output, errors, status) = run(command, path, format)
        return output + (errors.isEmpty ? "" : "standard error:\n" + errors) + "exit \(status.rawValue)\n"
    }

    private static func output(_ command: Command, _ path: String, _ format: InspectFormat) -> String {
        let (output, _, status) = run(command, path, format)
        return status == .success ? output : ""
    }

    private static func run(
        _ command: Command, _ path: String, _ format: InspectFormat
    ) -> (output: String, errors: String, status: MetastoreCommandLine.ExitStatus) {
        let asked = Asked(InspectOptions(path, format, at: command.at), command.run)
        let reason = asked.failure.map { "error: \($0.description)\n" } ?? ""
        return (asked.output, asked.errors + reason, asked.status)
    }

    private static func normalised(_ text: String, _ path: String) -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.replacing(path, with: "STORE").replacing(
            "metastore \(Metastore.version) on \(host)", with: "BINARY"
        )
        .replacing("\"host\":\"\(host)\"", with: "\"host\":\"HOST\"")
        .replacing("\"host\": \"\(host)\"", with: "\"host\": \"HOST\"")
        .replacing("host: \"\(host)\"", with: "host: \"HOST\"")
        .replacing("metastore \(Metastore.version)", with: "metastore VERSION")
    }

    private static func json(_ value: Any) -> JSON {
        switch value {
        case let flag as Bool: .bool(flag)
        case let number as Int: .integer(Int64(number))
        case let number as Double: .number(number)
        case let text as String: .string(text)
        case let list as [Any]: .array(list.map(json))
        case let members as [String: Any]:
            .object(NamedValues(members.map { (key: $0.key, value: json($0.value)) }))
        default: .null
        }
    }
}
