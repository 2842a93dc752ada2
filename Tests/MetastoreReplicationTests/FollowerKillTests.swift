internal import ArchiveSupport
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `A follower that is killed` {
    /// Killed at random moments while its leader goes on: it begins where it stood, and nothing is missing or doubled.
    @Test func `goes on without a full copy`() async throws {
        var random = Seeded("killed followers")
        try await FollowingPlace.with { place in
            try await RandomHistory.make(in: place.leader, commits: 30, name: "kills")
            let leader = try await Metastore.open(place.leader)
            let cluster = try await leader.info().cluster
            let line = ArchiveLine(place.target, of: cluster)
            try await leader.upload(to: line, bound: 2_000)
            var history = RandomHistory(on: leader, name: "between kills")
            let path = place.root + "/to/metastore.db"
            var (last, beginnings) = (Revision.absent, Set<Revision>())
            for _ in 0..<Seeded.count(200, least: 20) {
                let process = try Tool(
                    ["archive", path, place.root + "/archive", "\(cluster)"], program: "metastore-follow-test")
                try await history.goOn(10)
                try await leader.upload(to: line, bound: 500)
                // Mostly not before it has begun.
                if Int.random(in: 0..<4, using: &random) > 0 {
                    #expect(await eventually { !process.lines.isEmpty || process.hasEnded })
                }
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...200, using: &random)))
                process.send(SIGKILL)
                let ending = process.end()
                #expect(ending.code == 137, "\(ending.output)")
                let revisions = ending.lines.compactMap { Revision($0.prefix { $0 != " " }.description) }
                guard let first = revisions.first else { continue }
                #expect(first >= last, "what was told was durable")
                #expect(revisions == revisions.sorted())
                beginnings.insert(first)
                last = revisions.last ?? last
            }
            print("killed followers began at \(beginnings.count) revisions")
            #expect(beginnings.count > 2)
            let source = FollowedSource.archive(place.target, of: cluster, polling: .milliseconds(5))
            let follower = try await Follower.open(.sqlite(path), following: source, of: cluster, .quick)
            try await expectEqual(follower, leader)
            #expect(try await follower.store.verify().isClean)
            await follower.close()
            await leader.close()
        }
    }
}
