internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreTerminal
internal import Testing
internal import TranscriptSupport

/// The way of an old store through the upgrade and its backfill, whole, compared with a file.
@Suite(.serialized) struct `The answers about a backfill` {
    private static let formats: [(Kind, OutputFormat)] = Kind.allCases.flatMap { kind in
        OutputFormat.allCases.map { (kind, $0) }
    }

    private func transcript(_ rig: Rig, _ format: OutputFormat) async throws -> Transcript {
        var answers = Transcript(format)
        let upgrade = try rig.released
        try answers.add("status", try upgrade.status())
        try answers.add("backfill status", try upgrade.backfillStatus())
        answers.add("backfill pause", await failure { _ = try upgrade.pauseBackfill() })
        answers.add("backfill run", await failure { _ = try await upgrade.runBackfill() })
        try answers.add("plan", try upgrade.plan(backupDirectory: rig.backups))
        try answers.add("up", try await upgrade.up(rig.options) { _ in })
        try answers.add("status", try upgrade.status())
        try answers.add("backfill status", try upgrade.backfillStatus())
        try answers.add("backfill pause", try upgrade.pauseBackfill())
        try answers.add("backfill throttle 5000", try upgrade.throttleBackfill(rowsPerSecond: 5_000))
        try answers.add("backfill status", try upgrade.backfillStatus())
        let master = try await Metastore.open(try rig.source)
        try await eventually { try await master.backfills()[0].state == .paused }
        try answers.add("backfill status", try upgrade.backfillStatus())
        try answers.add("backfill throttle none", try upgrade.throttleBackfill(rowsPerSecond: nil))
        try await eventually { try await master.backfills()[0].rowsPerSecond == nil }
        if rig.kind == .file { answers.add("backfill run", await failure { _ = try await upgrade.runBackfill() }) }
        await master.close()
        try answers.add("status", try upgrade.status())
        try answers.add("backfill resume", try upgrade.resumeBackfill())
        try answers.add("backfill run", try await upgrade.runBackfill())
        try answers.add("backfill status", try upgrade.backfillStatus())
        try answers.add("backfill run", try await upgrade.runBackfill())
        try answers.add("backfill pause", try upgrade.pauseBackfill())
        try answers.add("status", try upgrade.status())
        try answers.add("verify", try upgrade.verify())
        answers.addErrors(of: rig)
        return answers
    }

    @Test(arguments: formats)
    func `are these`(_ kind: Kind, _ format: OutputFormat) async throws {
        let rig = try await Rig(kind)
        try await rig.makeOld()
        try await transcript(rig, format).compare(with: "backfill.\(kind.rawValue).\(format.rawValue)", rig)
    }

    /// Every member of every object is in the document that describes the shapes.
    @Test func `have documented members`() {
        for kind in Kind.allCases {
            let (undocumented, count) = Transcript.undocumented(in: "backfill.\(kind.rawValue).json")
            #expect(undocumented.isEmpty && count > 20)
        }
    }
}
