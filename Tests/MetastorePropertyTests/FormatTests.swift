import FoundationEssentials
import Glibc
import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

@Suite struct `The format of the log` {
    private static let here = String(#filePath.prefix(upTo: #filePath.lastIndex(of: "/")!))
    private static let goldenLog = here + "/Golden/log.txt"
    private static let goldenText = here + "/Golden/decoded.txt"
    private static let format = here + "/../../docs/FORMAT.md"

    /// Set after a deliberate change of the format, and look at the difference.
    private static let rewrites = getenv("METASTORE_WRITE_GOLDEN") != nil

    private static func read(_ path: String) throws -> String {
        String(decoding: try Data(contentsOf: URL(filePath: path)), as: UTF8.self)
    }

    @Test(arguments: Place.allCases)
    func `is byte for byte what the golden files hold`(_ place: Place) async throws {
        let directory = TemporaryPlace()
        let store = try await GoldenStore.make(in: directory.source(place))
        let records = try await store.logRecords(after: 0, bytes: .max)
        let digests = try await store.contents().digests
        await store.close()
        let log = records.map(GoldenFile.text).joined()
        if Self.rewrites, place == .memory {
            try Data(log.utf8).write(to: URL(filePath: Self.goldenLog))
            let text = try records.map(LogText.text).joined() + GoldenFile.text(digests)
            try Data(text.utf8).write(to: URL(filePath: Self.goldenText))
        }
        let golden = try GoldenFile.records(try Self.read(Self.goldenLog))
        #expect(golden.count == records.count)
        for (found, expected) in zip(records, golden) {
            #expect(found.body == expected.body, "body of revision \(found.revision)")
            #expect(GoldenFile.header(found) == GoldenFile.header(expected), "header of revision \(found.revision)")
            #expect(found.chain == expected.chain, "chain of revision \(found.revision)")
        }
        #expect(RecordKinds(golden.flatMap { $0.kinds.kinds }) == .all, "the golden files show every kind")
    }

    @Test func `is read from the golden files as it was written`() throws {
        let golden = try GoldenFile.records(try Self.read(Self.goldenLog))
        let text = try golden.map(LogText.text).joined()
        let expected = try Self.read(Self.goldenText)
        #expect(expected.hasPrefix(text))
        for record in golden { _ = try record.changes(.everything) }
    }

    @Test func `is told by its document well enough to decode it elsewhere`() throws {
        let (status, output) = try Self.python([Self.here + "/decode.py", Self.format, Self.goldenLog])
        #expect(status == 0, "\(output.suffix(2_000))")
        let expected = try Self.read(Self.goldenText)
        #expect(output == expected)
    }

    @Test func `is checked by the independent decoder, which notices a flipped bit`() throws {
        var log = try Self.read(Self.goldenLog)
        let body = try #require(log.ranges(of: "\nbody=01").last)
        log.replaceSubrange(body, with: "\nbody=02")
        let place = TemporaryPlace()
        try Data(log.utf8).write(to: URL(filePath: place.file("log.txt")))
        let (status, output) = try Self.python([Self.here + "/decode.py", Self.format, place.file("log.txt")])
        #expect(status != 0 && output.contains("chain"))
    }

    @Test func `has the example of its document among the golden files`() throws {
        let blocks = try Self.read(Self.format).split(separator: "```", omittingEmptySubsequences: false)
        func bytes(_ block: Substring) -> [UInt8] {
            let hex = block.split(separator: "\n").map { line -> String in
                // What stands far to the right is told, not stored.
                let told = line.hasPrefix("            ") ? "" : line.drop { $0 == " " }
                let end = told.firstRange(of: "  ")?.lowerBound ?? told.endIndex
                return told[..<end].split(separator: " ").filter { $0.allSatisfy(\.isHexDigit) }.joined()
            }
            return LogText.bytes(hex.joined())
        }
        let record = try GoldenFile.records(try Self.read(Self.goldenLog))[15]
        #expect(bytes(blocks[1]) == record.body)
        #expect(bytes(blocks[3]) == record.header)
    }

    @Test(arguments: RecordKind.allCases)
    func `has the fields of each kind that its document lists`(_ kind: RecordKind) throws {
        let document = try Self.read(Self.format)
        let rows = kind.table.columns.filter { !$0.isLocal }.map { "| \($0.number) | `\($0.name)` | \($0.type) |" }
        let table =
            "### \(kind.rawValue): \(kind.name)\n\n| number | field | type |\n|---|---|---|\n"
            + rows.joined(separator: "\n")
        #expect(document.contains(table), "docs/FORMAT.md should say:\n\(table)")
    }

    /// Runs python3, which CI has; its output and its exit code.
    private static func python(_ arguments: [String]) throws -> (status: Int32, output: String) {
        let command = (["python3"] + arguments).map { "'\($0)'" }.joined(separator: " ") + " 2>&1"
        guard let pipe = popen(command, "r") else { throw Difference(description: "python3 can't be started") }
        var output: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 1 << 16)
        while true {
            let count = fread(&buffer, 1, buffer.count, pipe)
            guard count > 0 else { break }
            output += buffer[..<count]
        }
        return (pclose(pipe), String(decoding: output, as: UTF8.self))
    }
}

/// Log rows as text: a line a column.
enum GoldenFile {
    static func header(_ record: LogRecord) -> [String] {
        [
            "revision=\(record.revision)", "epoch=\(record.epoch.number)",
            "epoch_nonce=\(Int64(bitPattern: record.epoch.nonce))", "time=\(record.time.microseconds)",
            "schema_version=\(record.schema)", "actor=\(LogText.quoted(record.actor))",
            "operation=\(record.operation?.uuidString.lowercased() ?? "-")",
            "consumer=\(record.consumer.map { LogText.quoted($0.name) } ?? "-")",
            "consumer_revision=\(record.consumer?.revision.description ?? "-")",
            "kinds=\(Int64(bitPattern: record.kinds.rawValue))",
        ]
    }

    static func text(_ record: LogRecord) -> String {
        let (encoding, stored) = Compression.compress(record.body)
        let rest = [
            "encoding=\(encoding.rawValue)", "body=\(LogText.hex(stored))", "chain=\(LogText.hex(record.chain))", "",
        ]
        return (header(record) + rest).joined(separator: "\n") + "\n"
    }

    static func text(_ digests: StateDigests) -> String {
        RecordKind.allCases.map { kind in
            let digits = String(digests[kind], radix: 16)
            return "digest \(kind) \(String(repeating: "0", count: 32 - digits.count))\(digits)\n"
        }.joined()
    }

    /// What ``text(_:)-(LogRecord)`` wrote, one record after another.
    static func records(_ text: String) throws -> [LogRecord] {
        var records: [LogRecord] = []
        var columns: [Substring: Substring] = [:]
        for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
            if let equals = line.firstIndex(of: "=") {
                columns[line[..<equals]] = line[line.index(after: equals)...]
            } else if !columns.isEmpty {
                records.append(try record(columns))
                columns = [:]
            }
        }
        return records
    }

    private static func record(_ columns: [Substring: Substring]) throws -> LogRecord {
        func number(_ name: Substring) -> Int64 { columns[name].flatMap { Int64($0) } ?? 0 }
        func name(_ column: Substring) throws -> String {
            try JSONObject(parsing: "{\"a\":\(columns[column] ?? "\"\"")}")["a"]?.string ?? ""
        }
        let stored = LogText.bytes(columns["body"] ?? "")
        let body = number("encoding") == 0 ? stored : try Compression.decompress(stored, cap: 1 << 20, place: "golden")
        let consumer =
            columns["consumer"] == "-"
            ? nil : ConsumerProgress(name: try name("consumer"), revision: Revision(number("consumer_revision")))
        return LogRecord(
            revision: Revision(number("revision")),
            epoch: Epoch(number: number("epoch"), nonce: UInt64(bitPattern: number("epoch_nonce"))),
            time: Timestamp(microseconds: number("time")), schema: number("schema_version"), actor: try name("actor"),
            operation: columns["operation"].flatMap { UUID(uuidString: String($0)) }, consumer: consumer,
            kinds: RecordKinds(rawValue: UInt64(bitPattern: number("kinds"))), body: body,
            chain: LogText.bytes(columns["chain"] ?? ""))
    }
}
