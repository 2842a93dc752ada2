internal import FaultSupport
internal import FoundationEssentials
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreSQLite
internal import MetastoreTerminal
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `The inspector's answers about an archive` {
    @Test(arguments: [0, 16 << 20])
    func `are those about the store that it is of`(_ memoryBytes: Int) async throws {
        try await ArchivedStore.with { rig in
            let last = try rig.revision()
            for moment in [nil, "\(last)", "\(last - 3)", "\(last - 7)"] {
                let store = Content(InspectOptions(rig.path, .json, at: moment))
                let archive = Content(InspectOptions(archive: rig.folder, at: moment, memoryBytes: memoryBytes))
                #expect(archive == store, "at \(moment ?? "-"): \(archive.difference(store))")
                #expect(store.lines.count > 20 && store.lines.allSatisfy { $0[0] == "answered" })
            }
            // What the store let go of, the archive has.
            #expect(Content(InspectOptions(rig.path, .json, at: "5")).asked.status == .no)
            let early = Content(InspectOptions(archive: rig.folder, at: "5", memoryBytes: memoryBytes))
            #expect(early.asked.status == .success && early.asked.output.contains("\"name\":\"gone\""))
            // A snapshot of the last revision has all that the store has.
            try await rig.snapshot()
            let store = Content(InspectOptions(rig.path, .json), consumers: true)
            let archive = Content(InspectOptions(archive: rig.folder, memoryBytes: memoryBytes), consumers: true)
            #expect(archive == store, "\(archive.difference(store))")
        }
    }

    @Test func `are of an image's rows, too`() async throws {
        try await ArchivedStore.with { rig in
            try await rig.snapshot(.image)
            try await rig.commit(2)
            try await rig.ship()
            let (store, archive) = (
                Content(InspectOptions(rig.path, .json)), Content(InspectOptions(archive: rig.folder))
            )
            #expect(archive == store, "\(archive.difference(store))")
            let asked = Asked(InspectOptions(archive: rig.folder)) { try $0.check(.full) }
            #expect(asked.status == .success, asked.reason)
            #expect(asked.errors.contains("from the image snapshot"))
        }
    }

    @Test func `are of the moment that is asked for, also of a label`() async throws {
        try await ArchivedStore.with { rig in
            func revision(_ at: String) throws -> (String, Asked) {
                let asked = Asked(InspectOptions(archive: rig.folder, at: at)) { try $0.info(sizes: false) }
                let line = asked.output.split(separator: "\n").first { $0.contains("\"revision\"") }
                return (line.map { $0.filter(\.isNumber) } ?? "", asked)
            }
            let (labelled, asked) = try revision("half-way")
            #expect(asked.status == .success && asked.errors.contains("the archive goes on to revision"), asked.reason)
            let label = try #require(Int64(labelled))
            #expect(try revision("label:half-way").0 == labelled)
            let last = try rig.revision()
            #expect(try revision("newest").0 == "\(last)")
            // As the store says it: a time is that of the last revision at or before it.
            let time = Asked(InspectOptions(rig.path, .json, at: "\(label)")) {
                try $0.log(after: Revision(rawValue: label - 1), kinds: .all, under: nil, limit: 1)
            }
            let text = try #require(
                time.output.split(separator: "\"").first { $0.hasPrefix("20") && $0.hasSuffix("Z") })
            #expect(try revision(String(text)).0 == labelled)
            let unknown = try revision("half-wy").1
            #expect(unknown.status == .missing && unknown.failure?.description.contains("half-way") == true)
            #expect(try revision("9999").1.status == .missing)
            #expect(try revision("2001-01-01").1.status == .missing)
            #expect(try revision("-1").1.status == .usage)
        }
    }

    @Test func `say where they come from`() async throws {
        try await ArchivedStore.with { rig in
            let asked = Asked(InspectOptions(archive: rig.folder)) { try $0.info(sizes: true) }
            #expect(asked.status == .success, asked.reason)
            let found = try JSONObject(parsing: asked.output)
            let last = try rig.revision()
            #expect(found.values["verdict"] == .string("archived") && found.values["provenUpTo"] == .integer(last))
            #expect(found.values["closedCleanly"] == .null && found.values["isCopy"] == .null)
            guard case .object(let archive)? = found.values["archive"] else { throw Failure("its shape") }
            #expect(archive["revision"] == .integer(last) && archive["after"] == .integer(0))
            #expect(archive["segments"] == .integer(5) && archive["damages"] == .array([]))
            #expect(archive["unreachable"] == .array([]))
            guard case .array(let epochs)? = archive["epochs"], case .array(let snapshots)? = archive["snapshots"],
                case .array(let labels)? = archive["labels"]
            else { throw Failure("its shape") }
            #expect(epochs.count == 2 && snapshots.count == 1 && labels.count == 1)
            guard case .object(let snapshot) = snapshots[0] else { throw Failure("its shape") }
            #expect(snapshot["state"] == .string("usable"))
            #expect(asked.errors.contains("rebuilt from the archive \(rig.folder)/"))
            #expect(asked.errors.contains("from the portable snapshot at revision"))
            let quiet = Asked(InspectOptions(archive: rig.folder, .table)) { try $0.info(sizes: false) }
            for word in ["epoch 2", "kept", "segments", "half-way", "shown"] { #expect(quiet.output.contains(word)) }
        }
    }

    /// After retention the kept history begins with a snapshot.
    @Test func `are whole of what retention left`() async throws {
        try await ArchivedStore.with { rig in
            try await rig.snapshot()
            try await rig.commit(2)
            try await rig.ship()
            _ = try await LabelCommand(
                try ArchiveURL(rig.folder), cluster: nil, screen: CommandScreen(.plain, write: { _ in })
            ).remove("half-way")
            try await rig.retain()
            #expect(try rig.objects("kept").count == 1)
            // The consumer's position went with the history that it was in: nothing else is to be found.
            let checked = Asked(InspectOptions(archive: rig.folder)) { try $0.check(.full) }
            #expect(checked.output.contains("\"findingCount\": 1,"), "\(checked.output) \(checked.reason)")
            #expect(checked.output.contains("\"key\": \"consumers/scheduler\""))
            let kinds: [RecordKind] = [.experiment, .trial, .keyValue]
            for kind in kinds {
                let answers = [InspectOptions(rig.path, .name), InspectOptions(archive: rig.folder, .name)].map {
                    Asked($0) { try $0.list(RecordQuery(kind), limit: nil) }.output
                }
                #expect(answers[0] == answers[1] && !answers[0].isEmpty)
            }
            let early = Asked(InspectOptions(archive: rig.folder, at: "5")) { try $0.info(sizes: false) }
            #expect(early.status == .no && early.failure?.description.contains("retention removed") == true)
        }
    }

    @Test func `change nothing, and refuse what isn't for archives`() async throws {
        try await ArchivedStore.with { rig in
            let before = try Traces(rig.folder, aging: true)
            for bytes in [0, 16 << 20] {
                let options = InspectOptions(archive: rig.folder, memoryBytes: bytes)
                for statement in ["DELETE FROM trials", "CREATE TABLE x (y)", "PRAGMA user_version = 9"] {
                    let asked = Asked(options) { try $0.sql(statement) }
                    #expect(asked.status == .usage, "\(statement): \(asked.reason)")
                }
            }
            var walled = InspectOptions(archive: rig.folder)
            walled.writeAheadLog = .none
            #expect(Asked(walled) { try $0.info(sizes: false) }.status == .usage)
            #expect(Asked(InspectOptions(archive: rig.folder, at: "5")) { try $0.check(.quick) }.status == .usage)
            let salvage = InspectSalvage(InspectOptions(archive: rig.folder), to: rig.root + "/rescued.db")
            let failure = #expect(throws: CommandFailure.self) {
                try salvage.run(screen: CommandScreen(.plain, write: { _ in }), output: BufferedOutput(.plain) { _ in })
            }
            #expect(failure?.status == .usage && failure?.description.contains("is an archive") == true)
            // Who reads no archives says that it is one.
            let plain = Asked(InspectOptions(rig.folder)) { try $0.info(sizes: false) }
            #expect(plain.failure?.description.contains("is an archive, and no store") == true)
            let difference = Asked(InspectOptions(archive: rig.folder)) { try $0.diff(with: rig.path, at: nil) }
            #expect(
                difference.status == .success && !difference.output.contains("\"key\""),
                "\(difference.output) \(difference.reason)")
            #expect(try before.again() == before)
        }
    }
}

extension Asked {
    fileprivate init(_ options: InspectOptions, _ command: (InspectSession) throws -> Void) {
        self.init(options, showing: command)
    }
}
