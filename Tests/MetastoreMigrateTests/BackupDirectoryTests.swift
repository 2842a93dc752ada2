internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreSQLite
internal import MigrateSupport
internal import Testing

/// Mounts file systems, and therefore runs as root.
@Suite(.serialized) struct `A backup's directory` {
    private func refusal(_ rig: Rig, _ directory: String?) async throws -> CommandFailure? {
        var options = rig.options
        options.backupDirectory = directory
        let chosen = options
        let found = await failure { _ = try await rig.upgrade().up(chosen) { _ in } }
        #expect(found?.description.contains("Nothing was changed") == true || directory == nil)
        #expect(try rig.upgrade().status().schema == UpgradeSteps.first - 1)
        return found
    }

    @Test(arguments: Kind.allCases)
    func `that is missing, no directory, read-only or too small is refused before anything`(
        _ kind: Kind
    ) async throws {
        let rig = try await Rig(kind)
        #expect(try await refusal(rig, rig.directory + "/none")?.status == .missing)
        #expect(try await refusal(rig, rig.cataloguesFile)?.status == .cannotCreate)
        try rig.mount(rig.backups, kilobytes: 128)
        let small = try await refusal(rig, rig.backups)
        #expect(small?.status == .inputOutput && small?.description.contains("are free") == true)
        guard mount("none", rig.backups, nil, UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else { throw Failure("mount") }
        #expect(try await refusal(rig, rig.backups)?.status == .permission)
        #if PostgreSQL
            if kind == .server { #expect(try await refusal(rig, nil)?.status == .usage) }
        #endif
        umount2(rig.backups, Int32(MNT_DETACH))
        #expect(rig.names(in: rig.backups).isEmpty)
        #expect(try await rig.up().steps.count == 2)
    }

    /// As somebody who owns the database, and nothing else.
    @Test func `that this user may not write to is refused before anything`() async throws {
        let rig = try await Rig(.file)
        let nobody = "65534"
        try FaultSupport.run("sh", "-c", "chmod 755 \(rig.directory) \(rig.backups)")
        try FaultSupport.run("sh", "-c", "chown \(nobody) \(rig.directory) \(rig.file)* \(rig.cataloguesFile)")
        func up() throws -> Tool.Ending {
            try Tool.run(
                ["up", rig.url, rig.backups, rig.cataloguesFile, "none", "log"], program: "metastore-migrate-test",
                environment: ["METASTORE_TEST_USER": nobody])
        }
        let refused = try up().output
        #expect(refused.contains("error 77 ") && refused.contains("\(rig.backups): no backup"), "\(refused)")
        #expect(refused.contains("Permission denied") && refused.contains("Nothing was changed"), "\(refused)")
        #expect(try rig.upgrade().status().schema == UpgradeSteps.first - 1)
        try FaultSupport.run("chown", nobody, rig.backups)
        let ending = try up()
        #expect(ending.code == 0, "\(ending.output)")
    }

    /// It was in the way of every later run: a copy is gone on with, or begun anew, only where it is the same store's.
    @Test(arguments: Kind.allCases)
    func `gets rid of what a killed run left there, whatever it had come to`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let other = try await Rig(.file)
        let unfinished = rig.backups + "/metastore.unfinished-backup.db"
        // Whole, and not yet under its name; and the store moved on.
        try await rig.upgrade().place.copy(to: unfinished, held: nil) { _, _, _, _ in }
        try await rig.withStore { _ = try await $0.keyValue.put("after/it", "1") }
        var options = rig.options
        options.target = UpgradeSteps.first
        let chosen = options
        #expect(try await rig.upgrade().up(chosen) { _ in }.backup != nil)
        _ = try await rig.rollback()
        // Another store's, which had the same name.
        try await other.upgrade().place.copy(to: unfinished, held: nil) { _, _, _, _ in }
        #expect(try await rig.upgrade().up(chosen) { _ in }.backup != nil)
        #expect(rig.names(in: rig.backups).allSatisfy { !$0.contains("unfinished") })
        _ = try await rig.rollback()
        // What isn't ours.
        try Data("a letter".utf8).write(to: URL(filePath: unfinished))
        let refused = await failure { _ = try await rig.upgrade().up(chosen) { _ in } }
        #expect(refused?.description.contains(unfinished) == true, "\(String(describing: refused))")
        #expect(FileManager.default.contents(atPath: unfinished) == Data("a letter".utf8))
        #expect(try rig.upgrade().status().schema == UpgradeSteps.first - 1)
    }

    @Test(arguments: Kind.allCases)
    func `that has no room left while it is written gets no half backup`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try rig.mount(rig.backups, kilobytes: 128)
        let place = try rig.upgrade().place
        await #expect(throws: (any Error).self) {
            try await place.copy(to: rig.backups + "/unfinished.db", held: nil) { _, _, _, _ in }
        }
        if kind == .file { #expect(!rig.names(in: rig.backups).contains("unfinished.db")) }
        umount2(rig.backups, Int32(MNT_DETACH))
        #expect(try rig.upgrade().verify().exitStatus == .success)
        #expect(try await rig.up().steps.count == 2)
    }

    @Test func `and the database's device: full before, and while a step runs`() async throws {
        let rig = try await Rig(.file)
        let place = rig.directory + "/small"
        try FaultSupport.run("mkdir", place)
        try rig.mount(place, kilobytes: 4_096)
        defer { umount2(place, Int32(MNT_DETACH)) }
        let small = place + "/metastore.db"
        try FaultSupport.run("cp", rig.file, rig.file + ".head", place)
        try EngineSource.sqlite(small).forgetIdentity()
        func upgrade(_ fault: UpgradeSteps.Fault) throws -> Upgrade { try rig.upgrade(fault, at: small) }
        // A step that needs more than there is.
        let full = await failure { _ = try await upgrade(.large).up(rig.options) { _ in } }
        #expect(full?.status == .inputOutput && full?.description.contains("rolled back") == true)
        #expect(try upgrade(.none).status().schema == UpgradeSteps.first)
        #expect(try upgrade(.none).verify().exitStatus == .success)
        try FaultSupport.run("sh", "-c", "dd if=/dev/zero of=\(place)/filler bs=1k 2>/dev/null || true")
        let before = await failure { _ = try await upgrade(.none).up(rig.options) { _ in } }
        #expect(before?.status == .inputOutput, "\(String(describing: before))")
        #expect(before?.description.contains("needs at least 1.0 MiB") == true, "\(String(describing: before))")
        #expect(before?.description.contains("are free") == true && rig.names(in: rig.backups).count == 1)
        try FaultSupport.run("rm", place + "/filler")
        try FaultSupport.run("mount", "-o", "remount,size=32m", place)
        #expect(try upgrade(.none).status().schema == UpgradeSteps.first)
        #expect(try await upgrade(.none).up(rig.options) { _ in }.steps.map(\.number) == [UpgradeSteps.last])
    }
}
