internal import FaultSupport
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `The lag of an archive` {
    private func lag(_ bytes: Int, _ seconds: Int) -> ArchiveLag {
        ArchiveLag(revisions: 1, bytes: bytes, age: .seconds(seconds))
    }

    @Test func `presses on writes by bytes or by age, and lets go at half of it`() {
        var policy = ArchivePolicy()
        policy.warn = ArchivePolicy.Bound(bytes: 100, age: .seconds(10))
        policy.throttle = ArchivePolicy.Bound(bytes: 1_000)
        policy.refuse = ArchivePolicy.Bound(age: .seconds(60))
        let steps: [(ArchiveLag, ArchiverStatus.Pressure)] = [
            (lag(100, 10), .none), (lag(101, 0), .warned), (lag(51, 0), .warned), (lag(50, 0), .none),
            (lag(0, 11), .warned), (lag(1_001, 0), .throttled), (lag(501, 0), .throttled), (lag(500, 0), .warned),
            (lag(0, 61), .refused), (lag(0, 31), .refused), (lag(2_000, 30), .throttled), (lag(0, 0), .none),
        ]
        var now = ArchiverStatus.Pressure.none
        for (lag, expected) in steps {
            now = policy.pressure(lag, now: now)
            #expect(now == expected, "\(lag)")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `is what the log has and the archive hasn't`(_ engine: TestEngine) async throws {
        try await withArchive(engine) { archive in
            let (store, time) = (archive.store, archive.bench.time)
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                #expect(await eventually { archiver.status.lag == ArchiveLag(revisions: 0, bytes: 0, age: .zero) })
                for round in 0..<3 {
                    archive.target.mode = .stalls
                    let before = try #require(archiver.status.archived)
                    for number in 0..<10 { try await store.keyValue.put(EntryKey("n/\(number)"), "\(round)") }
                    time.now = time.now + .seconds(90)
                    let size = try await store.logSize(after: before, through: store.position.revision)
                    let expected = ArchiveLag(revisions: 10, bytes: size, age: .seconds(90))
                    #expect(await eventually { archiver.status.lag == expected }, "\(archiver.status) \(expected)")
                    #expect(size > 1_000 && archiver.status.pressure == .warned)
                    archive.target.mode = .works
                    #expect(await eventually { archiver.status.lag?.bytes == 0 && archiver.status.pressure == .none })
                }
            }
            #expect(!CapturedLog.lines(containing: "the archive is behind").isEmpty)
        }
    }

    /// As told: slowed down, then refused, and taken again once the archive has caught up.
    @Test(arguments: TestEngine.allCases)
    func `slows down and refuses writes as it is told to`(_ engine: TestEngine) async throws {
        try await withArchive(engine) { archive in
            let (store, time) = (archive.store, archive.bench.time)
            archive.options.policy.throttle.age = .seconds(60)
            archive.options.policy.refuse.age = .seconds(600)
            try await archive.archiving { archiver in
                try await archive.awaitArchived(archiver)
                archive.target.mode = .stalls
                try await store.keyValue.put("n/1", "x")
                time.now = time.now + .seconds(61)
                #expect(await eventually { archiver.status.pressure == .throttled })
                #expect(await eventually { store.replication.admission == .throttled(.milliseconds(20)) })
                try await store.keyValue.put("n/1", "y")
                time.now = time.now + .seconds(600)
                #expect(await eventually { archiver.status.pressure == .refused })
                #expect(await eventually { if case .refused = store.replication.admission { true } else { false } })
                await #expect(throws: StoreError.self) { try await store.keyValue.put("n/1", "z") }
                archive.target.mode = .works
                #expect(await eventually { store.replication.admission == .open })
                try await store.keyValue.put("n/1", "z")
                archive.target.mode = .stalls
                time.now = time.now + .seconds(1_000)
                _ = try? await store.keyValue.put("n/1", "u")
                time.now = time.now + .seconds(1_000)
                _ = await eventually { archiver.status.pressure == .refused }
                archive.target.mode = .works
            }
            #expect(store.replication.admission == .open, "nobody is there who could catch up")
        }
    }
}
