internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import MigrateSupport
internal import Synchronization
internal import Testing

#if PostgreSQL
    internal import PostgreSQLServer
#endif

/// Devices that fill up while a command runs. Mounts file systems, and therefore runs as root.
@Suite(.serialized, .timed) struct `A device that fills up` {
    /// Takes all the room there is.
    private func fill(_ folder: String) {
        _ = try? FaultSupport.run("sh", "-c", "dd if=/dev/zero of=\(folder)/filler bs=64k 2>/dev/null || true")
    }

    /// So large that its copy is told of more than once.
    private func large(_ kind: Kind) async throws -> Rig {
        let rig = try await Rig(kind)
        try await rig.withStore { store in
            for number in 0..<12 {
                let value = [UInt8](repeating: UInt8(number), count: 1_000_000)
                try await store.keyValue.put(EntryKey(namespace: "large", key: "\(number)"), value)
            }
        }
        return rig
    }

    private func whenTold(
        _ rig: Rig, _ line: String, _ body: (Upgrade) async throws -> Void
    ) async throws -> CommandFailure? {
        let isFull = Mutex(false)
        let upgrade = try rig.upgrade(.none) { [fill, backups = rig.backups] text in
            isFull.withLock { isFull in
                guard text.hasPrefix(line), !isFull else { return }
                isFull = true
                fill(backups)
            }
        }
        let found = await failure { try await body(upgrade) }
        #expect(isFull.withLock { $0 })
        return found
    }

    @Test(arguments: Kind.allCases)
    func `under the backup: no step is begun, and nothing of it is left`(_ kind: Kind) async throws {
        let rig = try await large(kind)
        let before = try summary(of: rig.source)
        try rig.mount(rig.backups, kilobytes: 64 << 10)
        let full = try await whenTold(rig, "\rbackup: copying") { _ = try await $0.up(rig.options) { _ in } }
        let text = full?.description ?? ""
        #expect(full?.status == .inputOutput, "\(String(describing: full))")
        #expect(text.contains("Nothing was changed") && text.contains("--backup-dir"), "\(text)")
        #expect(text.contains("are free now") && text.contains("Don't delete the database"), "\(text)")
        #expect(rig.names(in: rig.backups) == ["filler"])
        #expect(try summary(of: rig.source).state == before.state)
        #expect(try rig.upgrade().status().lock == nil)
        // Nor is it begun while there is no room.
        let still = await failure { try await rig.up() }
        #expect(still?.status == .inputOutput && still?.description.contains("are free") == true)
        try FaultSupport.run("rm", rig.backups + "/filler")
        #expect(try await rig.up().steps.count == 2)
    }

    @Test func `under a rehearsal: nothing of it is left`() async throws {
        let rig = try await large(.file)
        try rig.mount(rig.backups, kilobytes: 64 << 10)
        let full = try await whenTold(rig, "\rcopy: copying") { _ = try await $0.rehearse(in: rig.backups) }
        #expect(full?.status == .inputOutput, "\(String(describing: full))")
        #expect(rig.names(in: rig.backups) == ["filler"])
        try FaultSupport.run("rm", rig.backups + "/filler")
        #expect(try await rig.upgrade().rehearse(in: rig.backups).steps.count == 2)
    }

    @Test func `under a rollback: the store is as it was, and nothing of the copy is left`() async throws {
        let rig = try await Rig(.file)
        let place = rig.directory + "/small"
        try FaultSupport.run("mkdir", place)
        try rig.mount(place, kilobytes: 2_048)
        defer { umount2(place, Int32(MNT_DETACH)) }
        let small = place + "/metastore.db"
        try FaultSupport.run("cp", rig.file, rig.file + ".head", place)
        try EngineSource.sqlite(small).forgetIdentity()
        _ = try await rig.upgrade(at: small).up(rig.options) { _ in }
        let before = try summary(of: try StoreURL(small).source(Password()))
        fill(place)
        let names = rig.names(in: place)
        let full = await failure { _ = try await rig.upgrade(at: small).rollback(Upgrade.RollbackOptions()) { _ in } }
        let text = full?.description ?? ""
        #expect(full?.status == .inputOutput && text.contains("Nothing was changed"), "\(String(describing: full))")
        #expect(text.contains("takes up to") && text.contains("are free"), "\(text)")
        try FaultSupport.run("rm", place + "/filler")
        #expect(try summary(of: try StoreURL(small).source(Password())).state == before.state)
        #expect(Set(rig.names(in: place)).isSubset(of: names), "\(rig.names(in: place))")
        let report = try await rig.upgrade(at: small).rollback(Upgrade.RollbackOptions()) { _ in }
        #expect(report.schema == UpgradeSteps.first - 1)
    }

    #if PostgreSQL
        @Test func `under a server while a step runs: the step is rolled back, and it says what did happen`()
            async throws
        {
            let server = try PostgreSQLServer()
            let rig = try await Rig(.server, server: server)
            let place = server.socketFolder + "/small"
            try FaultSupport.run("mkdir", place)
            try rig.mount(place, kilobytes: 4_096)
            defer { umount2(place, Int32(MNT_DETACH)) }
            try FaultSupport.run("chown", "--reference=\(server.socketFolder)", place)
            try server.ask("CREATE TABLESPACE small LOCATION '\(place)'")
            try rig.ask("ALTER ROLE postgres SET default_tablespace = small")
            let full = await failure { try await rig.up(.large) }
            let text = full?.description ?? ""
            #expect(full?.status == .inputOutput, "\(String(describing: full))")
            #expect(text.contains("migration \(UpgradeSteps.last) (notes) failed and was rolled back"), "\(text)")
            #expect(text.contains("Migration \(UpgradeSteps.first) was applied before it"), "\(text)")
            #expect(try rig.upgrade().status().schema == UpgradeSteps.first)
            #expect(try rig.upgrade().verify().findings.isEmpty)
            try rig.ask("ALTER ROLE postgres RESET default_tablespace")
            let report = try await rig.rollback()
            #expect(report.schema == UpgradeSteps.first - 1)
        }
    #endif
}
