internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Synchronization
internal import Testing

@Suite(.serialized, .timed) struct `An archiver` {
    @Test(arguments: TestEngine.allCases)
    func `brings all that is committed into the archive`(_ engine: TestEngine) async throws {
        var random = Seeded("archiver \(engine)")
        try await withArchive(engine) { archive in
            archive.options.segmentBytes = 4_000
            try await archive.commit(20, &random)
            try await archive.archiving { archiver in
                try await archive.commit(60, &random)
                try await archive.awaitArchived(archiver)
                #expect(archiver.status.state == .following && archiver.status.segments > 5)
            }
            try await archive.expectSame()
            #expect(throws: StoreError.self) {
                let one = try Archiver(archive.store, archive.target)
                try withExtendedLifetime(one) { _ = try Archiver(archive.store, archive.target) }
            }
        }
    }

    /// However it ended: a new one goes on where the archive ends, and reads no more of it than it has to.
    @Test(arguments: TestEngine.allCases.filter { $0 != .hostile && $0.rawValue != "pooled" })
    func `goes on after any stop, without a hole or a double`(_ engine: TestEngine) async throws {
        var random = Seeded("archiver resumes \(engine)")
        try await withArchive(engine) { archive in
            archive.options.segmentBytes = 3_000
            archive.options.lagInterval = .zero
            let rounds = engine == .disk ? 30 : 8
            for round in 0..<rounds {
                if engine.isLasting, round % 3 == 2 { try await archive.bench.reopen() }
                try await archive.commit(Int.random(in: 0...10, using: &random), &random)
                let (reads, archived) = (archive.target.reads, try await archive.store.keptLog(as: "archiver"))
                try await archive.archiving { archiver in
                    #expect(await eventually { archiver.status.archived != nil })
                    // A few for each epoch and object after the place it knows; the whole line takes hundreds.
                    if archived != nil { #expect(archive.target.reads - reads <= 40, "round \(round)") }
                    try await archive.commit(Int.random(in: 0...10, using: &random), &random)
                    if Bool.random(using: &random) { try await archive.awaitArchived(archiver) }
                    archive.target.mode = .losesAnswers
                    try await archive.commit(Int.random(in: 0...3, using: &random), &random, lead: false)
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...10, using: &random)))
                }
                archive.target.mode = .works
            }
            try await archive.archiving { try await archive.awaitArchived($0) }
            #expect(try await names(archive.line).count > rounds, "the whole line is much longer")
            try await archive.expectSame()
        }
    }

    /// Another volume is mounted there, or the archive is gone: where the last one ended says nothing of this one.
    @Test(arguments: [false, true]) func `begins anew in a new place`(_ isShort: Bool) async throws {
        var random = Seeded("archiver moves")
        try await withArchive(.disk) { archive in
            archive.options.segmentBytes = 3_000
            archive.options.lagInterval = .zero
            for _ in 0..<5 {
                try await archive.commit(10, &random)
                try await archive.archiving { try await archive.awaitArchived($0) }
            }
            #expect(try #require(try await archive.store.keptLog(as: "archiver")).revision > 10)
            for name in try await names(archive.line) { try await archive.target.remove(name) }
            if isShort { try await archive.commit(1, &random) }
            for _ in 0..<3 {
                try await archive.archiving { try await archive.awaitArchived($0) }
                try await archive.commit(3, &random)
            }
            try await archive.archiving { try await archive.awaitArchived($0) }
            try await archive.expectSame()
        }
    }

    @Test(arguments: TestEngine.exclusive)
    func `seals what is a second old, and at once what somebody waits for`(_ engine: TestEngine) async throws {
        try await withArchive(engine) { archive in
            archive.options.segmentAge = .seconds(1)
            try await archive.archiving { archiver in
                try await archive.bench.whileTimePasses { try await archive.awaitArchived(archiver) }
                let before = archive.target.creations
                for number in 0..<5 { try await archive.store.keyValue.put("n/1", "\(number)") }
                try await Task.sleep(for: .milliseconds(300))
                #expect(archive.target.creations == before, "the clock stands still")
                // It may have begun to count only now.
                try await archive.bench.whileTimePasses { try await archive.awaitArchived(archiver) }
                #expect(archive.target.creations == before + 1)
                try await archive.store.write(until: .archived) { tx in try tx.keyValue.put("n/1", "x") }
                #expect(archive.target.creations >= before + 2)
                #expect(archiver.status.archived == archive.store.position.revision)
            }
            try await archive.expectSame()
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `answers nobody while the archive stands still`(_ engine: TestEngine) async throws {
        try await withArchive(engine) { archive in
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                archive.target.mode = .stalls
                let answers = Counter()
                let store = archive.store
                try await withThrowingTaskGroup { group in
                    for number in 0..<20 {
                        group.addTask {
                            try await store.write(until: .archived) { tx in
                                try tx.keyValue.put(EntryKey("n/\(number)"), "x")
                            }
                            answers.count()
                        }
                    }
                    for number in 0..<20 {
                        #expect(try await eventually { try await store.keyValue.get(EntryKey("n/\(number)")) != nil })
                    }
                    try await Task.sleep(for: .milliseconds(100))
                    #expect(answers.value == 0)
                    archive.target.mode = .works
                    try await group.waitForAll()
                }
                #expect(answers.value == 20)
            }
            try await archive.expectSame()
        }
    }

    @Test func `tries again while the archive is full or away, and says so`() async throws {
        try await withArchive(.disk, configure: { $0.durabilityTimeout = .seconds(1) }) { archive in
            let store = archive.store
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                for error in [
                    ArchiveError.full(place: "here"), .unavailable(place: "here", reason: "away"),
                    .refused(place: "here", reason: "not mounted"),
                ] {
                    archive.target.mode = .fails(error)
                    async let answer: StoreError? = {
                        do {
                            try await store.write(until: .archived) { tx in try tx.keyValue.put("n/1", "\(error)") }
                            return nil
                        } catch {
                            return error as? StoreError
                        }
                    }()
                    #expect(await eventually { archiver.status.state == .retrying(reason: "\(error)") })
                    #expect(await eventually { store.replication.isArchiveAwaited })
                    archive.bench.time.monotonic += .seconds(1)
                    guard case .notReplicated(store.position, _) = await answer else {
                        Issue.record("it was answered")
                        return
                    }
                    archive.target.mode = .works
                    try await archive.awaitArchived(archiver)
                    #expect(await eventually { archiver.status.state == .following })
                }
            }
            try await archive.expectSame()
        }
    }
}
