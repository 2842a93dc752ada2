internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreReplication
internal import MetastoreReplicationCommands
internal import MetastoreTestSupport
internal import Testing

/// The program on an archive, where it is used.
@Suite(.serialized, .timed) struct `metastore-inspect on an archive` {
    private static let fixture =
        #filePath.split(separator: "/").dropLast(2).map { "/" + $0 }.joined()
        + "/MetastoreReplicateTests/Fixtures/archive"

    private func inspect(_ words: [String], scratch: String) throws -> Tool.Ending {
        try Tool.run(words, program: "metastore-inspect", environment: ["TMPDIR": scratch])
    }

    private func left(_ folder: String) throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder)
    }

    @Test func `reads one of an earlier release`() throws {
        for words in [["info"], ["check", "--full"], ["list", "trials", "--at", "first"], ["report"]] {
            let ending = try inspect([Self.fixture] + words, scratch: "/tmp")
            #expect(ending.code == 0 && !ending.output.isEmpty, "\(words): \(ending.errors)")
            #expect(ending.errors.contains("rebuilt from the archive") || words == ["report"])
        }
        let found = try inspect([Self.fixture, "info", "-o", "json"], scratch: "/tmp").output
        #expect(found.contains("\"revision\": 34") && found.contains("\"verdict\": \"archived\""))
    }

    /// Images are opened in a file: the folder is used.
    @Test(.enabled(if: isRoot)) func `leaves a read-only volume as it is, and nothing elsewhere`() async throws {
        try await ArchivedStore.with { rig in
            try await rig.snapshot(.image)
            let scratch = rig.root + "/scratch"
            mkdir(scratch, 0o700)
            let volume = try Volume(rig.root, "volume")
            try volume.mount("rw")
            try run("cp", "-r", rig.folder, volume.mountPoint + "/archive")
            volume.unmount()
            try run("cp", "--sparse=always", volume.image, volume.image + ".before")
            try volume.mount("ro", isReadOnlyDevice: true)
            for words in [["info"], ["list", "trials"], ["check", "--full"], ["log"], ["export"]] {
                let ending = try inspect([volume.mountPoint] + words, scratch: scratch)
                #expect(ending.code == 0 && !ending.output.isEmpty, "\(words): \(ending.errors)")
                #expect(try left(scratch) == [])
            }
            volume.unmount()
            try run("cmp", volume.image, volume.image + ".before")
        }
    }

    @Test func `leaves no trace where it could write`() async throws {
        try await ArchivedStore.with { rig in
            try await rig.snapshot(.image)
            let before = try Traces(rig.folder, aging: true)
            for words in [["info"], ["list", "trials"], ["check", "--full"], ["list", "kv", "--at", "half-way"]] {
                #expect(try inspect([rig.folder] + words, scratch: rig.root).code == 0)
            }
            #expect(try before.again() == before)
        }
    }

    /// Without an image a small archive is rebuilt in memory; with one somebody has to say where.
    @Test func `says where to write if it has to and can't`() async throws {
        try await ArchivedStore.with { rig in
            let nowhere = rig.root + "/nowhere"
            #expect(try inspect([rig.folder, "list", "trials"], scratch: nowhere).code == 0)
            try await rig.snapshot(.image)
            let refused = try inspect([rig.folder, "list", "trials"], scratch: nowhere)
            #expect(refused.code == 73 && refused.errors.contains("TMPDIR"), "\(refused.errors)")
        }
    }

    @Test func `killed or interrupted leaves the archive as it is`() async throws {
        try await ArchivedStore.with { rig in
            try await rig.commit(30)
            try await rig.ship()
            try await rig.snapshot(.image)
            let before = try Traces(rig.folder, aging: true)
            let scratch = rig.root + "/scratch"
            mkdir(scratch, 0o700)
            let began = ContinuousClock.now
            #expect(try inspect([rig.folder, "check", "--full"], scratch: scratch).code == 0)
            let span = (ContinuousClock.now - began).inMilliseconds
            var random = Scale.random(72)
            var ends: [String: Int] = [:]
            for round in 0..<max(12, Scale.of(150)) {
                let signal = [SIGINT, SIGTERM, SIGHUP, SIGKILL][round % 4]
                let tool = try Tool(
                    [rig.folder, "check", "--full"], program: "metastore-inspect", environment: ["TMPDIR": scratch])
                usleep(UInt32.random(in: 0...UInt32(span * 1_000), using: &random))
                tool.send(signal)
                let ending = tool.end()
                let isCut = ending.code != 0
                ends["\(isCut ? "cut by" : "done before") \(signal)", default: 0] += 1
                #expect(!isCut || ending.code == 128 + signal, "\(ending.errors)")
                // Only a kill may leave something, of its own, in the scratch.
                if signal == SIGKILL { for name in try left(scratch) { try run("rm", "-r", scratch + "/" + name) } }
                #expect(try left(scratch) == [], "signal \(signal), round \(round)")
            }
            print("inspections ended by signals: \(ends.inWords)")
            #expect(try before.again() == before)
        }
    }

    private static func thread() -> UInt { UInt(pthread_self()) }

    /// Other threads are those of libdispatch, which look into /proc after a while.
    @Test func `runs what is asynchronous on one thread`() throws {
        let caller = Self.thread()
        let threads = try OneThread.run {
            await withTaskGroup(of: [UInt].self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        let before = Self.thread()
                        await withCheckedContinuation { continuation in
                            _ = BlockingThread.tryStart { continuation.resume() }
                        }
                        await Task.yield()
                        return [before, Self.thread()]
                    }
                }
                return await group.reduce(into: [Self.thread()]) { $0 += $1 }
            }
        }
        #expect(threads.count == 17 && Set(threads) == [caller])
        #expect(throws: Failure.self) { try OneThread.run { throw Failure("as it was thrown") } }
    }

    @Test(.enabled(if: isRoot, "only root can unmount"), arguments: [false, true])
    func `answers without /proc`(_ hasImage: Bool) async throws {
        try await ArchivedStore.with { rig in
            if hasImage { try await rig.snapshot(.image) }
            for command in ["list trials", "check --full", "info"] {
                let asked = "\(CrashProcess.directory)/metastore-inspect \(rig.folder) \(command) -o json"
                let script = "umount -l /proc && ! test -e /proc/self && exec \(asked)"
                let without = try Tool.run(["--mount", "sh", "-c", script], program: "/usr/bin/unshare")
                let with = try Tool.run(["-c", asked], program: "/bin/sh")
                #expect(without.code == 0, "\(without.errors)")
                guard command != "info" else { continue }
                #expect(without.output == with.output)
            }
        }
    }
}
