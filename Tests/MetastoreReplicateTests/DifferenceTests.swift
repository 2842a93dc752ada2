internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// What isn't as it should be is told, where it is, and with which exit code.
@Suite(.serialized, .timed) struct `What metastore-replicate finds` {
    /// What somebody did behind the store's back.
    private func change(_ rig: Rig, _ statements: String, in url: StoreURL? = nil) throws {
        let engine = try rig.source(url ?? rig.store).makeEngine(EngineOptions())
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        try writer.executeScript(statements)
        try engine.settle(writer)
        writer.close()
        engine.close()
    }

    @Test(arguments: Rig.engines)
    func `in rows that were changed behind the store's back is their keys`(_ engine: TestEngine) async throws {
        try await Rig.with(engine) { rig in
            try await rig.ship()
            #expect(try await rig.verify(comparing: rig.store).isEqual == true)
            try change(
                rig,
                """
                UPDATE experiments SET notes = 'changed' WHERE id = 1;
                UPDATE trials SET restarts = 7 WHERE id = 2;
                """)
            let answer = try await rig.verify(comparing: rig.store)
            #expect(answer.exitStatus == .no && answer.isEqual == false && answer.kinds == ["experiments", "trials"])
            #expect(
                answer.differences.count == 2 && answer.differences[0].hasPrefix("experiments/1 has another content")
                    && answer.differences[1].contains("trials/2"), "\(answer.differences)")
            #expect(rig.names(in: rig.root).allSatisfy { !$0.hasPrefix("metastore-verify") }, "scratch is gone")
            // At an earlier revision, too, if the rows were there.
            let earlier = try await rig.verify("10", comparing: rig.store)
            #expect(earlier.isEqual == false && earlier.comparedAt == 10, "\(earlier)")
        }
    }

    @Test func `in a segment is its name, and the byte`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            try await rig.commit(5)
            try await rig.ship()
            let segments = try rig.objects("log")
            try rig.damage(segments[1]) { $0[$0.count / 2] ^= 4 }
            let name = String(segments[1].split(separator: "/").last!)
            for found in [
                await failure { try await rig.status() }, await failure { try await rig.verify() },
                await failure { try await rig.restore(into: try rig.place("damaged")) },
                await failure { try await rig.follow(into: try rig.place("follower")) },
                await failure { try await rig.retain() },
            ] {
                #expect(found?.status == .damaged)
                #expect(
                    found.map { $0.description.contains(name) && $0.description.contains("damaged at byte ") } == true,
                    "\(String(describing: found))")
            }
            #expect(rig.names(in: rig.root + "/damaged").allSatisfy { !$0.hasSuffix(".db") })
        }
    }

    @Test func `in a snapshot is told, and can be passed over`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            try await rig.snapshot()
            let part = try #require(try rig.objects("snapshots").first { $0.contains("portable-") })
            try rig.damage(part) { $0[$0.count / 2] ^= 4 }
            let found = await failure { try await rig.restore(into: try rig.place("first")) }
            #expect(found?.status == .damaged && found?.description.contains("snapshots/") == true)
            let answer = try await rig.restore(into: try rig.place("second")) { $0.takesEarlier = true }
            #expect(answer.snapshot == nil && answer.passedOver.count == 1 && answer.revision == 22)
            let manifest = try #require(try rig.objects("snapshots").first { $0.hasSuffix("/portable") })
            try rig.damage(manifest) { $0[$0.count / 2] ^= 4 }
            #expect(try await rig.status().snapshots.map(\.state) == ["damaged"])
        }
    }

    /// A hole in the line looks like its end to whoever follows it.
    @Test func `missing in the middle is told, though the line seems to end there`() async throws {
        try await Rig.with { rig in
            for _ in 0..<3 {
                try await rig.ship()
                try await rig.commit(3)
            }
            #expect(try await rig.status(beside: rig.store).exitStatus == .success)
            let segments = try rig.objects("log")
            try FileManager.default.removeItem(atPath: rig.folder + "/" + segments[1])
            let report = try await rig.status(beside: rig.store)
            #expect(report.exitStatus == .no && report.unreachable.count == segments.count - 2)
            #expect(report.notes.contains { $0.contains("breaks off after revision \(report.revision)") })
        }
    }

    @Test func `of two masters is which of them is out`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let other = try rig.place("other")
            try await rig.restore(into: other)
            // It goes on in an epoch of its own, and opens it in the archive; the first one commits, too.
            let takeover = ArchiveCommand(other, to: try rig.archive, once, screen: rig.screen)
            _ = try await takeover.run(Password())
            try await rig.commit(2)
            let report = try await rig.status(beside: rig.store)
            #expect(report.exitStatus == .no && report.store?.relation == .fenced, "\(report)")
            let alarm = await failure { try await rig.ship() }
            #expect(
                alarm?.status == .no && alarm?.description.contains("leads now") == true, "\(String(describing: alarm))"
            )
            #expect(try await rig.status(beside: other).store?.relation == .current)
            let differs = await failure { try await rig.verify(comparing: rig.store) }
            #expect(differs?.status == .no, "\(String(describing: differs))")
        }
    }

    private var once: ArchiveCommand.Options {
        var options = ArchiveCommand.Options()
        (options.isOnce, options.segmentAge) = (true, .zero)
        return options
    }

    @Test func `of a copy that went on is the fork, and of one that lags that it does`() async throws {
        try await Rig.with { rig in
            let copy = try rig.place("copy", on: .disk)
            guard case .sqlite(let path) = copy.place, case .sqlite(let own) = rig.store.place else { return }
            try FileManager.default.copyItem(atPath: own, toPath: path)
            try await rig.commit(3)
            try await rig.ship()
            #expect(try await rig.status(beside: copy).store?.relation == .ahead)
            // Shorter than the archive, and longer.
            for numbers in [0..<1, 1..<9] {
                let opened = try await Metastore.open(try rig.source(copy).withoutFileMarks)
                for number in numbers {
                    try await opened.keyValue.put(EntryKey(namespace: "copy", key: "\(number)"), "x")
                }
                await opened.close()
                let report = try await rig.status(beside: copy)
                #expect(report.store?.relation == .forked && report.exitStatus == .no)
            }
            let alarm = await failure {
                try await ArchiveCommand(copy, to: try rig.archive, once, screen: rig.screen).run(Password())
            }
            #expect(alarm?.status == .no && alarm?.description.contains("two masters") == true)
            #expect(try await rig.status(beside: rig.store).exitStatus == .success, "nothing was overwritten")
        }
    }

    /// An operator verifies a replica while its master works: what it lacks is nothing to be alarmed about.
    @Test(arguments: Rig.engines)
    func `of a replica that lags is looked for where it stands`(_ engine: TestEngine) async throws {
        try await Rig.with { rig in
            try await rig.ship()
            try await rig.snapshot()
            let replica = try rig.place("replica", on: engine)
            let stands = try await rig.follow(into: replica).revision
            #expect(try await rig.status(beside: replica).store?.relation == .current)
            // First in the same epoch; then another master leads, in one that the replica knows nothing of.
            for _ in 0..<2 {
                try await rig.commit(5)
                try await rig.ship()
                try await rig.snapshot()
                let report = try await rig.status(beside: replica)
                #expect(report.exitStatus == .success && report.store?.relation == .lagging, "\(report)")
                #expect(report.store?.lagRevisions == report.revision - stands)
                let answer = try await rig.verify(comparing: replica)
                #expect(answer.isEqual == true && answer.comparedAt == stands && answer.revision == report.revision)
                let early = await failure { try await rig.verify("\(report.revision)", comparing: replica) }
                #expect(early?.status == .no && early?.description.contains("at revision \(stands)") == true)
                try await rig.writing { try await $0.lead(as: "another") { _ in } }
            }
            try change(rig, "UPDATE trials SET restarts = 7 WHERE id = 2", in: replica)
            let answer = try await rig.verify(comparing: replica)
            #expect(answer.exitStatus == .no && answer.comparedAt == stands && answer.kinds == ["trials"], "\(answer)")
            #expect(answer.differences.count == 1 && answer.differences[0].contains("trials/2"))
        }
    }

    @Test func `where nothing is, or several clusters' archives, is said`() async throws {
        try await Rig.with { rig in
            let none = await failure { try ArchiveURL(rig.root + "/none").target() }
            #expect(none?.status == .missing && none?.description.contains("Mount its volume") == true)
            let empty = await failure { try await rig.status() }
            #expect(empty?.status == .missing && empty?.description.contains("nothing was archived there yet") == true)
            try await rig.ship()
            try await Rig.with(commits: 2) { other in
                _ = try await ArchiveCommand(other.store, to: try rig.archive, once, screen: rig.screen).run(Password())
            }
            let several = await failure { try await rig.status() }
            let clusters = try rig.archive.clusters().map(\.text)
            #expect(several?.status == .usage && clusters.count == 2)
            #expect(clusters.allSatisfy { several?.description.contains($0) == true })
            let chosen = try await StatusCommand(
                try rig.archive, cluster: UUID(uuidString: clusters[0]), screen: rig.screen
            ).run(beside: nil, Password())
            #expect(chosen.cluster == clusters[0])
            let unknown = await failure {
                try await StatusCommand(try rig.archive, cluster: UUID(), screen: rig.screen).run(
                    beside: nil, Password())
            }
            #expect(unknown?.status == .missing)
            let own = try await rig.writing { try await $0.info().cluster }
            let wrong = await failure {
                try await StatusCommand(
                    try rig.archive, cluster: try rig.archive.clusters().first { $0 != own }, screen: rig.screen
                ).run(beside: rig.store, Password())
            }
            #expect(wrong?.status == .no && wrong?.description.contains("cluster") == true)
        }
    }
}
