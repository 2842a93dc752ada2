internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MigrateSupport
internal import Testing
internal import TranscriptSupport

/// What every command answers, whole, compared with a file.
@Suite(.serialized) struct `The answers of metastore-migrate` {
    private static let formats: [(Kind, OutputFormat)] = Kind.allCases.flatMap { kind in
        OutputFormat.allCases.map { (kind, $0) }
    }

    private func transcript(_ rig: Rig, _ format: OutputFormat) async throws -> Transcript {
        var answers = Transcript(format)
        try answers.add("status", try rig.upgrade().status())
        try answers.add("plan", try rig.upgrade().plan(backupDirectory: rig.backups))
        let rehearsal = try await rig.upgrade().rehearse(in: rig.backups)
        try answers.add("rehearse", rehearsal)
        try answers.add("plan --rehearsal", try rig.upgrade().plan(backupDirectory: rig.backups, rehearsal: rehearsal))
        var dry = rig.options
        dry.isDryRun = true
        let isDry = dry
        try answers.add("up --dry-run", try await rig.upgrade().up(isDry) { _ in })
        try answers.add("up", try await rig.up())
        try answers.add("up", try await rig.up())
        try answers.add("status", try rig.upgrade().status())
        try answers.add("history", try rig.upgrade().history())
        try answers.add("verify", try rig.upgrade().verify())
        try answers.add("lock show", try rig.upgrade().lockHolder())
        try rig.withConnection { try $0.executeScript("CREATE TABLE mine (id bigint)") }
        try answers.add("check", try rig.upgrade().check())
        try answers.add("rollback", try await rig.rollback())
        try answers.add("check", try rig.upgrade().check())
        answers.addErrors(of: rig)
        return answers
    }

    @Test(arguments: formats)
    func `are these`(_ kind: Kind, _ format: OutputFormat) async throws {
        let rig = try await Rig(kind)
        try await transcript(rig, format).compare(with: "\(kind.rawValue).\(format.rawValue)", rig)
    }

    /// Every member of every object is in the document that describes the shapes.
    @Test func `have documented members`() {
        for kind in Kind.allCases {
            let (undocumented, count) = Transcript.undocumented(in: "\(kind.rawValue).json")
            #expect(undocumented.isEmpty && count > 20)
        }
    }
}
