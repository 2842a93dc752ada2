internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreSQLite
internal import MigrateSupport
internal import Synchronization
internal import Testing

@Suite(.serialized) struct `Bringing a store to a newer schema` {
    @Test(arguments: Kind.allCases)
    func `makes a verified backup, applies the steps, verifies, and tells all of it`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        #expect(try rig.upgrade().status().exitStatus == .no)
        let report = try await rig.up()
        #expect(report.steps.map(\.number) == [UpgradeSteps.first, UpgradeSteps.last])
        let backup = try #require(report.backup)
        #expect(rig.names(in: rig.backups) == [String(backup.path.split(separator: "/").last ?? "")])
        let status = try rig.upgrade().status()
        #expect(status.state == .current && status.schema == UpgradeSteps.last && status.lock == nil)
        #expect(status.minWriter == UpgradeSteps.last)
        let history = try rig.upgrade().history().entries
        #expect(history.suffix(2).map(\.backup) == [backup.path, backup.path])
        #expect(history.suffix(2).allSatisfy { $0.seconds > 0 && $0.host == "here" })
        #expect(try rig.upgrade().verify().exitStatus == .success)
        let again = try await rig.up()
        #expect(again.steps.isEmpty && again.backup == nil && rig.names(in: rig.backups).count == 1)
    }

    @Test(arguments: Kind.allCases)
    func `in a dry run, and without an answer, changes nothing`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        var options = rig.options
        options.isDryRun = true
        let report = try await rig.upgrade().up(options) { _ in Issue.record("asked in a dry run") }
        #expect(report.to == UpgradeSteps.last && report.steps.count == 2)
        let refused = await failure {
            _ = try await rig.upgrade().up(rig.options) { try Confirmation.ask($0, isYes: false) }
        }
        #expect(refused?.status == .usage)
        #expect(try rig.upgrade().status().schema == UpgradeSteps.first - 1)
        #expect(rig.names(in: rig.backups).isEmpty)
    }

    @Test(arguments: Kind.allCases)
    func `stops at the schema that was asked for`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        var options = rig.options
        options.target = UpgradeSteps.first
        options.hasBackup = true
        let report = try await rig.upgrade().up(options) { _ in }
        #expect(report.to == UpgradeSteps.first && report.backup == nil)
        #expect(rig.said.withLock { $0.contains { $0.contains("warning: no backup is made") } })
        options.target = UpgradeSteps.first - 1
        let back = await failure { _ = try await rig.upgrade().up(options) { _ in } }
        #expect(back?.status == .usage && back?.description.contains("rollback") == true)
    }

    @Test(arguments: Kind.allCases)
    func `that fails in the middle says what did happen, and leaves the step undone`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let refused = await failure { try await rig.up(.refused) }
        #expect(refused?.status == .no, "\(String(describing: refused))")
        let text = refused?.description ?? ""
        #expect(text.contains("migration \(UpgradeSteps.last) (notes) failed and was rolled back"))
        #expect(text.contains("Migration \(UpgradeSteps.first) was applied before it"))
        #expect(text.contains("is verified") && text.contains("rollback"))
        let status = try rig.upgrade().status()
        #expect(status.schema == UpgradeSteps.first && status.state == .pending && status.lock == nil)
        #expect(try rig.upgrade().verify().exitStatus == .success)
        // A copy of a schema that only these tests know is none.
        var options = rig.options
        options.hasBackup = kind != .file
        let rest = try await rig.upgrade().up(options) { _ in }
        #expect(rest.steps.map(\.number) == [UpgradeSteps.last])
    }

    @Test(arguments: Kind.allCases)
    func `is refused where the catalogue isn't the schema's`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try rig.withConnection { try $0.executeScript("CREATE TABLE mine (id bigint)") }
        let status = try rig.upgrade().status()
        #expect(status.exitStatus == .drift && status.drift == ["table mine doesn't belong there"])
        #expect(try rig.upgrade().check().differences == ["table mine doesn't belong there"])
        let refused = await failure { try await rig.up() }
        #expect(refused?.status == .drift && refused?.description.contains("table mine") == true)
        #expect(rig.names(in: rig.backups).isEmpty)
    }

    @Test(arguments: Kind.allCases)
    func `is refused for a store of a newer release, which is named`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.up()
        let older = try rig.upgrade(Array(UpgradeSteps.all(catalogues: rig.catalogues).dropLast(2)))
        let status = try older.status()
        #expect(status.exitStatus == .newerSchema && status.advice?.contains("do not delete") == true)
        let refused = await failure { _ = try await older.up(rig.options) { _ in } }
        #expect(refused?.status == .newerSchema && refused?.description.contains("metastore test") == true)
        await #expect(throws: StoreError.self) { try await rig.withStore { _ in } }
    }

    /// It was called a damaged store, and a backup was recommended in its place.
    @Test(arguments: Kind.allCases)
    func `and looking at it refuses an unfinished copy by that name`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let copy = kind == .file ? rig.directory + "/copied.db" : rig.url + "&schema=copied"
        let process = try Tool(
            ["copy", rig.url, copy, rig.cataloguesFile, "none", "stop:copying trials"],
            program: "metastore-migrate-test")
        process.awaitStop()
        #expect(process.endNow() == .within)
        for command in [["status"], ["check"], ["verify"], ["history"], ["plan"], ["up", "--yes"]] {
            let ending = try Tool.run(command + [copy])
            #expect(ending.code == 65 && ending.errors.contains("unfinished copy"), "\(command): \(ending.errors)")
            #expect(!ending.errors.contains("damaged"), "\(command): \(ending.errors)")
        }
        #expect(try Tool.run(["copy", "--from", rig.url, "--to", copy]).code == 0)
    }

    @Test func `takes what a killed master left, log and all`() async throws {
        let rig = try await Rig(.file)
        // Everything committed is in the log only, and nobody closed the store.
        let master = try await Metastore.open(try rig.source)
        try await master.keyValue.put("in/log", "1")
        try FaultSupport.run("sh", "-c", "cp -a \(rig.file) \(rig.file)-wal \(rig.backups)")
        await master.close()
        try FaultSupport.run("sh", "-c", "cp -a \(rig.backups)/metastore.db* \(rig.directory)/; rm \(rig.backups)/*")
        let backup = try #require(try await rig.up().backup?.path)
        // What says "not closed" without a log is refused everywhere.
        let copied = try Tool.run(["copy", "--from", backup, "--to", rig.directory + "/copy.db"])
        #expect(copied.code == 0, "\(copied.errors)")
        // Its log is gone with its changes in the file: a mark that says otherwise would have it refused.
        #expect(try rig.withConnection { try $0.first("SELECT clean FROM head") { try $0.integer(0) } } == 1)
        let report = try await rig.rollback()
        #expect(report.schema == UpgradeSteps.first - 1)
        let kept = try await rig.withStore { try await $0.keyValue.get("in/log") }
        #expect(kept != nil)
    }

    /// Its record of the step would be in the copy's history alone.
    @Test func `changes no copy, until it is adopted`() async throws {
        let rig = try await Rig(.file)
        let copy = rig.backups + "/copy.db"
        try FaultSupport.run("cp", rig.file, copy)
        let before = FileManager.default.contents(atPath: copy)
        let refused = await failure { _ = try await rig.upgrade(at: copy).up(rig.options) { _ in } }
        #expect(refused?.status == .permission && refused?.description.contains("is a copy") == true)
        #expect(FileManager.default.contents(atPath: copy) == before)
        #expect(rig.names(in: rig.backups).contains { $0.hasPrefix("copy-") } == false)
        var options = StoreOptions()
        options.copies = .adopt
        await (try await Metastore.open(.sqlite(copy), options)).close()
        #expect(try await rig.upgrade(at: copy).up(rig.options) { _ in }.steps.count == 2)
    }

    /// Its log is its leader's, which has a record of the step of its own.
    @Test(arguments: Kind.allCases)
    func `adds nothing to the log of a follower`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let before = try rig.facts()
        var options = StoreOptions()
        options.demotion = .demote
        let cluster = try #require(UUID(uuidString: before.cluster))
        await (try await Metastore.openReplica(try rig.source, of: cluster, options)).close()
        #expect(try await rig.up().to == UpgradeSteps.last)
        let after = try rig.facts()
        #expect(after.revision == before.revision && after.chain == before.chain)
        #expect(try rig.upgrade().status().schema == UpgradeSteps.last)
        #expect(try rig.reading { try ClosedStore($0).identity() }?.role == .follower)
    }

    @Test func `waits for whoever has the lock, and names it`() async throws {
        let rig = try await Rig(.file)
        let master = try await Metastore.open(try rig.source)
        var options = rig.options
        options.lockTimeout = .milliseconds(50)
        let chosen = options
        let refused = await failure { _ = try await rig.upgrade().up(chosen) { _ in } }
        #expect(refused?.status == .tryLater && refused?.description.contains("process \(getpid())") == true)
        #expect(try rig.upgrade().lockHolder().lock?.holder.contains("process \(getpid())") == true)
        let broken = await failure { _ = try rig.upgrade().breakLock() }
        #expect(broken?.status == .tryLater)
        await master.close()
        #expect(try rig.upgrade().lockHolder().lock == nil)
        #expect(try await rig.up().steps.count == 2)
    }
}
