internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplicationCommands
internal import MetastoreTestSupport
internal import Testing

/// docs/OPERATIONS.md, "Moving a store to another engine while it works".
@Suite(.serialized, .timed) struct `A store that moves to another engine and back` {
    /// A master's writes, one after the other.
    private func write(_ numbers: Range<Int>, to store: Metastore) async throws {
        for number in numbers {
            try await store.keyValue.put(EntryKey(namespace: "moved", key: "\(number)"), "\(number)")
        }
    }

    private func archiving(_ store: StoreURL, _ rig: Rig) throws -> Tool {
        try Tool(["archive", "--store", store.description, "--to", rig.folder], program: Tool.replicate)
    }

    @Test(.enabled(if: Rig.engines.count > 1, "there is one engine only"))
    func `loses no write, and has the old one fenced`() async throws {
        try await Rig.with(commits: 30) { rig in
            let server = try #require(Rig.engines.first { $0 != .disk })
            let places = [
                rig.store, try rig.place("server", on: server), try rig.place("back", on: .disk),
            ]
            var written = 0
            var master = try await Metastore.open(try rig.source(rig.store))
            for (from, to) in zip(places, places.dropFirst()) {
                // 1. The store is archived, and followed, while its master works.
                let archiver = try archiving(from, rig)
                try await write(written..<written + 40, to: master)
                #expect(await eventually { (try? rig.archive.clusters().isEmpty) == false })
                let follower = try Tool(
                    ["follow", "--from", rig.folder, "--into", to.description], program: Tool.replicate)
                try await write(written + 40..<written + 80, to: master)
                // 2. The writes stop: what is left is archived and followed, and compared.
                await master.close()
                let stopped = ContinuousClock.now
                archiver.send(SIGTERM)
                let ending = archiver.end()
                #expect(ending.code == 0, "\(ending.errors)")
                follower.send(SIGTERM)
                #expect(follower.end().code == 0)
                let last = try Tool.run(
                    ["follow", "--from", rig.folder, "--into", to.description, "--once", "--compare"],
                    program: Tool.replicate)
                #expect(last.code == 0 && last.output.contains("nothing behind"), "\(last.errors)")
                let equal = try Tool.run(
                    ["verify", rig.folder, "--store", to.description, "--scratch", rig.root], program: Tool.replicate)
                #expect(equal.code == 0, "\(equal.errors)")
                // 3. The new place is promoted: the master goes on there, in an epoch of its own.
                let promoted = try Tool.run(
                    ["promote", to.description, "--archive", rig.folder, "--yes"], program: Tool.replicate)
                #expect(promoted.code == 0, "\(promoted.errors)")
                master = try await Metastore.open(try rig.source(to))
                print("writes stood still for \((ContinuousClock.now - stopped).inMilliseconds) ms, verified")
                written += 80
                for number in 0..<written {
                    #expect(try await master.keyValue.get(EntryKey(namespace: "moved", key: "\(number)")) != nil)
                }
                #expect(try await rig.status(beside: to).exitStatus == .success)
                #expect(try await rig.status(beside: from).exitStatus == .no, "the old one is out")
            }
            await master.close()
        }
    }
}
