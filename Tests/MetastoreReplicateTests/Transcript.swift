internal import FoundationEssentials
internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreTerminal
internal import Synchronization
internal import Testing

/// What a sequence of commands answers, whole. `METASTORE_TEST_RENEW=1` writes the files anew that it is compared with.
struct Transcript {
    private static let folder =
        #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Expected/"

    private(set) var text = ""
    let format: OutputFormat

    init(_ format: OutputFormat) { self.format = format }

    mutating func add(_ command: String, _ report: some CommandReport) throws {
        text += "$ \(command)\n" + (try report.text(format, .plain)) + "exit \(report.exitStatus.rawValue)\n\n"
    }

    mutating func add(_ command: String, _ failure: CommandFailure?) {
        text += "$ \(command)\nerror: \(failure?.description ?? "none")\nexit \(failure?.status.rawValue ?? 0)\n\n"
    }

    mutating func addErrors(of rig: Rig) { text += "standard error\n" + rig.said.withLock { $0.joined() } }

    /// Compares it with the file of this name.
    func compare(with name: String, _ rig: Rig) throws {
        let found = normalised(rig)
        let file = Self.folder + name
        if getenv("METASTORE_TEST_RENEW") != nil { try Data(found.utf8).write(to: URL(filePath: file)) }
        let expected = Self.expected(name)
        #expect(found == expected, "\(difference(found, expected))")
    }

    private static func expected(_ name: String) -> String {
        String(decoding: FileManager.default.contents(atPath: folder + name) ?? Data(), as: UTF8.self)
    }

    /// The members of all objects in a file of answers that the document about them doesn't name, and how many members
    /// there are.
    static func undocumented(in name: String) -> (members: Set<String>, of: Int) { undocumented(expected(name)) }

    /// The same of a text.
    static func undocumented(_ text: String) -> (members: Set<String>, of: Int) {
        let file = folder + "../../../docs/REPLICATE.md"
        let document = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        let members = Set(text.matches(of: /"([A-Za-z]+)" ?:/).map { String($0.1) })
        return (members.filter { !document.contains("`\($0)`") }, members.count)
    }

    private func normalised(_ rig: Rig) -> String {
        text.replacing(/postgresql:\/\/[^ ",\n]*/, with: "URL")
            .replacing(rig.root, with: "ROOT")
            .replacing(/[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}/, with: "CLUSTER")
            .replacing(/(\d+)-[0-9a-f]{16}:(\d+):[0-9a-f]{16}/) { "\($0.1)-NONCE:\($0.2):LINK" }
            .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/, with: "TIME")
            .replacing(/"([a-zA-Z]*[sS]econds)" ?: ?[0-9.e-]+/) { "\"\($0.1)\" : N" }
            .replacing(/"([a-zA-Z]*[bB]ytes[a-zA-Z]*)" ?: ?\d+/) { "\"\($0.1)\" : N" }
            .replacing(/\b\d+(\.\d)? (µs|ms|s)\b/, with: "DURATION")
            .replacing(/\b\d+(\.\d)? (B|KiB|MiB|GiB|TiB)\b/, with: "SIZE")
            .replacing(/[0-9a-f]{64}/, with: "SHA256")
    }

    private func difference(_ found: String, _ expected: String) -> String {
        let pairs = zip(
            found.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false))
        return pairs.first { $0 != $1 }.map { "found \($0), expected \($1)" } ?? "one is longer"
    }
}
