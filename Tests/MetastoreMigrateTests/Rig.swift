internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTerminal
internal import MigrateSupport
internal import Migrations
internal import Synchronization
internal import Testing

#if PostgreSQL
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
#endif

/// What a store lies on.
enum Kind: String, CaseIterable, Sendable {
    case file
    #if PostgreSQL
        case server
    #endif
}

/// What a rig's store holds at first.
enum Content: Sendable {
    /// A few records, in this release's schema.
    case few
    /// What an earlier release left.
    case fixture(Fixture)
    /// There is none.
    case nothing
}

/// A closed store, and a directory of its own.
final class Rig: Sendable {
    let kind: Kind
    let directory: String
    /// As a command line names it.
    let url: String
    let catalogues: [Int64: String]
    let said = Mutex<[String]>([])
    #if PostgreSQL
        let database: String?
    #endif

    var file: String { directory + "/metastore.db" }
    var backups: String { directory + "/backups" }
    var cataloguesFile: String { directory + "/catalogues" }

    convenience init(_ fixture: Fixture) async throws {
        try await self.init(fixture.kind, .fixture(fixture))
    }

    init(_ kind: Kind, _ content: Content = .few) async throws {
        self.kind = kind
        var template = Array((access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp").utf8CString.dropLast())
        template += Array("/metastore-migrate-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure("mkdtemp") }
        directory = String(cString: made)
        guard mkdir(directory + "/backups", 0o700) == 0 else { throw Failure("mkdir") }
        #if PostgreSQL
            if kind == .server {
                let server = try PostgreSQLServer.shared
                let database = try server.makeDatabase()
                self.database = database
                let place = "host=\(server.socketFolder)&port=\(server.port)"
                url = "postgresql://\(PostgreSQLServer.user)@/\(database)?\(place)"
                catalogues = try UpgradeSteps.catalogues(.postgresql(url, schema: "listed"))
                try await fill(content)
                return
            }
            database = nil
        #endif
        url = directory + "/metastore.db"
        catalogues = try UpgradeSteps.catalogues(.inMemory())
        try await fill(content)
    }

    deinit {
        for folder in [backups, directory] { while umount2(folder, Int32(MNT_DETACH)) == 0 {} }
        try? FaultSupport.run("rm", "-rf", directory)
        #if PostgreSQL
            if let database { try? PostgreSQLServer.shared.dropDatabase(database) }
        #endif
    }

    private func fill(_ content: Content) async throws {
        try UpgradeSteps.write(catalogues, to: cataloguesFile)
        switch content {
        case .few: try await fill()
        case .fixture(let fixture): try fixture.load(into: self)
        case .nothing: return
        }
    }

    private func fill() async throws {
        let store = try await Metastore.open(try source)
        try await store.write { tx in
            let experiment = try tx.experiments.create(NewExperiment(name: "mnist", config: ["lr": 0.1]))
            for _ in 0..<3 { _ = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["x": 1])) }
        }
        try await store.keyValue.put("before/it", "1")
        await store.close()
    }

    var source: EngineSource { get throws { try StoreURL(url).source(Password()) } }

    /// The commands, with the steps of the tests.
    func upgrade(_ fault: UpgradeSteps.Fault = .none, at place: String? = nil) throws -> Upgrade {
        try upgrade(UpgradeSteps.all(fault, catalogues: catalogues), at: place)
    }

    func upgrade(_ steps: [MigrationText], at place: String? = nil) throws -> Upgrade {
        let screen = UpgradeScreen(.plain, write: { [weak self] text in self?.said.withLock { $0.append(text) } })
        let migrator = Migrator(steps: steps, appliedBy: "metastore test", host: "here")
        return Upgrade(try StoreURL(place ?? url).upgradePlace(Password()), migrator: migrator, screen: screen)
    }

    var options: UpOptions {
        var options = UpOptions()
        options.backupDirectory = backups
        return options
    }

    /// Brings it to the newest schema of the tests.
    @discardableResult
    func up(_ fault: UpgradeSteps.Fault = .none) async throws -> UpReport {
        try await upgrade(fault).up(options) { _ in }
    }

    func rollback(_ backup: String? = nil) async throws -> RollbackReport {
        var options = Upgrade.RollbackOptions()
        options.backup = backup
        return try await upgrade().rollback(options) { _ in }
    }

    /// What opening it as a store with this release gives; the store is closed again.
    func withStore<Result>(
        history: HistoryPolicy = .refuseCut, _ body: (Metastore) async throws -> Result
    ) async throws -> Result {
        var options = StoreOptions()
        options.history = history
        // However old a fixture is.
        options.logRetention = .seconds(1_000 * 365 * 86_400)
        options.operationRetention = options.logRetention
        let store = try await Metastore.open(try source, options)
        do {
            let result = try await body(store)
            await store.close()
            return result
        } catch {
            await store.close()
            throw error
        }
    }

    /// A connection that can't write, also beside whoever does.
    func reading<Result>(_ body: (any Connection) throws -> Result) throws -> Result {
        var options = EngineOptions()
        options.isReadOnly = true
        let engine = try source.makeEngine(options)
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openReader()
        defer { connection.close() }
        return try body(connection)
    }

    /// A connection behind the store's back.
    func withConnection<Result>(_ body: (any Connection) throws -> Result) throws -> Result {
        let engine = try source.makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let connection = try engine.openWriter()
        defer { connection.close() }
        let result = try body(connection)
        try engine.settle(connection)
        return result
    }

    func names(in folder: String) -> [String] {
        (try? FileManager.default.contentsOfDirectory(atPath: folder).sorted()) ?? []
    }

    func mount(_ folder: String, kilobytes: Int) throws {
        guard Glibc.mount("tmpfs", folder, "tmpfs", 0, "size=\(kilobytes)k") == 0 else { throw Failure("mount") }
    }
}

/// What a command failed with.
func failure(_ body: () async throws -> Void) async -> CommandFailure? {
    do {
        try await body()
        return nil
    } catch {
        return error as? CommandFailure
    }
}
