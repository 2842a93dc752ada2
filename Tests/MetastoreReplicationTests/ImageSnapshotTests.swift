internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A snapshot of SQLite's own pages.
@Suite(.serialized, .timed) struct `An image in an archive` {
    private static let way = Way(from: .disk, to: .disk)

    private static let portable = Restore.options { $0.forms = [.portable] }

    @Test func `gives back what the rows do, and goes on with the log`() async throws {
        var random = Seeded("images")
        try await withArchivedStore(Self.way, bound: 2_000, name: "images") { store, place in
            let first = try await SnapshotWriter(store.line).write(.place(store.source), as: .image)
            #expect(first.id.form == .image && first.parts > 0)
            try await store.goOn(commits: 20, name: "images, later")
            _ = try await SnapshotWriter(store.line).write(.place(store.source), as: .image)
            try await store.goOn(commits: 20, name: "images, last")
            let last = store.records.last!.revision.rawValue
            for number in 0..<Seeded.count(60, least: 4) {
                let revision = Revision(rawValue: Int64.random(in: first.id.revision.rawValue...last, using: &random))
                let made = try place("made-\(number)")
                let report = try await Restore(store.line).run(to: made, at: .revision(revision))
                #expect(report.snapshot?.form == .image)
                try await expectState(made, of: store, at: revision)
                let rows = try place("rows-\(number)")
                let other = try await Restore(store.line, Self.portable).run(to: rows, at: .revision(revision))
                #expect(other.snapshot?.form == .portable && other.state.digests == report.state.digests)
            }
            let made = try place("goes on")
            _ = try await Restore(store.line).run(to: made, at: .newest)
            let opened = try await Metastore.open(made)
            #expect(try await opened.info().compactedRevision == .absent, "an image has its log")
            _ = try await opened.keyValue.put("goes/on", "v")
            #expect(try await opened.verify().isClean)
            await opened.close()
            let report = try await ArchiveCheck(store.line).run(in: try place("check"))
            #expect(report.openedImages.count == 2 && report.snapshots.count == 4)
        }
    }

    /// Neither an engine that isn't SQLite nor a store in memory can be given one.
    @Test func `is passed over where it can't be used`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, name: "images elsewhere") { store, _ in
            _ = try await SnapshotWriter(store.line).write(.place(store.source), as: .image)
            let report = try await Restore(store.line).run(to: .inMemory(), at: .newest)
            #expect(report.snapshot?.form == .portable)
            let plan = try await Retention(store.line).plan(
                ArchiveRetention(snapshots: 1), now: Timestamp(microseconds: .max / 2))
            #expect(plan.base?.form == .portable, "history never begins with an image alone")
        }
    }

    @Test func `without the log begins with it`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, name: "short images") { store, place in
            let report = try await SnapshotWriter(store.line).write(.place(store.source), as: .image)
            try await store.goOn(commits: 10, name: "short images, later")
            let made = try place("made")
            _ = try await Restore(store.line, Restore.options { $0.keepsLog = false }).run(to: made, at: .newest)
            try await expectState(made, of: store, at: store.records.last!.revision)
            let opened = try await Metastore.open(made)
            #expect(try await opened.info().compactedRevision == report.id.revision)
            await opened.close()
        }
    }

    /// The master goes on, and every image is of one moment of it.
    @Test func `is made while the master writes, and leaves nothing beside it`() async throws {
        try await withScratch { root in
            for folder in ["/store", "/archive"] {
                try FileManager.default.createDirectory(atPath: root + folder, withIntermediateDirectories: false)
            }
            let store = try await Metastore.open(.sqlite(root + "/store/metastore.db"))
            let line = ArchiveLine(try DirectoryTarget(path: root + "/archive"), of: store.position.cluster)
            let archiver = try Archiver(store, line.target)
            let archiving = Task { try await archiver.run() }
            var history = RandomHistory(on: store, name: "images of a master")
            try await history.goOn(10)
            _ = try await store.write(until: .archived) { tx in try tx.keyValue.put("archived/once", "yes") }
            let writing = Task {
                var number = 0
                while !Task.isCancelled {
                    number += 1
                    try await store.keyValue.put(EntryKey(namespace: "n", key: "\(number % 50)"), "\(number)")
                }
            }
            for number in 0..<Seeded.count(40, least: 3) {
                let report = try await SnapshotWriter(line).write(.store(store), as: .image)
                _ = try await store.write(until: .archived) { tx in try tx.keyValue.put("archived/upto", "\(number)") }
                let made = EngineSource.sqlite(root + "/made-\(number).db")
                let restored = try await Restore(line).run(to: made, at: .revision(report.id.revision))
                #expect(restored.snapshot == report.id)
            }
            writing.cancel()
            _ = await writing.result
            let cancelled = Task { try await SnapshotWriter(line).write(.store(store), as: .image) }
            cancelled.cancel()
            await #expect(throws: CancellationError.self) { try await cancelled.value }
            archiving.cancel()
            try await archiving.value
            await store.close()
            let names = try FileManager.default.contentsOfDirectory(atPath: root + "/store")
            #expect(!names.contains { $0.contains(".image-") }, "\(names)")
        }
    }

    /// What no row's hash tells: an index that leads elsewhere, a head row of another moment.
    @Test func `is refused when its indexes, its head or its pages are not what they were`() async throws {
        try await withArchivedStore(Self.way, stretches: 1, name: "bad images") { store, place in
            let good = try await SnapshotWriter(store.line).write(.place(store.source), as: .image)
            let manifest = try #require(try await store.line.manifest(good.id))
            let content = try await store.line.part(0, of: manifest).content
            for (number, spoil) in Self.spoilers.enumerated() {
                let bytes = try spoil(content)
                #expect(bytes != content)
                let part = SnapshotPart(cluster: store.line.cluster, snapshot: good.id, number: 0, content: bytes)
                let names = store.line.names
                let partName = names.part(good.id, attempt: manifest.attempt, number: 0)
                let lie = SnapshotManifest(
                    form: .image, attempt: manifest.attempt, anchor: manifest.anchor, head: manifest.head, tables: [],
                    parts: [
                        SnapshotManifest.Part(
                            content: bytes.count, stored: part.bytes.count, hash: SnapshotManifest.hash(part.bytes))
                    ])
                for (name, bytes) in [(partName, part.bytes), (names.manifest(good.id), lie.bytes)] {
                    try await store.line.target.remove(name)
                    #expect(try await store.line.target.create(name, bytes) == .created)
                }
                let made = try place("made-\(number)")
                let error = await #expect(throws: (any Error).self, "spoiler \(number)") {
                    try await Restore(store.line).run(to: made, at: .revision(good.id.revision))
                }
                guard case .damaged(let object, _, _) = error as? ArchiveError else {
                    throw Failure("\(number): \(String(describing: error))")
                }
                #expect(object == "\(names.manifest(good.id))")
                let probe = try made.makeEngine(EngineOptions())
                #expect(try probe.prepare() == .nothing)
                probe.close()
            }
        }
    }

    /// What is done to the pages of an image of one part.
    private static let spoilers: [@Sendable ([UInt8]) throws -> [UInt8]] = [
        // An entry of an index leads to another row: every row is what it was.
        { content in
            var root: Int64 = 0
            _ = try edited(content) { connection in
                root =
                    try connection.first("SELECT rootpage FROM sqlite_schema WHERE name = 'workloads_by_trial'") {
                        try $0.integer(0)
                    } ?? 0
            }
            var bytes = content
            let page = (Int(root) - 1) * 4_096
            guard bytes[page] == 10 else { throw Failure("the index has more than a page") }
            bytes[page + 4_095] ^= 1
            return bytes
        },
        { try edited($0) { try $0.execute("UPDATE head SET revision = revision - 1") } },
        { try edited($0) { try $0.execute("UPDATE trials SET seed = seed / 2 + 1") } },
        { try edited($0) { try $0.execute("DELETE FROM log WHERE revision = 5") } },
        { try edited($0) { try $0.execute("DROP TABLE consumers") } },
        { Array($0.dropLast(4_096)) },
        { Array(repeating: 0, count: 4_096) + $0.dropFirst(4_096) },
    ]

    private static func edited(_ bytes: [UInt8], _ edit: (any Connection) throws -> Void) throws -> [UInt8] {
        let folder = FileManager.default.temporaryDirectory.path + "/metastore-image-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/image.db"
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        let engine = SQLiteEngine(path: path, options: EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        try connection.executeScript("PRAGMA foreign_keys = OFF")
        try connection.begin(TransactionMode.write)
        try edit(connection)
        try connection.commit()
        try engine.settle(connection)
        connection.close()
        return try Array(Data(contentsOf: URL(fileURLWithPath: path)))
    }
}
