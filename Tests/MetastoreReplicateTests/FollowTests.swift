internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreTestSupport
internal import Testing

/// A source that gives one record at a time, slowly, and knows of no more than it has given.
private struct SlowSource: LogSource {
    let source: StoreLogSource

    var place: String { source.place }

    func cluster() async throws(LogSourceError) -> UUID { try await source.cluster() }

    func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        try? await Task.sleep(for: .milliseconds(50))
        let answer = try await source.next(after: place, waiting: .zero)
        guard var part = answer.parts.first, let first = part.records.first else {
            return SourceAnswer(parts: [], newest: place.revision)
        }
        (part.records, part.digests) = ([first], [:])
        return SourceAnswer(parts: [part], newest: first.revision)
    }

    func rowDigests(at position: Position) async throws(LogSourceError) -> [RecordKind: UInt128]? { nil }

    func sums(of kind: RecordKind, at position: Position) async throws(LogSourceError) -> [UInt128] { [] }

    func hashes(
        of kind: RecordKind, in parts: Set<Int>, at position: Position, most: Int
    ) async throws(LogSourceError) -> [String: UInt128]? { nil }
}

@Suite(.serialized, .timed) struct `metastore-replicate follow` {
    /// A follower that had just applied what its source was known to have counted as having everything: a run that was
    /// to end ended there, with more to come.
    @Test func `told to end once it has everything, asks whether there is more`() async throws {
        try await Rig.with(commits: 8) { rig in
            let replica = try rig.place("replica")
            try await rig.writing { store in
                var options = FollowCommand.Options()
                (options.isOnce, options.compares, options.takesWholeLog) = (true, true, true)
                let origin = FollowCommand.Origin.server(
                    FollowedSource(SlowSource(source: StoreLogSource(store))), place: "here")
                let answer = try await FollowCommand(origin, into: replica, options, screen: rig.screen)
                    .run(Password())
                #expect(answer.revision == store.position.revision.rawValue && answer.isNew, "\(answer)")
            }
        }
    }

    @Test(arguments: Rig.engines)
    func `goes on with each run, and compares`(_ engine: TestEngine) async throws {
        try await Rig.with(engine) { rig in
            try await rig.ship()
            let replica = try rig.place("replica")
            #expect(try await rig.follow(into: replica).revision == 22)
            for _ in 0..<6 {
                try await rig.commit(3)
                try await rig.ship()
            }
            let answer = try await rig.follow(into: replica)
            #expect(answer.revision == 46 && answer.lagRevisions == 0 && !answer.isNew, "\(answer)")
            #expect(answer.comparison?.isEqual == true && answer.comparison?.isLocal == true)
        }
    }

    /// Its archive no longer has how it went on from there.
    @Test(arguments: Rig.engines)
    func `replaces what it has by a snapshot when it is told to, and says where that is kept`(
        _ engine: TestEngine
    ) async throws {
        try await Rig.with(engine) { rig in
            try await rig.ship()
            let replica = try rig.place("replica")
            _ = try await rig.follow(into: replica)
            let before = try await rig.contents(replica)
            try await rig.commit(20)
            try await rig.ship()
            try await rig.snapshot()
            try await rig.commit(5)
            try await rig.ship()
            _ = try await rig.retain(isApplied: true)
            let refused = await failure { try await rig.follow(into: replica) }
            #expect(
                refused?.status == .no && refused?.description.contains("--resnapshot") == true, "\(refused as Any)")
            #expect(try await rig.contents(replica) == before)
            let answer = try await rig.follow(into: replica) { $0.resnapshots = true }
            #expect(answer.lagRevisions == 0 && answer.comparison?.isEqual == true && answer.replaced != nil)
            #expect(try await rig.contents(replica).rows == rig.contents(rig.store).rows)
            // Once is enough: there is nothing to replace any more.
            #expect(try await rig.follow(into: replica) { $0.resnapshots = true }.replaced == nil)
        }
    }

    /// Its source was restored to an earlier revision, and went on.
    @Test func `undoes what its source doesn't have, when it is told to`() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            let (replica, restored) = (try rig.place("replica"), try rig.place("restored"))
            _ = try await rig.follow(into: replica)
            try await rig.restore(to: "15", into: restored)
            let store = try await Metastore.open(try rig.source(restored))
            try await Rig.commit(2, to: store)
            await store.close()
            // What was archived after revision 15 is given up only when that is said.
            var once = ArchiveCommand.Options()
            (once.isOnce, once.segmentAge) = (true, .zero)
            let refused = await failure {
                try await ArchiveCommand(restored, to: try rig.archive, once, screen: rig.screen).run(Password())
            }
            #expect(refused?.status == .no && refused?.description.contains("goes on after revision 15") == true)
            once.leavesBehind = true
            let left = try await ArchiveCommand(restored, to: try rig.archive, once, screen: rig.screen).run(Password())
            #expect(left.missing == 0 && left.exitStatus == .success)
            #expect(try await rig.status(beside: restored).store?.relation == .current)
            let forked = await failure { try await rig.follow(into: replica) { $0.patience = .milliseconds(300) } }
            #expect(
                forked?.status == .no && forked?.description.contains("another history after revision 15") == true,
                "\(String(describing: forked))")
            let answer = try await rig.follow(into: replica) { $0.rewinds = true }
            #expect(answer.lagRevisions == 0 && answer.comparison?.isEqual == true)
            #expect(try await rig.contents(replica).digests == rig.contents(restored).digests)
        }
    }
}
