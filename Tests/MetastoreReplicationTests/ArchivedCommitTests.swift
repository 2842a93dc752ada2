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

/// A process that writes and archives is killed, its store is gone: what it was answered for is in the archive.
@Suite(.serialized, .timed) struct `A commit that was answered as archived` {
    @Test func `survives its process and its whole store`() async throws {
        var random = Seeded("archived commits")
        var answers = 0
        for round in 0..<Seeded.count(200, least: 10) {
            try await withScratch { root in
                for name in ["/store", "/archive"] {
                    try FileManager.default.createDirectory(atPath: root + name, withIntermediateDirectories: false)
                }
                var archived: [Substring: Int64] = [:]
                for kill in 0...Int.random(in: 0...2, using: &random) {
                    let writers = Int.random(in: 1...8, using: &random)
                    let process = try Tool(
                        ["archive", root + "/store/metastore.db", root + "/archive", "\(writers)"],
                        program: "metastore-archive-test")
                    // At the least until one was answered, or it is said why none is.
                    let begun = await eventually(within: .seconds(30)) { !process.lines.isEmpty || process.hasEnded }
                    #expect(begun, "round \(round), process \(kill)")
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...300, using: &random)))
                    process.send(SIGKILL)
                    let ending = process.end()
                    #expect(ending.code == 137, "\(ending)")
                    // A line that was cut off was not an answer to anybody.
                    let whole = ending.output.hasSuffix("\n") ? ending.lines : ending.lines.dropLast()
                    for line in whole {
                        let words = line.split(separator: " ")
                        guard words.count == 3, words[0] == "archived", let revision = Int64(words[2]) else {
                            Issue.record("\(line)")
                            return
                        }
                        archived[words[1]] = revision
                    }
                }
                try FileManager.default.removeItem(atPath: root + "/store")
                try await expect(archived, in: root + "/archive", "round \(round)")
                answers += archived.count
            }
        }
        #expect(answers > 0)
    }

    private func expect(_ archived: [Substring: Int64], in root: String, _ comment: Comment) async throws {
        let folder = try #require(try FileManager.default.contentsOfDirectory(atPath: root).first)
        let cluster = try #require(UUID(uuidString: folder))
        let history = try #require(try await ArchiveHistory(ArchiveLine(try DirectoryTarget(path: root), of: cluster)))
        let replica = try await Metastore.openReplica(.inMemory(), of: cluster)
        try await history.forEachPart { try await replica.replay($0.records) }
        for (key, revision) in archived {
            let entry = try await replica.keyValue.get(EntryKey("\(key)"))
            #expect(entry?.revision.rawValue == revision, "\(key) of revision \(revision)")
        }
        let report = try await replica.verify()
        #expect(report.isClean, comment)
        await replica.close()
    }
}
