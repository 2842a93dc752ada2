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

/// Rows of a store go into an archive, as they are at one moment.
@Suite(.serialized, .timed) struct `A snapshot in an archive` {
    private static let way = Way(from: .disk, to: .disk)

    /// The parts of a snapshot, and what they hold.
    private func parts(_ store: ArchivedStore, _ id: SnapshotID) async throws -> [ArchiveName: [UInt8]] {
        let manifest = try #require(try await store.line.manifest(id))
        var found: [ArchiveName: [UInt8]] = [:]
        for number in manifest.parts.indices {
            let name = store.line.names.part(id, attempt: manifest.attempt, number: number)
            found[name] = try await store.line.target.read(name, limit: .max)
        }
        return found
    }

    @Test func `is made beside a store that goes on`() async throws {
        try await withArchivedStore(Self.way, stretches: 0, name: "beside") { store, place in
            let open = try await Metastore.open(store.source)
            let line = store.line
            let before = open.position
            let busy = Task {
                for number in 0..<50 { try await open.keyValue.put(EntryKey(namespace: "busy", key: "\(number)"), "1") }
            }
            let report = try await SnapshotWriter(line).write(.store(open))
            try await busy.value
            #expect(report.position.revision >= before.revision && report.rows > 50 && !report.isOfAnother)
            await open.close()
            // The archive hasn't got there yet: it counts once it has.
            let early = try await Restore(line).run(to: try place("early"), at: .newest)
            if report.id.revision > before.revision {
                #expect(early.snapshot == nil && early.passedOver[report.id] != nil)
            }
            try await store.archive()
            let made = try place("made")
            let late = try await Restore(line).run(to: made, at: .newest)
            #expect(late.snapshot == report.id)
            try await expectState(made, of: store, at: store.records.last!.revision)
        }
    }

    /// Of one state there is one snapshot, whoever makes it and how often.
    @Test func `has the same bytes whoever makes it, and is there once`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, name: "makers") { store, _ in
            let first = store.snapshots[0]
            let bytes = try await parts(store, first.id)
            let manifest = store.line.names.manifest(first.id)
            // As it was at that moment: a store that was put back there.
            try await withScratch { root in
                let twin = EngineSource.sqlite(root + "/twin.db")
                let options = Restore.options { $0.purpose = .replica }
                _ = try await Restore(store.line, options).run(to: twin, at: .revision(first.id.revision))
                let second = try await SnapshotWriter(store.line).write(.place(twin))
                #expect(second.isOfAnother && second.id == first.id)
                let names = try await names(store.line).filter { $0.description.contains("/snapshots/") }
                #expect(Set(names) == Set(bytes.keys).union([manifest]), "nothing of the second is left")
                try await store.line.target.remove(manifest)
                let third = try await SnapshotWriter(store.line).write(.place(twin))
                #expect(!third.isOfAnother && third.contentBytes == first.contentBytes)
                let again = try await parts(store, third.id)
                #expect(again.values.map(\.count).sorted() == bytes.values.map(\.count).sorted())
            }
        }
    }

    /// Two at once, in every order of their calls.
    @Test func `is one, when two make it at once`() async throws {
        var random = Seeded("two makers")
        try await withArchivedStore(Self.way, stretches: 0, name: "two makers") { store, place in
            for round in 0..<Seeded.count(100, least: 4) {
                let (base, source, cluster) = (store.line.target, store.source, store.line.cluster)
                let turnstile = Turnstile(random, tasks: 2)
                _ = random.next()
                let reports = try await withThrowingTaskGroup(of: SnapshotReport.self) { group in
                    for task in 0..<2 {
                        group.addTask {
                            let target = TurnedTarget(base: base, turnstile: turnstile, task: task)
                            do {
                                let report = try await SnapshotWriter(ArchiveLine(target, of: cluster)).write(
                                    .place(source))
                                await turnstile.leave()
                                return report
                            } catch {
                                await turnstile.leave()
                                throw error
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                #expect(reports.filter { !$0.isOfAnother }.count == (round == 0 ? 1 : 0))
                let id = try #require(reports.first?.id)
                let manifest = try #require(try await store.line.manifest(id))
                let names = try await names(store.line).filter { $0.description.contains("/snapshots/") }
                #expect(names.count == manifest.parts.count + 1)
            }
            let made = try place("made")
            _ = try await Restore(store.line).run(to: made, at: .newest)
            try await expectState(made, of: store, at: store.records.last!.revision)
        }
    }

    @Test func `is refused for a store that is on another history`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, name: "strangers") { store, place in
            // Restored, and not yet in the archive: it may become its history.
            let fork = Revision(rawValue: store.snapshots[0].id.revision.rawValue - 1)
            let other = try place("other")
            let restored = try await Restore(store.line).run(to: other, at: .revision(fork))
            let opened = try await Metastore.open(other)
            for number in 0..<200 { try await opened.keyValue.put(EntryKey(namespace: "o", key: "\(number)"), "1") }
            await opened.close()
            let early = try await SnapshotWriter(store.line).write(.place(other))
            #expect(early.id.epoch == restored.position.epoch.number)
            // Another opens that epoch first: this one was left behind.
            let history = try #require(try await ArchiveHistory(store.line))
            var writer = ArchiveWriter(store.line, after: history.end)
            for number in 1...2 {
                try await writer.open(
                    EpochRecord(
                        cluster: store.line.cluster,
                        epoch: Epoch(number: history.end.epoch.number + Int64(number), nonce: 5),
                        parent: writer.end.epoch,
                        fork: history.end.revision, chain: history.end.chain, holder: "master-7",
                        time: Timestamp(microseconds: 0)))
            }
            let error = await #expect(throws: ArchiveError.self) {
                try await SnapshotWriter(store.line).write(.place(other))
            }
            guard case .fenced = error else { throw Failure("\(String(describing: error))") }
            let report = try await Restore(store.line).run(to: try place("made"), at: .newest)
            #expect(report.snapshot == store.snapshots[0].id && report.passedOver[early.id] != nil)
            let stranger = try place("stranger")
            try await FullStore.make(in: stranger)
            await #expect(throws: StoreError.self) { try await SnapshotWriter(store.line).write(.place(stranger)) }
            let empty = ArchiveLine(store.line.target, of: UUID())
            await #expect(throws: ArchiveError.self) { try await SnapshotWriter(empty).write(.place(store.source)) }
        }
    }

    /// Two copies of one store, in one epoch, went on apart: the archive has the history of one of them.
    @Test func `of a copy that went on by itself never counts`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, name: "copies") { store, place in
            let copy = try place("copy")
            let options = Restore.options { $0.purpose = .replica }
            _ = try await Restore(store.line, options).run(to: copy, at: .newest)
            try copy.forgetIdentity()
            for (source, value) in [(copy, "2"), (store.source, "1")] {
                let opened = try await Metastore.open(source)
                try await opened.keyValue.put(EntryKey(namespace: "copies", key: "a"), value)
                await opened.close()
            }
            let other = try await SnapshotWriter(store.line).write(.place(copy))
            let error = await #expect(throws: ArchiveError.self) {
                try await SnapshotWriter(store.line).write(.place(store.source))
            }
            guard case .forked = error else { throw Failure("\(String(describing: error))") }
            try await store.archive()
            let made = try place("made")
            let report = try await Restore(store.line).run(to: made, at: .newest)
            #expect(report.passedOver[other.id] != nil && report.snapshot == store.snapshots[0].id)
            try await expectState(made, of: store, at: store.records.last!.revision)
            // Now the archive has these revisions, and the copy is told.
            let late = await #expect(throws: ArchiveError.self) {
                try await SnapshotWriter(store.line).write(.place(copy))
            }
            guard case .forked = late else { throw Failure("\(String(describing: late))") }
        }
    }

    @Test func `isn't there when its task was cancelled`() async throws {
        try await withArchivedStore(Self.way, stretches: 0, name: "cancelled snapshots") { store, _ in
            let (line, source) = (store.line, store.source)
            let (moments, moment) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                defer { moment.finish() }
                return try await SnapshotWriter(line).write(.place(source)) { _ in
                    moment.yield()
                }
            }
            for await _ in moments { break }
            task.cancel()
            _ = await task.result
            let manifests = try await line.snapshots()
            let report = try await SnapshotWriter(line).write(.place(source))
            #expect(report.isOfAnother == !manifests.isEmpty)
        }
    }

    /// A row of 40 MiB, and many small ones: a part holds at least one row, and memory a part.
    @Test func `is cut into parts, of which a large row is one`() async throws {
        try await withScratch { root in
            try FileManager.default.createDirectory(atPath: root + "/archive", withIntermediateDirectories: false)
            let source = EngineSource.sqlite(root + "/store.db")
            let store = try await Metastore.open(source)
            var random = Seeded("large rows")
            for (number, size) in [7 << 20, 100, 5 << 20, 3 << 20, 200].enumerated() {
                let bytes = Array(repeating: UInt8.random(in: 0...255, using: &random), count: size)
                try await store.keyValue.put(EntryKey(namespace: "large", key: "\(number)"), bytes)
            }
            let cluster = try await store.info().cluster
            await store.close()
            var archived = ArchivedStore(
                source: source, line: ArchiveLine(try DirectoryTarget(path: root + "/archive"), of: cluster),
                bound: 1 << 20)
            try await archived.archive()
            let report = try await archived.snapshot()
            #expect(report.parts >= 3 && report.contentBytes > 15 << 20)
            let made = EngineSource.sqlite(root + "/made/metastore.db")
            let restored = try await Restore(archived.line).run(to: made, at: .newest)
            #expect(restored.snapshot == report.id && restored.revisions == 0)
            try await expectState(made, of: archived, at: report.id.revision)
        }
    }
}
