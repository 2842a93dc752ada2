internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreSQLite
internal import MigrateSupport
internal import Testing

#if PostgreSQL
    internal import MetastorePostgreSQL
#endif

@Suite(.serialized, .timed) struct `A rehearsal` {
    /// Whatever had the name of its copy was removed: another program's, an administrator's own, a master's.
    @Test func `leaves a file of that name alone that it did not make`() async throws {
        let rig = try await Rig(.file)
        let place = rig.backups + "/metastore.rehearsal.db"
        func expectRefusal(_ what: String) async throws {
            let before = FileManager.default.contents(atPath: place)
            let refused = await failure { _ = try await rig.upgrade().rehearse(in: rig.backups) }
            #expect(refused?.description.contains(place) == true, "\(what): \(String(describing: refused))")
            #expect(FileManager.default.contents(atPath: place) == before, "\(what)")
        }
        try Data("a letter".utf8).write(to: URL(filePath: place))
        try await expectRefusal("a text")
        // A store like this one: an administrator's copy.
        try FaultSupport.run("cp", rig.file, place)
        try await expectRefusal("a store")
        var options = StoreOptions()
        options.copies = .adopt
        let master = try await Metastore.open(.sqlite(place), options)
        try await master.keyValue.put("of/it", "1")
        let held = await failure { _ = try await rig.upgrade().rehearse(in: rig.backups) }
        #expect(held?.status == .tryLater && held?.description.contains("process \(getpid())") == true)
        #expect(try await master.verify().isClean)
        #expect(try await master.keyValue.get("of/it") != nil)
        await master.close()
        for name in rig.names(in: rig.backups) { try FaultSupport.run("rm", rig.backups + "/" + name) }
        #expect(try await rig.upgrade().rehearse(in: rig.backups).steps.count == 2)
        #expect(rig.names(in: rig.backups).isEmpty)
    }

    /// The one that came second removed the copy of the one that was at work.
    @Test(arguments: Kind.allCases)
    func `isn't disturbed by another one, which says who is at work`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        func start(_ watch: String) throws -> Tool {
            try Tool(
                ["rehearse", rig.url, rig.backups, rig.cataloguesFile, "none", watch],
                program: "metastore-migrate-test")
        }
        let working = try start(kind == .file ? "stop:step " : "stop:copy: ")
        working.awaitStop()
        let other = try start("log").end()
        let holder = kind == .file ? "process \(working.process)" : "server process"
        #expect(other.output.contains("error 75 ") && other.output.contains(holder), "\(other.output)")
        working.send(SIGCONT)
        let ending = working.end()
        #expect(ending.code == 0, "\(ending.output)")
        #expect(rig.names(in: rig.backups).isEmpty)
    }

    @Test(arguments: Kind.allCases)
    func `that is kept is replaced by none`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        let kept = try #require(try await rig.upgrade().rehearse(in: rig.backups, keeping: true).copy)
        _ = try await rig.upgrade().rehearse(in: rig.backups)
        #expect(try rig.upgrade(at: kept).status().schema == UpgradeSteps.last)
    }

    #if PostgreSQL
        /// The name of a rehearsal's copy, and of the copy that a rollback makes.
        @Test(arguments: ["metastore_rehearsal", "metastore_restoring"])
        func `or a rollback leaves a schema alone that it did not make`(_ schema: String) async throws {
            let rig = try await Rig(.server)
            try await rig.up()
            let isRehearsal = schema.hasSuffix("rehearsal")
            if isRehearsal { _ = try await rig.rollback() }
            func expectRefusal(_ what: String) async throws {
                let refused = await failure {
                    if isRehearsal { _ = try await rig.upgrade().rehearse() } else { _ = try await rig.rollback() }
                }
                #expect(refused?.status == .cannotCreate, "\(what): \(String(describing: refused))")
                #expect(refused?.description.contains("schema \(schema)") == true, "\(String(describing: refused))")
                #expect(try rig.schemas.contains(schema), "\(what)")
            }
            try rig.ask("CREATE SCHEMA \(schema)")
            try await expectRefusal("an empty one")
            try rig.ask("CREATE TABLE \(schema).letters (id bigint)")
            try await expectRefusal("another program's")
            try rig.ask("DROP SCHEMA \(schema) CASCADE")
            let store = try await Metastore.open(.postgresql(rig.url, schema: schema))
            await store.close()
            try await expectRefusal("a store")
            let before = isRehearsal ? UpgradeSteps.first - 1 : UpgradeSteps.last
            #expect(try rig.upgrade().status().schema == before)
            try rig.ask("DROP SCHEMA \(schema) CASCADE")
            if isRehearsal {
                #expect(try await rig.upgrade().rehearse().steps.count == 2)
            } else {
                #expect(try await rig.rollback().schema == UpgradeSteps.first - 1)
            }
            #expect(try !rig.schemas.contains(schema))
        }
    #endif
}
