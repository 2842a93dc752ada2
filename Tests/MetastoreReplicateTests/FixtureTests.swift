internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreReplicationCommands
internal import MetastoreTestSupport
internal import Testing

/// `METASTORE_WRITE_ARCHIVE=1` makes it anew, with this release. Otherwise it stays as the release before left it.
@Suite(.serialized, .timed) struct `An archive of an earlier release` {
    private static let folder =
        #filePath.split(separator: "/").dropLast().map { "/" + $0 }.joined() + "/Fixtures/archive"

    @Test func `is whole, restored and followed by this one`() async throws {
        if getenv("METASTORE_WRITE_ARCHIVE") != nil { try await write() }
        try await Rig.with(commits: 1) { rig in
            let archive = try ArchiveURL(Self.folder)
            let screen = rig.screen
            let report = try await StatusCommand(archive, cluster: nil, screen: screen).run(beside: nil, Password())
            #expect(report.exitStatus == .success && report.revision == 34 && report.epochs.count == 2)
            #expect(report.labels.map(\.name) == ["first"] && report.snapshots.map(\.state) == ["usable"])
            var options = VerifyCommand.Options()
            options.directory = rig.root
            let verified = try await VerifyCommand(archive, options, screen: screen).run(comparing: nil, Password())
            #expect(verified.revision == 34 && verified.snapshots == [22])
            let (restored, replica) = (try rig.place("restored"), try rig.place("replica"))
            var how = RestoreCommand.Options()
            how.point = RestorePoint(argument: "first")!
            let made = try await RestoreCommand(archive, into: restored, how, screen: screen).run(Password())
            #expect(made.revision == 12 && made.epoch == 3)
            var once = FollowCommand.Options()
            once.isOnce = true
            let followed = try await FollowCommand(
                .archive(archive, cluster: nil), into: replica, once, screen: screen
            ).run(Password())
            #expect(followed.revision == 34)
            let found = try await rig.contents(replica)
            #expect(found.digests == found.digestsOfRows && found.damagedRows.isEmpty)
        }
    }

    private func write() async throws {
        try await Rig.with { rig in
            try await rig.ship()
            try await rig.snapshot()
            _ = try await rig.labels.set("first", at: 12, text: "a state of an earlier release")
            try await rig.writing { store in
                try await store.lead(as: "master-2") { _ in }
                try await Rig.commit(9, to: store)
            }
            try await rig.ship()
            try? FileManager.default.removeItem(atPath: Self.folder)
            try FaultSupport.run("mkdir", "-p", Self.folder)
            try FaultSupport.run("cp", "-r", rig.folder + "/.", Self.folder)
        }
    }
}
