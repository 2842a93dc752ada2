internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreTerminal
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `metastore-replicate restore` {
    /// Each state comes out as it was, by number, time and name, on either engine.
    @Test(arguments: zip(Rig.engines, Rig.engines.reversed()))
    func `gives each state back by its revision, time and label`(_ from: TestEngine, _ to: TestEngine) async throws {
        try await Rig.with(from) { rig in
            let middle = try await rig.writing { store in
                try await store.position(at: store.position.revision).revision
            }
            // A time of its own: between two commits there may be less than a microsecond.
            try await Task.sleep(for: .milliseconds(3))
            let time = TimeSource.system.now()
            try await Task.sleep(for: .milliseconds(3))
            try await rig.commit(5)
            try await rig.ship()
            try await rig.snapshot()
            _ = try await rig.labels.set("2026", at: middle.rawValue, text: "")
            let expected = try await rig.contents(rig.store)
            for (number, point) in ["\(middle)", "\(time)", "label:2026", "revision:\(middle)"].enumerated() {
                let place = try rig.place("restored \(number)", on: to)
                let answer = try await rig.restore(to: point, into: place)
                #expect(answer.revision == middle.rawValue && answer.epoch == 2, "\(point)")
            }
            let newest = try rig.place("newest", on: to)
            #expect(try await rig.restore(into: newest).epoch == 2)
            let found = try await rig.contents(newest)
            #expect(found.digests == expected.digests && found.digestsOfRows == found.digests)
        }
    }

    @Test func `begins with an image where the place can be given one`() async throws {
        try await Rig.with(.disk) { rig in
            try await rig.ship()
            try await rig.snapshot()
            let image = try await rig.snapshot(as: .image)
            #expect(image.form == "image" && image.rows == 0 && image.contentBytes > 10_000)
            let expected = try await rig.contents(rig.store)
            for engine in Rig.engines {
                let place = try rig.place("\(engine)", on: engine)
                #expect(try await rig.restore(into: place).revision == image.revision)
                #expect(try await rig.contents(place).digestsOfRows == expected.digests)
            }
            #expect(try await rig.status().snapshots.map(\.form).sorted() == ["image", "portable"])
            if let server = Rig.engines.first(where: { $0 != .disk }) {
                let refused = await failure {
                    try await SnapshotCommand(
                        try rig.place("none", on: server), to: try rig.archive, as: .image, screen: rig.screen
                    ).run(Password())
                }
                #expect(refused?.status == .usage && refused?.description.contains("for every engine") == true)
            }
        }
    }

    @Test func `refuses a place that holds something, and leaves it`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let before = try await rig.contents(rig.store)
            let found = await failure { try await rig.restore(into: rig.store) }
            #expect(found?.status == .cannotCreate && found?.description.contains("left as it is") == true)
            #expect(try await rig.contents(rig.store) == before)
            let text = rig.root + "/text.db"
            #expect(FileManager.default.createFile(atPath: text, contents: Data("no database".utf8)))
            let foreign = await failure { try await rig.restore(into: try StoreURL(text)) }
            #expect(foreign?.status == .damaged || foreign?.status == .cannotCreate, "\(String(describing: foreign))")
            #expect(FileManager.default.contents(atPath: text) == Data("no database".utf8))
        }
    }

    @Test func `says which labels there are, or which was meant`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let none = await failure { try await rig.restore(to: "gone", into: try rig.place("a")) }
            #expect(none?.status == .missing && none?.description.contains("There is no label") == true)
            for name in ["before-upgrade", "release-0.3"] { _ = try await rig.labels.set(name, at: nil, text: "") }
            let near = await failure { try await rig.restore(to: "befor-upgrade", into: try rig.place("b")) }
            #expect(near?.description.contains("Did you mean \"before-upgrade\"?") == true)
            let far = await failure { try await rig.verify("nothing") }
            #expect(far?.description.contains("There are before-upgrade, release-0.3") == true)
            let removed = await failure { try await rig.labels.remove("release-0.4") }
            #expect(removed?.status == .missing && removed?.description.contains("release-0.3") == true)
            let future = await failure { try await rig.restore(to: "1000", into: try rig.place("c")) }
            #expect(future?.status == .missing && future?.description.contains("ends at revision 22") == true)
            let early = await failure { try await rig.restore(to: "2001-01-01", into: try rig.place("d")) }
            #expect(early?.status == .missing, "\(String(describing: early))")
        }
    }
}

@Suite(.serialized, .timed) struct `metastore-replicate retention` {
    @Test func `merges old segments where it is told to, and says what it would do where it isn't`() async throws {
        try await Rig.with { rig in
            for _ in 0..<6 {
                try await rig.commit(3)
                try await rig.ship()
            }
            let bare = try await rig.retain { $0.merges = true }
            #expect(bare.merging?.through == nil && bare.merging?.segments == 0)
            try await rig.snapshot()
            let before = try rig.objects("log")
            let status = try await rig.status()
            let planned = try await rig.retain { $0.merges = true }
            let merging = try #require(planned.merging)
            #expect(merging.segments > 4 && merging.into >= 1 && merging.bytes > 0 && merging.leftovers == 0)
            #expect(try rig.objects("log") == before && !planned.isApplied)
            #expect(planned.lines(.plain).contains { $0.contains("--apply does it") })
            let applied = try await rig.retain(isApplied: true) { $0.merges = true }
            #expect(applied.isApplied && applied.merging?.segments == merging.segments)
            #expect(try rig.objects("log").count == before.count - merging.segments)
            #expect(try rig.objects("merged").count == merging.into)
            let after = try await rig.status()
            #expect(after.mergedSegments == merging.into && after.revision == status.revision)
            #expect(after.segments == status.segments - merging.segments + merging.into)
            // What an interrupted run left is taken away by the next; with retention, merged segments go.
            let now = try rig.objects("log")
            let path = rig.folder + "/" + (try #require(before.first { !now.contains($0) }))
            #expect(FileManager.default.createFile(atPath: path, contents: Data("left".utf8)))
            let again = try await rig.retain(isApplied: true) { $0.merges = true }
            #expect(again.merging?.leftovers == 1 && again.merging?.segments == 0)
            #expect(!FileManager.default.fileExists(atPath: path))
            try await rig.commit(3)
            try await rig.ship()
            try await rig.snapshot()
            let both = try await rig.retain(isApplied: true) {
                ($0.merges, $0.snapshots) = (true, 1)
            }
            #expect(both.segments >= merging.into && both.afterwards > 0)
            #expect(try await rig.verify(comparing: rig.store).differences.isEmpty)
        }
    }

    @Test func `holds back what labels, consumers and followers need, and says for whom`() async throws {
        try await Rig.with { rig in
            for _ in 0..<3 {
                try await rig.ship()
                try await rig.snapshot()
                try await rig.commit(4)
            }
            try await rig.ship()
            try await rig.snapshot()
            _ = try await rig.labels.set("kept", at: 27, text: "")
            let byLabel = try await rig.retain()
            #expect(byLabel.reasons.contains("label kept needs it") && byLabel.afterwards <= 27, "\(byLabel)")
            _ = try await rig.labels.remove("kept")
            let byName = try await rig.retain {
                ($0.age, $0.needs) = (Age(argument: "0s"), [Need(argument: "replica-1=22")!])
            }
            #expect(byName.reasons.contains("replica-1 needs it") && byName.afterwards <= 22, "\(byName)")
            try await rig.writing { store in
                for try await batch in store.changes(as: "scheduler") {
                    try await batch.process { _, _ in }
                    break
                }
            }
            let byConsumer = try await rig.retain(beside: rig.store)
            #expect(byConsumer.reasons.contains { $0.hasPrefix("consumer scheduler") }, "\(byConsumer)")
            #expect(try await rig.status().after == 0, "a plan removes nothing")
            let bySize = try await rig.retain { $0.size = Size(argument: "1B") }
            #expect(bySize.isOverBytes && bySize.snapshotsStaying.count == 1)
            let applied = try await rig.retain(isApplied: true) { $0.snapshots = 2 }
            #expect(applied.isApplied && applied.snapshotsStaying.count == 2)
            let report = try await rig.status()
            #expect(report.after == applied.afterwards && report.snapshots.count == 2 && report.exitStatus == .success)
            #expect(try await rig.verify(comparing: rig.store).isEqual == true)
        }
    }

    @Test func `removes nothing when the answer is no`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            try await rig.snapshot()
            var options = RetentionCommand.Options()
            (options.age, options.isApplied) = (Age(argument: "0s"), true)
            let (archive, chosen) = (try rig.archive, options)
            let before = try rig.objects("log")
            let refused = await failure {
                try await RetentionCommand(archive, chosen, screen: rig.screen).run(beside: nil, Password()) { _ in
                    throw CommandFailure(.no, "nothing was done")
                }
            }
            #expect(refused?.status == .no && !before.isEmpty)
            #expect(try rig.objects("log") == before)
        }
    }
}
