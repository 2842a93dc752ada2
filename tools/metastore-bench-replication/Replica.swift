import ArgumentParser
import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreReplication
import MetastoreReplicationClient
import MetastoreSQLite

/// A follower that says when it could read each revision.
struct Replica: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Follows, and says when each revision could be read.",
        discussion: """
            It says {"ready":…} with the revision that it has once it stands where its source does, and then a line \
            for each revision from there up to the last: when it was there to be read. With --quiet only the last.
            """)

    @Option(help: "The follower's database file; made if it isn't there.")
    var path: String

    @Option(help: "The URL of the server that it follows.")
    var server: String?

    @Option(help: "Instead of a server, the folder of an archive.")
    var archive: String?

    @Option(help: "The cluster, where it follows an archive.")
    var cluster: String?

    @Option(help: "The revision to stand at before it says that it is ready.")
    var from: Int64 = 0

    @Option(help: "The last revision.")
    var through: Int64

    @Flag(help: "Say nothing of each revision.")
    var quiet = false

    func validate() throws {
        guard (server == nil) != (archive == nil) else { throw ValidationError("give --server or --archive") }
    }

    func run() async throws {
        let source: FollowedSource
        var id: UUID?
        if let server {
            source = try .server(ServerAddress(url: server))
        } else if let archive, let cluster, let found = UUID(uuidString: cluster) {
            id = found
            source = .archive(try DirectoryTarget(path: archive), of: found)
        } else {
            throw ValidationError("an archive needs --cluster")
        }
        let began = monotonic()
        let follower = try await Follower.open(.sqlite(path), following: source, of: id)
        let patience = Duration.seconds(600)
        try await follower.waitFor(Revision(rawValue: from), timeout: patience)
        Lines.say(["ready": follower.store.position.revision.rawValue, "at": monotonic()])
        var next = follower.store.position.revision.rawValue + 1
        while !quiet, next <= through {
            try await follower.waitFor(Revision(rawValue: next), timeout: patience)
            // What is counted is what a reader gets, not what the follower says of itself.
            let seen = try await follower.store.info().revision.rawValue
            let now = monotonic()
            for revision in next...max(next, min(seen, through)) { Lines.say(["revision": revision, "read": now]) }
            next = max(next, seen) + 1
        }
        try await follower.waitFor(Revision(rawValue: through), timeout: patience)
        let seen = try await follower.store.info().revision.rawValue
        Lines.say(["last": seen, "nanoseconds": monotonic() - began])
        await follower.close()
    }
}
