internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A place of a test for a leader, an archive and a follower.
struct FollowingPlace {
    let root: String
    let leader: EngineSource
    let follower: EngineSource
    let target: DirectoryTarget

    /// Lends one; it is gone afterwards.
    static func with<Result>(
        from: TestEngine = .disk, to: TestEngine = .disk, _ body: (FollowingPlace) async throws -> Result
    ) async throws -> Result {
        CapturedLog.start
        return try await withScratch { root in
            for name in ["/from", "/to", "/archive"] {
                try FileManager.default.createDirectory(atPath: root + name, withIntermediateDirectories: false)
            }
            defer {
                from.remove(from: root + "/from")
                to.remove(from: root + "/to")
            }
            return try await body(
                FollowingPlace(
                    root: root, leader: try from.source(in: root + "/from"), follower: try to.source(in: root + "/to"),
                    target: try DirectoryTarget(path: root + "/archive")))
        }
    }
}

extension FollowerOptions {
    /// Impatient enough for tests.
    static var quick: FollowerOptions {
        var options = FollowerOptions()
        options.waiting = .milliseconds(200)
        options.stallAfter = .milliseconds(400)
        options.pauses = .milliseconds(1)...(.milliseconds(20))
        options.comparing = nil
        options.beginning = .wholeLog
        options.store.engine.callTimeout = .seconds(30)
        return options
    }
}

/// What a store was at each of its revisions, from its log alone.
struct Twin {
    private(set) var digests: [Revision: StateDigests] = [:]
    private(set) var links: [Revision: [UInt8]] = [:]

    init(_ store: Metastore) async throws {
        var followed = FollowedDigests()
        digests[.absent] = followed.digests
        for record in try await store.logRecords(after: .absent, bytes: .max) {
            try followed.follow(record)
            digests[record.revision] = followed.digests
            links[record.revision] = record.chain
        }
    }

    /// Whether what was read is what the store was at that revision: every row, and the log.
    func isSame(as contents: StoreContents) -> Bool {
        digests[contents.revision] == contents.digestsOfRows && contents.damagedRows.isEmpty
            && contents.links.last == links[contents.revision]
            && (contents.revision == .absent || contents.digests == contents.digestsOfRows)
    }
}

extension Metastore {
    var revision: Revision { position.revision }
}

/// Waits until the follower is where the store is, and makes sure that both are equal.
func expectEqual(
    _ follower: Follower, _ store: Metastore, sourceLocation: SourceLocation = #_sourceLocation
) async throws {
    try await follower.waitFor(store.revision, timeout: .seconds(60))
    let (found, expected) = (try await follower.store.contents(), try await store.contents())
    #expect(found == expected, sourceLocation: sourceLocation)
}
