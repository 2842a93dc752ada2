internal import ArchiveSupport
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

/// A history goes through an archive, and what comes out is the store.
@Suite(.serialized, .timed) struct `A history in an archive` {
    /// The places of a test: a store, its archive, and what is made of that.
    private func withPlaces(
        _ way: Way,
        _ body: (_ store: EngineSource, _ archive: DirectoryTarget, _ made: EngineSource) async throws -> Void
    ) async throws {
        try await withScratch { root in
            for name in ["/from", "/to", "/archive"] {
                try FileManager.default.createDirectory(atPath: root + name, withIntermediateDirectories: false)
            }
            defer {
                way.from.remove(from: root + "/from")
                way.to.remove(from: root + "/to")
            }
            try await body(
                try way.from.source(in: root + "/from"), try DirectoryTarget(path: root + "/archive"),
                try way.to.source(in: root + "/to"))
        }
    }

    @Test(arguments: Way.all)
    func `gives the same rows, logs and digests on every pair of engines`(_ way: Way) async throws {
        var random = Seeded("shipping \(way.testDescription)")
        for round in 0..<Seeded.count(20) {
            try await withPlaces(way) { source, target, made in
                try await RandomHistory.make(in: source, commits: 40, name: "shipping \(round)")
                let store = try await Metastore.open(source)
                let cluster = try await store.info().cluster
                let line = ArchiveLine(target, of: cluster)
                let bound = Int.random(in: 1...50_000, using: &random)
                try await store.upload(to: line, bound: bound)
                let history = try #require(try await ArchiveHistory(line))
                #expect(history.stretches.count > 1, "more than one epoch")
                let replica = try await Metastore.openReplica(made, of: cluster)
                try await history.forEachPart { part in
                    try await replica.replay(part.records)
                    let found = try await replica.contents().digests
                    for (kind, sum) in try #require(part.digests) {
                        #expect(found[kind] == sum, "\(kind) after \(part.records.last!.revision)")
                    }
                }
                #expect(try await replica.contents() == store.contents())
                await replica.close()
                await store.close()
            }
        }
    }

    /// To any revision: the same as a store that has got no further.
    @Test(arguments: Way.all)
    func `gives the state of any revision`(_ way: Way) async throws {
        var random = Seeded("revisions \(way.testDescription)")
        try await withPlaces(way) { source, target, _ in
            try await RandomHistory.make(in: source, commits: 60, name: "revisions")
            let store = try await Metastore.open(source)
            let cluster = try await store.info().cluster
            let line = ArchiveLine(target, of: cluster)
            try await store.upload(to: line, bound: 5_000)
            let all = try await store.logRecords(after: .absent, bytes: .max)
            let history = try #require(try await ArchiveHistory(line))
            let last = try #require(all.last?.revision.rawValue)
            for _ in 0..<Seeded.count(50, least: 2) {
                let revision = Revision(rawValue: Int64.random(in: 1...last, using: &random))
                try await withPlaces(way) { _, _, made in
                    let restored = try await Metastore.openReplica(made, of: cluster)
                    try await history.forEachPart(through: revision) { try await restored.replay($0.records) }
                    let replayed = try await Metastore.openReplica(.inMemory(), of: cluster)
                    try await replayed.replay(all.filter { $0.revision <= revision })
                    let (found, expected) = (try await restored.contents(), try await replayed.contents())
                    #expect(found == expected && found.revision == revision, "at \(revision)")
                    await restored.close()
                    await replayed.close()
                }
            }
            await store.close()
        }
    }

    /// Whoever begins anew finds what it archived before, in pieces of other sizes, and adds what is missing.
    @Test func `is followed, and not written twice, by an upload that begins anew`() async throws {
        var random = Seeded("uploads")
        try await withPlaces(Way(from: .disk, to: .disk)) { source, target, _ in
            try await RandomHistory.make(in: source, commits: 60, name: "uploads")
            let store = try await Metastore.open(source)
            let line = ArchiveLine(target, of: try await store.info().cluster)
            try await store.upload(to: line, bound: 3_000)
            let first = try await names(line)
            let records = try await store.logRecords(after: .absent, bytes: .max)
            var short = try await HistoryUpload(line, from: records[0])
            try await short.add(Array(records.dropLast()))
            let last = records[records.count - 2].revision
            await #expect(throws: ArchiveError.behind(after: last)) { try await short.flush() }
            for _ in 0..<10 {
                var again = try await HistoryUpload(
                    line, from: records[0], bound: Int.random(in: 1...100_000, using: &random))
                try await again.add(records)
                try await again.flush()
                #expect(again.writer.end.revision == records.last?.revision)
            }
            #expect(try await names(line) == first && first.count > 3)
            await store.close()
        }
    }

    /// A copy of a store went on by itself: it is told from where on it has another history.
    @Test func `is not mixed with that of a copy`() async throws {
        try await withScratch { root in
            let (one, two) = (root + "/one.db", root + "/two.db")
            try FileManager.default.createDirectory(atPath: root + "/archive", withIntermediateDirectories: false)
            try await RandomHistory.make(one, commits: 10, name: "copies")
            try FileManager.default.copyItem(atPath: one, toPath: two)
            // Nothing tells it from the original, as with a clone of the volume.
            try EngineSource.sqlite(two).forgetIdentity()
            var revisions: [Revision] = []
            var first: [ArchiveName] = []
            for (path, name) in [(one, "one goes on"), (two, "two goes on")] {
                let common = try await Metastore.open(.sqlite(path))
                revisions.append(common.position.revision)
                await common.close()
                try await RandomHistory.goOn(path, commits: 30, name: name)
                let store = try await Metastore.open(.sqlite(path))
                let line = ArchiveLine(try DirectoryTarget(path: root + "/archive"), of: try await store.info().cluster)
                if path == one {
                    try await store.upload(to: line, bound: 1)
                    first = try await names(line)
                } else {
                    let error = await #expect(throws: ArchiveError.self) { try await store.upload(to: line, bound: 1) }
                    // Each segment has one revision here, so that the last common one is known.
                    guard case .forked(_, let revision) = error else {
                        Issue.record("\(String(describing: error))")
                        return
                    }
                    #expect(revision == revisions[0] && revisions[0] == revisions[1])
                    #expect(try await names(line) == first)
                }
                await store.close()
            }
        }
    }
}
