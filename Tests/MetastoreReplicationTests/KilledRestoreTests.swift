internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// A process that restores is killed, at any moment.
@Suite(.serialized, .timed) struct `A killed restore` {
    /// A fault-free run says how long one takes; then each is killed at a random moment of that.
    @Test func `leaves nothing, or all of it, and the next one cleans up`() async throws {
        var random = Seeded("killed restores")
        try await withArchivedStore(Way(from: .disk, to: .disk), commits: 60, name: "killed") { store, _ in
            let expected = try await store.contents(at: store.records.last!.revision)
            try await withScratch { root in
                let folder = store.line.target.place
                let words = ["restore", folder, store.line.cluster.uuidString]
                let began = ContinuousClock.now
                let whole = try Tool.run(
                    words + [root + "/first/metastore.db", "0"], program: "metastore-archive-test")
                #expect(whole.output.hasPrefix("restored \(store.records.last!.revision)"), "\(whole.output)")
                let microseconds = Int((ContinuousClock.now - began) / Duration.microseconds(1))
                var (cut, done) = (0, 0)
                let path = root + "/metastore.db"
                for _ in 0..<Seeded.count(200, least: 10) {
                    let tool = try Tool(words + [path, "0"], program: "metastore-archive-test")
                    usleep(UInt32(Int.random(in: 0...microseconds, using: &random)))
                    tool.send(SIGKILL)
                    _ = tool.end()
                    if access(path, F_OK) == 0 {
                        done += 1
                        let opened = try await Metastore.open(.sqlite(path))
                        #expect(try await opened.contents() == expected)
                        await opened.close()
                    } else {
                        cut += 1
                        continue
                    }
                    try DatabaseFiles.removeCopy(path)
                }
                #expect(cut > 0, "\(done) were done")
                // Whatever the last one left is gone afterwards.
                _ = try await Restore(store.line).run(to: .sqlite(path), at: .newest)
                let left = try FileManager.default.contentsOfDirectory(atPath: root).sorted()
                #expect(left == ["first", "metastore.db", "metastore.db.head", "metastore.db.lock"])
                try await expectState(.sqlite(path), of: store, at: store.records.last!.revision)
            }
        }
    }
}
