internal import FaultSupport
internal import FoundationEssentials
internal import MetastoreCommandLine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreReplicationCommands
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `The inspector on a damaged archive` {
    /// What came of looking at it.
    private struct Look {
        /// The revision that is shown; nil where nothing is.
        let revision: Int64?
        let listed: Asked
        private let folder: String
        var checked: Asked { Asked(InspectOptions(archive: folder)) { try $0.check(.full) } }

        init(_ rig: ArchivedStore, at moment: String? = nil) throws {
            folder = rig.folder
            listed = Asked(InspectOptions(archive: rig.folder, at: moment), showing: { try $0.info(sizes: false) })
            guard listed.status == .success else {
                revision = nil
                return
            }
            guard case .integer(let revision)? = try JSONObject(parsing: listed.output).values["revision"] else {
                throw Failure("its shape")
            }
            self.revision = revision
        }
    }

    /// Whatever is shown was so: the same as the store says of that revision. Of its log as much is shown as is left.
    private func expectTrue(_ copy: ArchivedStore, _ rig: ArchivedStore, _ revision: Int64?, _ comment: Comment) {
        guard let revision else { return }
        let store = Content(InspectOptions(rig.path, .ndjson, at: "\(revision)"), rowsAlone: true)
        let archive = Content(InspectOptions(archive: copy.folder, .ndjson), rowsAlone: true)
        #expect(archive == store && store.lines.count > 10, "\(comment): \(archive.difference(store))")
    }

    /// The revision that the name of an object of the line says, or the one before it.
    private func before(_ object: String) throws -> Int64 {
        try #require(Int64(object.split(separator: "/").last ?? "")) - 1
    }

    /// Ways to break an object.
    private enum Way: CaseIterable { case missing, flipped, cut, empty, swapped }
    private static let few: [Way] = [.missing, .flipped, .cut]

    private func break_(_ rig: ArchivedStore, _ object: String, _ way: Way) throws {
        switch way {
        case .missing: try rig.remove(object)
        case .flipped: try rig.damage(object) { $0[$0.count / 2] ^= 4 }
        case .cut: try rig.damage(object) { $0.removeLast($0.count / 3) }
        case .empty: try rig.damage(object) { $0 = [] }
        case .swapped: try rig.damage(object) { $0 = Array("it was something else once".utf8) }
        }
    }

    @Test func `shows the last state before the break, where no later one is proven`() async throws {
        try await ArchivedStore.with { rig in
            let log = try rig.objects("log")
            // The last segment of all: what comes before it is there.
            let last = log[log.count - 1]
            for way in Way.allCases where way != .missing {
                try await rig.withCopy { copy in
                    try break_(copy, last, way)
                    let look = try Look(copy)
                    let front = try before(last)
                    #expect(look.revision == front, "\(way): \(look.listed.reason)")
                    #expect(look.listed.errors.contains("warning: the archive is damaged: \(last)"), "\(way)")
                    #expect(look.listed.errors.contains("the last before the break"), "\(way)")
                    #expect(look.listed.output.contains("\"verdict\": \"damaged\""), "\(way)")
                    let checked = look.checked
                    #expect(checked.status == .damaged && checked.output.contains(last), "\(way)")
                    expectTrue(copy, rig, look.revision, "\(way)")
                    // The words are those of metastore-replicate verify.
                    let verified = try #require(await copy.verify())
                    let said = try #require(verified.description.split(separator: ". Nothing of it").first)
                    #expect(checked.output.contains(String(said.split(separator: " is damaged").last ?? "?")))
                }
            }
        }
    }

    /// The snapshot stands after the second segment: what is before it isn't needed for the newest state.
    @Test func `shows what a later snapshot proves, and says what can't be shown`() async throws {
        try await ArchivedStore.with { rig in
            let (log, last) = (try rig.objects("log"), try rig.revision())
            for object in log.prefix(2) {
                for way in Self.few {
                    try await rig.withCopy { copy in
                        try break_(copy, object, way)
                        let look = try Look(copy)
                        #expect(look.revision == last, "\(object) \(way): \(look.listed.reason)")
                        #expect(look.listed.errors.contains("warning: the line is broken after revision"), "\(way)")
                        #expect(look.listed.errors.contains(object), "\(way)")
                        expectTrue(copy, rig, look.revision, "\(object) \(way)")
                        // What was committed in between is not to be had, and what was before is.
                        let front = try before(object)
                        let gap = try Look(copy, at: "\(front + 1)")
                        #expect(gap.revision == nil && gap.listed.status == .damaged, gap.listed.reason)
                        #expect(gap.listed.failure?.description.contains(object) == true)
                        if front > 0 {
                            #expect(try Look(copy, at: "\(front)").revision == front)
                            #expect(look.listed.errors.contains("--at \(front)"))
                        }
                        #expect(try Look(copy, at: "\(last - 1)").revision == last - 1)
                    }
                }
            }
        }
    }

    @Test func `goes on over the lost record of an epoch, which its segments prove`() async throws {
        try await ArchivedStore.with { rig in
            let (log, last) = (try rig.objects("log"), try rig.revision())
            // The last of epoch 1.
            let record = try #require(log.last { $0.contains("/log/0000000001/") })
            for way in Self.few {
                try await rig.withCopy { copy in
                    try break_(copy, record, way)
                    let look = try Look(copy)
                    #expect(look.revision == last, "\(way): \(look.listed.reason)")
                    #expect(look.listed.errors.contains(record) && look.checked.status == .damaged)
                    #expect(look.listed.output.contains("\"holder\": \"unknown\""))
                    expectTrue(copy, rig, look.revision, "\(way)")
                }
            }
        }
    }

    /// What was merged has no other copy: where it is damaged, the line breaks before all of it.
    @Test func `reads merged segments, and does without one that is damaged`() async throws {
        try await ArchivedStore.with { rig in
            let last = try rig.revision()
            let before = Content(InspectOptions(archive: rig.folder, .ndjson))
            try await rig.merge()
            let (merged, records) = (try rig.objects("merged"), try rig.objects("merges"))
            #expect(merged.count == 1 && records.count == 1)
            let whole = Content(InspectOptions(archive: rig.folder, .ndjson))
            #expect(whole == before, "\(whole.difference(before))")
            #expect(try Look(rig).checked.status == .success)
            for object in merged + records {
                for way in Self.few {
                    try await rig.withCopy { copy in
                        try break_(copy, object, way)
                        let look = try Look(copy)
                        #expect(look.revision == last, "\(object) \(way): \(look.listed.reason)")
                        #expect(look.listed.errors.contains("warning: the line is broken after revision 0"), "\(way)")
                        // Of a record that isn't there nobody knows: its first segment is missing.
                        let isUnknown = way == .missing && object == records[0]
                        #expect(look.listed.errors.contains(object) != isUnknown, "\(object) \(way)")
                        #expect(look.checked.status == .damaged)
                        expectTrue(copy, rig, look.revision, "\(object) \(way)")
                        let gap = try Look(copy, at: "2")
                        #expect(gap.revision == nil && gap.listed.status == .damaged, gap.listed.reason)
                        for snapshot in try copy.objects("snapshots") { try copy.remove(snapshot) }
                        let nothing = try Look(copy)
                        #expect(nothing.revision == nil && nothing.listed.status == .damaged, nothing.listed.reason)
                    }
                }
            }
        }
    }

    @Test func `does without a beginning, and without a damaged snapshot or label`() async throws {
        try await ArchivedStore.with { rig in
            let last = try rig.revision()
            let others = try rig.objects().filter { !$0.contains("/log/") }
            #expect(others.count == 4)
            for object in others {
                for way in Self.few {
                    try await rig.withCopy { copy in
                        try break_(copy, object, way)
                        let look = try Look(copy)
                        #expect(look.revision == last, "\(object) \(way): \(look.listed.reason)")
                        // Nobody knows of a label or a snapshot that isn't there.
                        let isUnknown = way == .missing && (object.contains("labels") || object.hasSuffix("portable"))
                        let checked = look.checked
                        #expect(checked.status == (isUnknown ? .success : .damaged), "\(object) \(way)")
                        #expect(checked.output.contains(object) != isUnknown, "\(object) \(way)")
                        expectTrue(copy, rig, look.revision, "\(object) \(way)")
                    }
                }
            }
        }
    }

    @Test func `shows nothing where nothing is proven`() async throws {
        try await ArchivedStore.with { rig in
            try rig.damage(try rig.objects("log")[0]) { $0.removeLast(9) }
            for object in try rig.objects("snapshots") { try rig.damage(object) { $0.removeLast(9) } }
            let look = try Look(rig)
            #expect(look.revision == nil && look.listed.status == .damaged && look.checked.status == .damaged)
            let said = look.listed.failure?.description ?? ""
            let first = try rig.objects("log")[0]
            #expect(said.contains("can be proven") && said.contains(first))
        }
    }

    /// Of what a snapshot alone has nothing leads to it; where the line is whole it is only told of.
    @Test func `tells of a snapshot that is ahead of the log`() async throws {
        try await ArchivedStore.with { rig in
            let archived = try rig.revision()
            try await rig.commit(2)
            try await rig.snapshot()
            let ahead = try rig.revision()
            let look = try Look(rig)
            #expect(look.revision == archived && look.listed.errors.contains("--at \(ahead) shows it"))
            #expect(look.listed.output.contains("\"verdict\": \"archived\""))
            let shown = try Look(rig, at: "\(ahead)")
            #expect(shown.revision == ahead, shown.listed.reason)
            #expect(shown.listed.errors.contains("there is nothing that leads to it"))
            // Then the line is cut off before the place where the snapshot was made.
            for object in try rig.objects("log").suffix(1) { try rig.remove(object) }
            let cut = try Look(rig)
            #expect(cut.revision == ahead && cut.listed.output.contains("\"verdict\": \"damaged\""), cut.listed.reason)
            expectTrue(rig, rig, ahead, "ahead")
        }
    }

    /// Bytes of any object change anywhere, several at a time: what is shown was so, or nothing is.
    @Test func `never shows what wasn't`() async throws {
        try await ArchivedStore.with { rig in
            var random = Scale.random(71)
            var ends: [String: Int] = [:]
            let objects = try rig.objects()
            for round in 0..<Scale.of(300) {
                try await rig.withCopy { copy in
                    for _ in 0..<Int.random(in: 1...3, using: &random) {
                        let object = try #require(objects.randomElement(using: &random))
                        try copy.damage(object) { bytes in
                            guard !bytes.isEmpty else { return }
                            let place = Int.random(in: 0..<bytes.count, using: &random)
                            if Bool.random(using: &random) {
                                bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &random)
                            } else {
                                bytes.removeSubrange(place...)
                            }
                        }
                    }
                    let look = try Look(copy)
                    let checked = look.checked
                    // The byte that says which format it is may be the one.
                    let refusals: [MetastoreCommandLine.ExitStatus] = [.damaged, .newerSchema]
                    #expect(refusals.contains(checked.status), "round \(round): \(checked.reason)")
                    #expect(look.revision != nil || refusals.contains(look.listed.status), look.listed.reason)
                    expectTrue(copy, rig, look.revision, "round \(round)")
                    ends[look.revision.map { "\($0)" } ?? "nothing", default: 0] += 1
                }
            }
            print("damaged archives, by what is shown: \(ends.inWords)")
        }
    }
}
