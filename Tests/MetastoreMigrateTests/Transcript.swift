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
    static func undocumented(in name: String) -> (members: Set<String>, of: Int) {
        let file = folder + "../../../docs/MIGRATE.md"
        let document = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        let members = Set(expected(name).matches(of: /"([A-Za-z]+)" :/).map { String($0.1) })
        return (members.filter { !document.contains("`\($0)`") }, members.count)
    }

    private func normalised(_ rig: Rig) -> String {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        let host = String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
        return text.replacing(rig.url + "&schema=", with: "URL&schema=").replacing(rig.url, with: "STORE")
            .replacing(rig.directory, with: "DIRECTORY")
            .replacing(/\d{8}T\d{6}(\.\d+)?Z(-\d)?/, with: "STAMP")
            .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/, with: "TIME")
            .replacing(/"([a-zA-Z]*[sS]econds)" : [0-9.e-]+/) { "\"\($0.1)\" : N" }
            .replacing(/"([a-zA-Z]*[bB]ytes[a-zA-Z]*)" : \d+/) { "\"\($0.1)\" : N" }
            .replacing(/\b\d+(\.\d)? (µs|ms|s)\b/, with: "DURATION")
            .replacing(/\b\d+(\.\d)? (B|KiB|MiB|GiB|TiB)\b/, with: "SIZE")
            .replacing(/[0-9a-f]{64}/, with: "SHA256").replacing(/\b[0-9a-f]{12}\b/, with: "SHA")
            .replacing("\"\(host)\"", with: "\"HOST\"").replacing(" on \(host),", with: " on HOST,")
            .replacing(" on \(host) ", with: " on HOST ").replacing("  \(host) ", with: "  HOST ")
            .replacing("process \(getpid()) ", with: "process PID ")
            .replacing(/\ \ \ +/, with: "  ")
    }

    private func difference(_ found: String, _ expected: String) -> String {
        let pairs = zip(
            found.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false))
        return pairs.first { $0 != $1 }.map { "found \($0), expected \($1)" } ?? "one is longer"
    }
}
