internal import FoundationEssentials
internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreTerminal
internal import MigrateSupport
internal import Synchronization
internal import Testing

/// What every command answers, whole, compared with a file. `METASTORE_TEST_RENEW=1` writes the files anew.
@Suite(.serialized) struct `The answers of metastore-migrate` {
    private static let folder =
        #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Expected/"

    private static let formats: [(Kind, OutputFormat)] = Kind.allCases.flatMap { kind in
        OutputFormat.allCases.map { (kind, $0) }
    }

    private func transcript(_ rig: Rig, _ format: OutputFormat) async throws -> String {
        var text = ""
        func add(_ command: String, _ report: some CommandReport) throws {
            text += "$ \(command)\n" + (try report.text(format, .plain)) + "exit \(report.exitStatus.rawValue)\n\n"
        }
        try add("status", try rig.upgrade().status())
        try add("plan", try rig.upgrade().plan(backupDirectory: rig.backups))
        let rehearsal = try await rig.upgrade().rehearse(in: rig.backups)
        try add("rehearse", rehearsal)
        try add("plan --rehearsal", try rig.upgrade().plan(backupDirectory: rig.backups, rehearsal: rehearsal))
        var dry = rig.options
        dry.isDryRun = true
        let isDry = dry
        try add("up --dry-run", try await rig.upgrade().up(isDry) { _ in })
        try add("up", try await rig.up())
        try add("up", try await rig.up())
        try add("status", try rig.upgrade().status())
        try add("history", try rig.upgrade().history())
        try add("verify", try rig.upgrade().verify())
        try add("lock show", try rig.upgrade().lockHolder())
        try rig.withConnection { try $0.executeScript("CREATE TABLE mine (id bigint)") }
        try add("check", try rig.upgrade().check())
        try add("rollback", try await rig.rollback())
        try add("check", try rig.upgrade().check())
        text += "standard error\n" + rig.said.withLock { $0.joined() }
        return text
    }

    @Test(arguments: formats)
    func `are these`(_ kind: Kind, _ format: OutputFormat) async throws {
        let rig = try await Rig(kind)
        let found = normalised(try await transcript(rig, format), rig)
        let file = Self.folder + "\(kind.rawValue).\(format.rawValue)"
        if getenv("METASTORE_TEST_RENEW") != nil { try Data(found.utf8).write(to: URL(filePath: file)) }
        let expected = String(decoding: FileManager.default.contents(atPath: file) ?? Data(), as: UTF8.self)
        #expect(found == expected, "\(difference(found, expected))")
    }

    /// Every member of every object is in the document that describes the shapes.
    @Test func `have documented members`() throws {
        let root = Self.folder + "../../../"
        let document = String(
            decoding: FileManager.default.contents(atPath: root + "docs/MIGRATE.md") ?? Data(), as: UTF8.self)
        for kind in Kind.allCases {
            let text = String(
                decoding: FileManager.default.contents(atPath: Self.folder + "\(kind.rawValue).json") ?? Data(),
                as: UTF8.self)
            let members = Set(text.matches(of: /"([A-Za-z]+)" :/).map { String($0.1) })
            #expect(members.count > 20)
            for member in members { #expect(document.contains("`\(member)`"), "\(member)") }
        }
    }

    private func normalised(_ text: String, _ rig: Rig) -> String {
        let host = Rig.host
        var text = text.replacing(rig.url + "&schema=", with: "URL&schema=").replacing(rig.url, with: "STORE")
            .replacing(rig.directory, with: "DIRECTORY")
        text = text.replacing(/\d{8}T\d{6}(\.\d+)?Z(-\d)?/, with: "STAMP")
            .replacing(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/, with: "TIME")
            .replacing(/"([a-zA-Z]*[sS]econds)" : [0-9.e-]+/) { "\"\($0.1)\" : N" }
            .replacing(/"([a-zA-Z]*[bB]ytes[a-zA-Z]*)" : \d+/) { "\"\($0.1)\" : N" }
            .replacing(/\b\d+(\.\d)? (µs|ms|s)\b/, with: "DURATION")
            .replacing(/\b\d+(\.\d)? (B|KiB|MiB|GiB|TiB)\b/, with: "SIZE")
            .replacing(/[0-9a-f]{64}/, with: "SHA256").replacing(/\b[0-9a-f]{12}\b/, with: "SHA")
            .replacing("\"\(host)\"", with: "\"HOST\"").replacing(" on \(host),", with: " on HOST,")
            .replacing("  \(host) ", with: "  HOST ")
            .replacing(/\ \ \ +/, with: "  ")
        return text
    }

    private func difference(_ found: String, _ expected: String) -> String {
        let pairs = zip(
            found.split(separator: "\n", omittingEmptySubsequences: false),
            expected.split(separator: "\n", omittingEmptySubsequences: false))
        return pairs.first { $0 != $1 }.map { "found \($0), expected \($1)" } ?? "one is longer"
    }
}
