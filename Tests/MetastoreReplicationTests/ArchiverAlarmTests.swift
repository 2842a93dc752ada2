internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `An archiver's alarm` {
    private func error<Value>(_ body: () async throws -> Value) async -> StoreError? {
        do {
            _ = try await body()
            return nil
        } catch {
            return error as? StoreError
        }
    }

    /// Raised, it stays: nothing is archived, whoever asks for the archive is told, everybody else goes on.
    private func expectAlarm(
        _ archive: ArchiverBench, sourceLocation: SourceLocation = #_sourceLocation,
        _ isExpected: (ArchiveError) -> Bool
    ) async throws {
        let before = try await names(archive.line)
        for round in 0..<2 {
            try await archive.archiving { archiver in
                #expect(
                    await eventually { if case .alarm = archiver.status.state { true } else { false } },
                    "\(archiver.status)", sourceLocation: sourceLocation)
                guard case .alarm(let alarm) = archiver.status.state else { return }
                #expect(isExpected(alarm), "\(alarm)", sourceLocation: sourceLocation)
                #expect(
                    await error { try await archive.store.write(until: .archived) { _ in } }
                        == .notReplicating(reason: "\(alarm)"), sourceLocation: sourceLocation)
                try await archive.store.keyValue.put(EntryKey("n/\(round)"), "x")
                try await Task.sleep(for: .milliseconds(100))
                #expect(archiver.status.state == .alarm(alarm), sourceLocation: sourceLocation)
                let lines = CapturedLog.lines(containing: "nothing is archived any more")
                #expect(lines.contains { $0.contains("\(alarm)") }, sourceLocation: sourceLocation)
            }
        }
        #expect(try await names(archive.line) == before, sourceLocation: sourceLocation)
    }

    /// A copy of the store's file goes on elsewhere and archives first.
    private func goOnElsewhere(_ archive: ArchiverBench, _ commits: Int) async throws {
        let copy = archive.bench.directory + "/copy.db"
        await archive.store.close()
        try FileManager.default.copyItem(atPath: archive.bench.path, toPath: copy)
        // Nothing tells it from the original, as with a clone of the volume.
        try EngineSource.sqlite(copy).forgetIdentity()
        try await archive.bench.reopen()
        let other = try await Metastore.open(.sqlite(copy))
        for number in 0..<commits { try await other.keyValue.put(EntryKey("other/\(number)"), "x") }
        let archiver = try Archiver(other, archive.target, archive.options)
        let run = Task { try await archiver.run() }
        #expect(await eventually { archiver.status.archived == other.position.revision }, "\(archiver.status)")
        run.cancel()
        try await run.value
        await other.close()
    }

    @Test(arguments: [0, 1]) func `tells of a fork`(_ before: Int) async throws {
        var random = Seeded("archiver forks")
        try await withArchive(.disk) { archive in
            try await archive.commit(10, &random)
            if before > 0 { try await archive.archiving { try await archive.awaitArchived($0) } }
            try await goOnElsewhere(archive, 5)
            let common = archive.store.position.revision
            try await archive.commit(10, &random, lead: false)
            try await expectAlarm(archive) { alarm in
                if case .forked(_, let after) = alarm { after <= common } else { false }
            }
            archive.options.policy.alarm = .refuseWrites
            try await archive.archiving { archiver in
                #expect(await eventually { archive.store.replication.admission != .open })
                guard case .notAdmitted = await error({ try await archive.store.keyValue.put("n/1", "y") }) else {
                    Issue.record("a write was taken")
                    return
                }
            }
            try await archive.store.keyValue.put("n/1", "y")
        }
    }

    /// While it archives, not only when it begins.
    @Test func `tells of a fork that begins under way`() async throws {
        try await withArchive(.disk) { archive in
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                let (store, line) = (archive.store, archive.line)
                let head = try await store.logHead()
                var random = Seeded("under way")
                let last = try #require(
                    try await store.logRecords(after: Revision(rawValue: head.revision.rawValue - 1)).first)
                let foreign = LogRecord.made(
                    after: last, in: head.epoch, of: line.cluster, by: "other", &random)
                let segment = Segment(
                    cluster: line.cluster, [foreign], after: head.chain, digests: [.keyValue: 1])
                let place = ArchivePlace(epoch: head.epoch, revision: head.revision, chain: head.chain)
                #expect(try await line.target.create(line.name(after: place), segment.bytes) == .created)
                let answer = await error { try await store.write(until: .archived) { try $0.keyValue.put("n/1", "x") } }
                guard case .notReplicated(store.position, _) = answer else {
                    Issue.record("\(answer as Any) \(archiver.status)")
                    return
                }
                // Writes are answered first, and then the alarm shows.
                #expect(
                    await eventually {
                        if case .alarm(.forked(_, head.revision)) = archiver.status.state { true } else { false }
                    }, "\(archiver.status)")
            }
        }
    }

    @Test func `tells of another master's epoch`() async throws {
        try await withArchive(.disk) { archive in
            try await archive.archiving { try await archive.awaitArchived($0) }
            let head = try await archive.store.logHead()
            let place = ArchivePlace(epoch: head.epoch, revision: head.revision, chain: head.chain)
            let other = EpochRecord(
                cluster: archive.line.cluster, epoch: Epoch(number: head.epoch.number + 1, nonce: 7),
                parent: head.epoch, fork: head.revision, chain: head.chain, holder: "master-9",
                time: Timestamp(microseconds: 1))
            _ = try await archive.target.create(archive.line.name(after: place), other.bytes)
            try await expectAlarm(archive) { alarm in
                alarm == .fenced(epoch: other.epoch.number, holder: "master-9", after: head.revision)
            }
        }
    }

    /// A copy that lags, or a store that lost its newest commits: only when told does it go on without them.
    @Test func `tells of an archive that has more, unless it is to be left behind`() async throws {
        var random = Seeded("archiver behind")
        try await withArchive(.disk) { archive in
            try await archive.commit(10, &random)
            try await archive.archiving { try await archive.awaitArchived($0) }
            try await goOnElsewhere(archive, 5)
            let head = archive.store.position.revision
            // Once it commits by itself its history is another.
            try await expectAlarm(archive) { alarm in
                if case .forked(_, let after) = alarm { after <= head } else { alarm == .behind(after: head) }
            }
        }
        try await withArchive(.disk) { archive in
            try await archive.commit(10, &random)
            try await archive.archiving { try await archive.awaitArchived($0) }
            try await goOnElsewhere(archive, 5)
            let fork = archive.store.position.revision
            try await archive.store.lead(as: "master-1") { _ in }
            try await archive.commit(5, &random)
            try await expectAlarm(archive) { $0 == .behind(after: fork) }
            archive.options.ahead = .leaveBehind
            for _ in 0..<3 {
                try await archive.archiving { archiver in
                    try await archive.commit(5, &random)
                    try await archive.awaitArchived(archiver)
                }
            }
            // Once it is so in the archive, nobody has to be told again.
            archive.options.ahead = .refuse
            try await archive.archiving { try await archive.awaitArchived($0) }
            try await archive.expectSame()
        }
    }

    /// The log was at its bound for as long as the archive was away.
    @Test(arguments: TestEngine.allCases.filter { $0 != .hostile && $0.rawValue != "pooled" })
    func `tells of a gap, and until then the log keeps what isn't archived`(_ engine: TestEngine) async throws {
        // Retention goes by the clock.
        try await withArchive(
            engine,
            configure: { options in
                options.logRetentionBytes = 60_000
                options.time = .system
            }
        ) { archive in
            let store = archive.store
            func put(_ count: Int, _ bytes: Int) async throws {
                for number in 0..<count {
                    try await store.keyValue.put(
                        EntryKey("n/\(number % 7)"), [UInt8](repeating: UInt8(number & 255), count: bytes))
                }
            }
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                archive.target.mode = .stalls
                let archived = try #require(archiver.status.archived)
                var noise = Seeded("gap")
                for _ in 0..<20 {
                    let bytes = (0..<2_000).map { _ in UInt8.random(in: 0...255, using: &noise) }
                    try await store.keyValue.put("n/1", bytes)
                }
                try await Task.sleep(for: .milliseconds(200))
                #expect(try await store.info().compactedRevision <= archived, "over its bound, below the hard one")
                archive.target.mode = .works
                try await archive.awaitArchived(archiver)
                // Now the log may go, but for what a new run begins with.
                try await put(3, 1)
                #expect(try await eventually { try await store.info().compactedRevision > archived })
                try await archive.awaitArchived(archiver)
                archive.target.mode = .stalls
                // While a segment is held up nothing more is taken: what it has taken isn't lost with the log.
                let creations = archive.target.creations
                try await put(1, 2)
                #expect(await eventually { archive.target.creations > creations })
                let taken = store.position.revision
                for _ in 0..<200 {
                    let bytes = (0..<2_000).map { _ in UInt8.random(in: 0...255, using: &noise) }
                    try await store.keyValue.put("n/1", bytes)
                }
                #expect(try await eventually { try await store.info().compactedRevision > taken })
                #expect(try await store.consumers.all().map(\.isExpired) == [true])
                archive.target.mode = .works
                #expect(
                    await eventually { if case .alarm(.gap) = archiver.status.state { true } else { false } },
                    "\(archiver.status)")
            }
            try await expectAlarm(archive) { if case .gap = $0 { true } else { false } }
        }
    }
}
