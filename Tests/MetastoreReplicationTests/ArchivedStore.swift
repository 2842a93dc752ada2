internal import ArchiveSupport
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A store whose history is in an archive, with snapshots at some of its revisions.
struct ArchivedStore {
    let source: EngineSource
    let line: ArchiveLine
    /// Bytes of records in a segment.
    let bound: Int
    var records: [LogRecord] = []
    private(set) var snapshots: [SnapshotReport] = []

    /// Makes the store, archives its history, and goes on in some stretches with a snapshot after each.
    static func make(
        in source: EngineSource, _ target: any ArchiveTarget, stretches: Int, commits: Int, bound: Int, name: String
    ) async throws -> ArchivedStore {
        try await RandomHistory.make(in: source, commits: commits, name: name)
        let store = try await Metastore.open(source)
        let cluster = try await store.info().cluster
        await store.close()
        var made = ArchivedStore(source: source, line: ArchiveLine(target, of: cluster), bound: bound)
        try await made.archive()
        for number in 0..<stretches {
            try await made.snapshot()
            try await made.goOn(commits: commits, name: "\(name) \(number)")
        }
        return made
    }

    init(source: EngineSource, line: ArchiveLine, bound: Int) {
        self.source = source
        self.line = line
        self.bound = bound
    }

    /// By one revision at least: all that a random history tries may be refused.
    mutating func goOn(commits: Int, name: String) async throws {
        try await RandomHistory.goOn(in: source, commits: commits, name: name)
        let store = try await Metastore.open(source)
        try await store.keyValue.put("stretches/last", name)
        await store.close()
        try await archive()
    }

    /// Brings all that the store has into the archive.
    mutating func archive() async throws {
        let store = try await Metastore.open(source)
        records = try await store.logRecords(after: .absent, bytes: .max)
        await store.close()
        let first = try #require(records.first)
        var upload = try await HistoryUpload(line, from: first, bound: bound)
        try await upload.add(records)
        try await upload.flush()
    }

    @discardableResult
    mutating func snapshot(as form: SnapshotForm = .portable) async throws -> SnapshotReport {
        let report = try await SnapshotWriter(line).write(.place(source), as: form)
        snapshots.append(report)
        return report
    }

    /// What a store holds that was told all revisions up to one.
    func contents(at revision: Revision) async throws -> StoreContents {
        let twin = try await Metastore.openReplica(.inMemory(), of: line.cluster)
        try await twin.replay(records.filter { $0.revision <= revision })
        let contents = try await twin.contents()
        await twin.close()
        return contents
    }

    /// The revision that a time means.
    func revision(at time: Timestamp) -> Revision? { records.last { $0.time <= time }?.revision }
}

extension Restore {
    /// Options of the tests.
    static func options(_ change: (inout Options) -> Void) -> Options {
        var options = Options()
        change(&options)
        return options
    }
}

/// Lends a folder for a store, one for its archive, and a way to make further places on the engine that is restored to.
func withArchivedStore(
    _ way: Way, stretches: Int = 2, commits: Int = 25, bound: Int = 4_000, name: String,
    _ body: (inout ArchivedStore, _ place: (String) throws -> EngineSource) async throws -> Void
) async throws {
    try await withScratch { root in
        var made: [String] = []
        for folder in ["/from", "/archive"] {
            try FileManager.default.createDirectory(atPath: root + folder, withIntermediateDirectories: false)
        }
        defer {
            way.from.remove(from: root + "/from")
            for folder in made { way.to.remove(from: folder) }
        }
        var store = try await ArchivedStore.make(
            in: try way.from.source(in: root + "/from"), try DirectoryTarget(path: root + "/archive"),
            stretches: stretches, commits: commits, bound: bound, name: name)
        try await body(&store) { name in
            let folder = root + "/" + name
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
            made.append(folder)
            return try way.to.source(in: folder)
        }
    }
}

/// Makes sure that a store is the one that was there at a revision, and stands in an epoch of its own.
func expectState(
    _ place: EngineSource, of store: ArchivedStore, at revision: Revision, in epoch: Int64? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    let restored = try await Metastore.open(place)
    let (found, info) = (try await restored.contents(), try await restored.info())
    await restored.close()
    let expected = try await store.contents(at: revision)
    #expect(found.digests == found.digestsOfRows && found.damagedRows.isEmpty, sourceLocation: sourceLocation)
    // The log begins where the source's did, or where the archive does.
    #expect(found.links == expected.links.suffix(found.links.count), sourceLocation: sourceLocation)
    #expect(found.links.count == revision.rawValue - info.compactedRevision.rawValue, sourceLocation: sourceLocation)
    var same = found
    same.links = expected.links
    if found.links.count < expected.links.count {
        // Told of are only those that the log knows of.
        #expect(Set(found.operations).isSubset(of: expected.operations), sourceLocation: sourceLocation)
        same.operations = expected.operations
    }
    #expect(same == expected, "at revision \(revision)", sourceLocation: sourceLocation)
    if let epoch { #expect(info.epoch.number == epoch, sourceLocation: sourceLocation) }
}
