internal import FaultSupport
internal import MetastoreCommandLine
internal import MetastoreReplicationCommands
internal import MetastoreTerminal
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing
internal import TranscriptSupport

/// What every command answers, whole, compared with a file.
@Suite(.serialized, .timed) struct `The answers of metastore-replicate` {
    /// For people it is the same on both engines.
    private static let formats: [(TestEngine, OutputFormat)] =
        [(.disk, .table)] + Rig.engines.map { ($0, .json) }

    private func name(_ engine: TestEngine) -> String { engine.isFile ? "file" : "server" }

    private func transcript(_ rig: Rig, _ format: OutputFormat) async throws -> Transcript {
        var answers = Transcript(format)
        answers.add("status", await failure { try await rig.status() })
        answers.add("snapshot", await failure { try await rig.snapshot() })
        try answers.add("archive --once", try await rig.ship())
        try answers.add("status --store", try await rig.status(beside: rig.store))
        try await rig.commit(4)
        try answers.add("status --store", try await rig.status(beside: rig.store))
        try answers.add("archive --once", try await rig.ship())
        try answers.add("snapshot", try await rig.snapshot())
        try answers.add("snapshot", try await rig.snapshot())
        try answers.add("label list", try await rig.labels.list())
        try answers.add("label set", try await rig.labels.set("before-upgrade", at: 12, text: "release 0.3"))
        try answers.add("label set", try await rig.labels.set("now", at: nil, text: ""))
        answers.add("label set", await failure { try await rig.labels.set("now", at: 3, text: "") })
        answers.add("label set", await failure { try await rig.labels.set("no/name", at: nil, text: "") })
        try answers.add("label list", try await rig.labels.list())
        try answers.add("status", try await rig.status())
        try answers.add("restore", try await rig.restore(into: try rig.place("newest")))
        try answers.add("restore --to 7", try await rig.restore(to: "7", into: try rig.place("seventh")))
        try answers.add(
            "restore --to before-upgrade --replica",
            try await rig.restore(to: "before-upgrade", into: try rig.place("replica")) { $0.isReplica = true })
        try answers.add("verify", try await rig.verify())
        try answers.add("verify --store", try await rig.verify(comparing: rig.store))
        try answers.add(
            "verify --to before-upgrade --store", try await rig.verify("before-upgrade", comparing: rig.store))
        let replica = try rig.place("follower")
        try answers.add("follow --once --compare", try await rig.follow(into: replica))
        try answers.add("rewind --dry-run", try await rig.rewind(replica, to: 9, isDryRun: true))
        try answers.add("rewind --yes", try await rig.rewind(replica, to: 9))
        try answers.add("rewind --yes", try await rig.rewind(replica, to: 9))
        answers.add("rewind --yes", await failure { try await rig.rewind(replica, to: 99) })
        try answers.add("follow --once --compare", try await rig.follow(into: replica))
        try answers.add("retention", try await rig.retain())
        try answers.add("label remove", try await rig.labels.remove("before-upgrade"))
        try answers.add("retention", try await rig.retain())
        try answers.add("retention --apply --yes", try await rig.retain(isApplied: true))
        try answers.add("retention --apply --yes", try await rig.retain(isApplied: true))
        try answers.add("status --store", try await rig.status(beside: rig.store))
        answers.add("restore --to 7", await failure { try await rig.restore(to: "7", into: try rig.place("late")) })
        for _ in 0..<3 {
            try await rig.commit(2)
            try await rig.ship()
        }
        try answers.add("snapshot", try await rig.snapshot())
        try answers.add("retention --merge", try await rig.retain { $0.merges = true })
        try answers.add("retention --merge --apply --yes", try await rig.retain(isApplied: true) { $0.merges = true })
        try answers.add("status", try await rig.status())
        answers.addErrors(of: rig)
        return answers
    }

    @Test(arguments: formats)
    func `are these`(_ engine: TestEngine, _ format: OutputFormat) async throws {
        try await Rig.with(engine) { rig in
            try await transcript(rig, format).compare(with: "\(name(engine)).\(format.rawValue)", rig)
        }
    }

    /// Every member of every object is in the document that describes the shapes.
    @Test func `have documented members`() async throws {
        for engine in Rig.engines {
            let (undocumented, count) = Transcript.undocumented(in: "\(name(engine)).json")
            #expect(undocumented.isEmpty && count > 40, "\(undocumented)")
        }
        try await Rig.with { rig in
            let lines = Mutex("")
            var options = ArchiveCommand.Options()
            options.isOnce = true
            _ = try await ArchiveCommand(rig.store, to: try rig.archive, options, screen: rig.screen)
                .run(Password()) { moment in
                    lines.withLock { $0 += (try? moment.text(.json, .plain)) ?? "" }
                }
            _ = try await rig.follow(into: try rig.place("lines"), { _ in }) { moment in
                lines.withLock { $0 += (try? moment.text(.json, .plain)) ?? "" }
            }
            let text = lines.withLock { $0 }
            let (undocumented, count) = Transcript.undocumented(text)
            #expect(undocumented.isEmpty && count >= 4, "\(undocumented) \(text)")
        }
    }
}
