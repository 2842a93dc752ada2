internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import MigrateSupport
internal import Testing

@Suite(.serialized) struct `Going back to the backup` {
    @Test(arguments: Kind.allCases)
    func `restores it, keeps what was there, and the old binary goes on`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let before = try await rig.withStore { ($0.position, try await $0.info()) }
        try await rig.up()
        try rig.withConnection { _ = try $0.execute("UPDATE head SET revision = revision + 3") }
        let report = try await rig.rollback()
        #expect(report.schema == UpgradeSteps.first - 1 && report.revision == before.1.revision.rawValue)
        // The steps' own are not counted.
        #expect(report.commitsAside == 3 && report.aside != nil)
        #expect(try rig.upgrade().status().state == .pending)
        try await rig.withStore { store in
            #expect(try await store.keyValue.get("before/it") != nil)
            let info = try await store.info()
            #expect(info.cluster == before.1.cluster && info.epoch.number == before.1.epoch.number + 1)
            try await store.keyValue.put("after/it", "1")
            #expect(try await store.verify().isClean)
            // A position from before the backup is still good.
            for try await change in store.changes(after: before.0) {
                #expect(change.revision == report.nextRevision)
                break
            }
        }
        let again = await failure { _ = try await rig.rollback() }
        #expect(again?.status == .no && again?.description.contains("nothing to go back to") == true)
        #expect(try await rig.up().steps.count == 2)
    }

    @Test(arguments: Kind.allCases)
    func `in a dry run changes nothing`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.up()
        var options = Upgrade.RollbackOptions()
        options.isDryRun = true
        let report = try await rig.upgrade().rollback(options) { _ in Issue.record("asked in a dry run") }
        #expect(report.isDryRun && report.schema == UpgradeSteps.first - 1)
        #expect(try rig.upgrade().status().schema == UpgradeSteps.last)
    }

    @Test(arguments: Kind.allCases)
    func `is refused with a damaged backup, or another store's`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let backup = try #require(try await rig.up().backup?.path)
        let other = try await Rig(.file)
        let foreign = await failure { _ = try await rig.rollback(other.file) }
        #expect(foreign?.status == .no && foreign?.description.contains("another store") == true)
        // One bit of a row: the file is a whole database still.
        let engine = try EngineSource.sqlite(backup).makeEngine(EngineOptions())
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        try writer.execute("UPDATE experiments SET notes = 'spoilt' WHERE id = 1")
        try engine.settle(writer)
        writer.close()
        engine.close()
        let damaged = await failure { _ = try await rig.rollback() }
        #expect(damaged?.status == .damaged && damaged?.description.contains("experiments/1") == true)
        try FaultSupport.run("rm", backup)
        let missing = await failure { _ = try await rig.rollback() }
        #expect(missing?.status == .missing)
        #expect(try rig.upgrade().status().schema == UpgradeSteps.last)
    }

    @Test func `works over a destroyed database, and over none`() async throws {
        let rig = try await Rig(.file)
        let backup = try #require(try await rig.up().backup?.path)
        try Data(repeating: 7, count: 9_000).write(to: URL(filePath: rig.file))
        let unnamed = await failure { _ = try await rig.rollback() }
        #expect(unnamed?.status == .usage && unnamed?.description.contains("--backup FILE") == true)
        let report = try await rig.rollback(backup)
        #expect(report.commitsAside == nil && report.aside != nil)
        #expect(try await rig.withStore { try await $0.verify().isClean })
        try FaultSupport.run("rm", rig.file)
        #expect(try await rig.rollback(backup).aside == nil)
        #expect(try await rig.withStore { try await $0.verify().isClean })
    }

    @Test func `never leaves the old log beside the new database`() async throws {
        let rig = try await Rig(.file)
        let backup = try #require(try await rig.up().backup?.path)
        let stale = Data(repeating: 1, count: 4_152)
        for suffix in ["-wal", "-shm", "-journal"] { try stale.write(to: URL(filePath: rig.file + suffix)) }
        let report = try await rig.rollback(backup)
        let aside = try #require(report.aside)
        #expect(FileManager.default.contents(atPath: aside + "-wal") == stale)
        #expect(FileManager.default.contents(atPath: aside + "-journal") == stale)
        #expect(try await rig.withStore { try await $0.verify().isClean })
    }
}

extension RollbackReport {
    fileprivate var nextRevision: Revision { Revision(rawValue: revision + 1) }
}
