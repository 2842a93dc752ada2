internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplicationCommands
internal import MetastoreTestSupport
internal import Testing

@Suite(.serialized, .timed) struct `metastore-replicate killed` {
    /// A fault-free run says how long one takes; then each is killed at a random moment of that.
    private func duration(_ words: [String]) throws -> Int {
        let began = ContinuousClock.now
        let ending = try Tool.run(words, program: Tool.replicate)
        #expect(ending.code == 0, "\(ending.errors)")
        return (ContinuousClock.now - began).inMilliseconds
    }

    @Test(arguments: Rig.engines)
    func `while it restores leaves nothing, or all of it`(_ engine: TestEngine) async throws {
        try await Rig.with(engine, commits: 60) { rig in
            try await rig.ship()
            try await rig.snapshot()
            try await rig.commit(60)
            try await rig.ship()
            let expected = try await rig.contents(rig.store).digests
            let span = try duration(["restore", rig.folder, "--into", try rig.place("whole").description])
            var random = Scale.random(91)
            var (cut, done) = (0, 0)
            var place = try rig.place("killed")
            for round in 0..<Scale.of(engine.isFile ? 200 : 100) {
                let tool = try Tool(
                    ["restore", rig.folder, "--into", place.description], program: Tool.replicate)
                usleep(UInt32.random(in: 0...UInt32(span * 1_000), using: &random))
                tool.send(SIGKILL)
                _ = tool.end()
                guard try await ReplicatedStore(place, Password()).summary() != nil else {
                    cut += 1
                    continue
                }
                done += 1
                #expect(try await rig.contents(place).digests == expected)
                place = try rig.place("killed \(round)")
            }
            print("restores into a \(engine) killed: \(cut) left nothing, \(done) were done")
            #expect(cut > 0)
            try await rig.restore(into: place)
            #expect(try await rig.contents(place).digests == expected)
        }
    }

    @Test func `while it archives or follows goes on where it was`() async throws {
        try await Rig.with { rig in
            var random = Scale.random(92)
            let replica = try rig.place("replica")
            for _ in 0..<max(4, Scale.of(60)) {
                try await rig.commit(5)
                let tool = try Tool(
                    ["archive", "--store", rig.store.description, "--to", rig.folder], program: Tool.replicate)
                usleep(UInt32.random(in: 0...1_500_000, using: &random))
                tool.send(SIGKILL)
                _ = tool.end()
                guard let _ = try? rig.archive.clusters().first, (try? await rig.status()) != nil else { continue }
                let follower = try Tool(
                    ["follow", "--from", rig.folder, "--into", replica.description], program: Tool.replicate)
                usleep(UInt32.random(in: 0...400_000, using: &random))
                follower.send(SIGKILL)
                _ = follower.end()
            }
            try await rig.ship()
            let answer = try await rig.follow(into: replica)
            #expect(answer.lagRevisions == 0 && answer.comparison?.isEqual == true)
            #expect(try await rig.verify(comparing: rig.store).isEqual == true)
            let (found, expected) = (try await rig.contents(replica), try await rig.contents(rig.store))
            #expect(found.digests == expected.digests && found.links == expected.links)
        }
    }
}
