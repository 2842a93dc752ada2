internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// Two volumes that are the same block by block, each with a master, and one archive.
@Suite(.serialized, .timed, .enabled(if: isRoot)) struct `Block clones of a store` {
    /// A master on one of them.
    private struct Master: Sendable {
        let store: Metastore
        let archiver: Archiver

        init(_ path: String, _ machine: String?, _ archive: String) async throws {
            var options = StoreOptions()
            options.machine = machine
            options.actor = path
            store = try await Metastore.open(.sqlite(path), options)
            archiver = try Archiver(store, try DirectoryTarget(path: archive))
        }

        /// Works until it is told, or has archived what it wrote.
        ///
        /// - Returns: what it was told.
        func work(_ commits: Int) async throws -> ArchiveError? {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await archiver.run() }
                for number in 0..<commits { try await store.keyValue.put(EntryKey("n/\(number)"), "\(store.position)") }
                _ = await eventually(within: .seconds(30)) {
                    if case .alarm = archiver.status.state { return true }
                    return archiver.status.state == .following
                        && archiver.status.archived ?? .absent >= store.position.revision
                }
                group.cancelAll()
            }
            if case .alarm(let error) = archiver.status.state { return error }
            #expect(archiver.status.archived == store.position.revision, "\(archiver.status)")
            return nil
        }

        /// A write that wants to be archived, after all that.
        func isHeard() async throws -> Bool {
            let run = Task { try await archiver.run() }
            defer { run.cancel() }
            _ = await eventually { archiver.status.state == .following || archiver.status.isAlarm }
            do {
                try await store.write(until: .archived) { try $0.keyValue.put("n/last", "x") }
                return true
            } catch StoreError.notReplicating, StoreError.notReplicated {
                return false
            }
        }
    }

    private func clones(
        _ root: String, archivingBefore: Bool, _ random: inout Seeded
    ) async throws -> (one: LoopImage, other: LoopImage) {
        let first = try LoopImage(.ext4, root + "/first.img")
        try first.mount(at: root + "/first")
        let master = try await Master(root + "/first/metastore.db", "first", root + "/archive")
        for number in 0..<Int.random(in: 1...20, using: &random) {
            try await master.store.keyValue.put(EntryKey("first/\(number)"), "x")
        }
        if archivingBefore { #expect(try await master.work(3) == nil) }
        await master.store.close()
        try first.unmount()
        return (first, try LoopImage(cloneOf: first, root + "/second.img"))
    }

    /// - Parameter machines: of both.
    private func run(
        _ rounds: Int, _ name: String, machines: (String?, String?), isExpected: (ArchiveError) -> Bool
    ) async throws {
        var random = Seeded(name)
        var winners = [0, 0]
        for round in 0..<rounds {
            try await withScratch { root in
                try FileManager.default.createDirectory(
                    atPath: root + "/archive", withIntermediateDirectories: false)
                let (one, other) = try await clones(root, archivingBefore: round % 2 == 0, &random)
                try one.mount(at: root + "/one")
                try other.mount(at: root + "/other")
                let a = try await Master(root + "/one/metastore.db", machines.0, root + "/archive")
                let b = try await Master(root + "/other/metastore.db", machines.1, root + "/archive")
                let commits = Int.random(in: 1...9, using: &random)
                async let toldA = a.work(commits)
                async let toldB = b.work(5)
                let told = try await [toldA, toldB]
                guard told.compactMap(\.self).count == 1, let winner = told.firstIndex(of: nil),
                    let alarm = told[1 - winner], isExpected(alarm)
                else {
                    Issue.record("round \(round): \(told)")
                    return
                }
                winners[winner] += 1
                let (winning, losing) = winner == 0 ? (a, b) : (b, a)
                #expect(try await losing.isHeard() == false)
                #expect(try await winning.isHeard())
                try await expectOnly(winning.store, root + "/archive")
                await a.store.close()
                await b.store.close()
                try one.unmount()
                try other.unmount()
            }
        }
        print("\(rounds) pairs of \(name): one went on each time (\(winners[0]) and \(winners[1])), the other was told")
    }

    /// The archive holds one history: the winner's, to its end.
    private func expectOnly(_ store: Metastore, _ archive: String) async throws {
        let line = ArchiveLine(try DirectoryTarget(path: archive), of: store.position.cluster)
        let history = try #require(try await ArchiveHistory(line))
        var records: [LogRecord] = []
        try await history.forEachPart { records += $0.records }
        let own = try await store.logRecords(after: .absent, bytes: .max)
        #expect(records.map(\.chain) == own.map(\.chain))
    }

    @Test func `each opens in an epoch of its own, of which the archive takes one`() async throws {
        try await run(Scale.of(50), "clones on two machines", machines: ("a", "b")) { alarm in
            if case .fenced(2, _, _) = alarm { true } else { false }
        }
    }

    /// Nothing tells them apart: they go on in one epoch, and the archive takes what comes first.
    @Test func `on machines that can't be told apart, one is told of a fork`() async throws {
        try await run(Scale.of(50), "clones on one machine", machines: ("first", "first")) { alarm in
            if case .forked = alarm { true } else { false }
        }
    }
}

extension ArchiverStatus {
    fileprivate var isAlarm: Bool { if case .alarm = state { true } else { false } }
}

/// A follower takes the lead, also in the archive (G11, G15).
@Suite(.serialized, .timed) struct `Promoting a follower` {
    private func withLeader(
        _ name: String, _ body: (_ root: String, _ leader: Metastore, _ target: DirectoryTarget) async throws -> Void
    ) async throws {
        try await withScratch { root in
            try FileManager.default.createDirectory(atPath: root + "/archive", withIntermediateDirectories: false)
            try await RandomHistory.make(root + "/leader.db", commits: 20, name: name)
            let leader = try await Metastore.open(.sqlite(root + "/leader.db"))
            let target = try DirectoryTarget(path: root + "/archive")
            try await body(root, leader, target)
            await leader.close()
        }
    }

    private func archive(
        _ store: Metastore, _ target: DirectoryTarget, after age: Duration = ArchiverOptions().segmentAge
    ) async throws -> ArchiveError? {
        var options = ArchiverOptions()
        options.segmentAge = age
        let archiver = try Archiver(store, target, options)
        let run = Task { try await archiver.run() }
        let end = store.position.revision
        _ = await eventually(within: .seconds(30)) {
            archiver.status.isAlarm || archiver.status.archived ?? .absent >= end
        }
        run.cancel()
        try await run.value
        if case .alarm(let error) = archiver.status.state { return error }
        #expect(archiver.status.archived ?? .absent >= end)
        return nil
    }

    /// Follows a store up to a revision, and stops.
    private func follow(_ leader: Metastore, _ path: String, leaving: Int = 0) async throws {
        let follower = try await Metastore.openReplica(.sqlite(path), of: leader.position.cluster)
        try await follower.replay(Array(leader.logRecords(after: .absent, bytes: .max).dropLast(leaving)))
        await follower.close()
    }

    @Test func `fences the leader before it in the archive at once`() async throws {
        try await withLeader("promoted") { root, leader, target in
            #expect(try await archive(leader, target) == nil)
            try await follow(leader, root + "/follower.db")
            let promoted = try await Metastore.promote(.sqlite(root + "/follower.db"), archivingTo: target)
            let epoch = try await promoted.info().epoch
            #expect(epoch.number == leader.position.epoch.number + 1)
            // Nothing was committed yet; the name is taken.
            try await leader.keyValue.put("n/k", "lost")
            guard case .fenced(epoch.number, _, _) = try await archive(leader, target) else {
                Issue.record("both archive")
                return
            }
            try await promoted.keyValue.put("n/k", "kept")
            #expect(try await archive(promoted, target) == nil)
            await promoted.close()
        }
    }

    /// Writes stand still meanwhile: what the archive and the follower have in common is proven by its end.
    @Test func `reads of the archive what is at its end`() async throws {
        try await withLeader("long since") { root, leader, target in
            for number in 0..<25 {
                try await leader.keyValue.put("n/k", "\(number)")
                #expect(try await archive(leader, target, after: .zero) == nil)
            }
            try await follow(leader, root + "/follower.db")
            let counted = SteeredTarget(target)
            let promoted = try await Metastore.promote(.sqlite(root + "/follower.db"), archivingTo: counted)
            #expect(counted.reads < 25, "fewer than there are objects")
            await promoted.close()
        }
    }

    @Test func `is refused where the archive has more than it`() async throws {
        try await withLeader("too early") { root, leader, target in
            #expect(try await archive(leader, target) == nil)
            let place = EngineSource.sqlite(root + "/follower.db")
            try await follow(leader, root + "/follower.db", leaving: 3)
            let error = await #expect(throws: ArchiveError.self) {
                try await Metastore.promote(place, archivingTo: target)
            }
            #expect(error == .behind(after: Revision(rawValue: leader.position.revision.rawValue - 3)))
            await #expect(throws: StoreError.follower(place: root + "/follower.db")) { try await Metastore.open(place) }
        }
    }

    /// Of two followers that are promoted, one leads in the archive.
    @Test func `of two, one is told`() async throws {
        try await withLeader("two promoted") { root, leader, target in
            #expect(try await archive(leader, target) == nil)
            for name in ["one", "two"] { try await follow(leader, root + "/\(name).db") }
            let one = try await Metastore.promote(.sqlite(root + "/one.db"), archivingTo: target)
            let error = await #expect(throws: ArchiveError.self) {
                try await Metastore.promote(.sqlite(root + "/two.db"), archivingTo: target)
            }
            guard case .fenced = error else {
                Issue.record("\(error as Any)")
                return
            }
            await #expect(throws: StoreError.follower(place: root + "/two.db")) {
                try await Metastore.open(.sqlite(root + "/two.db"))
            }
            await one.close()
        }
    }
}
