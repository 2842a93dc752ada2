internal import FaultLoad
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
    /// A few records; so many workloads, and entries of a kilobyte, more. In this release's schema, or in 1.
    case few(rows: Int, schema: Int64?)
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
        private let server: PostgreSQLServer?
    #endif

    var file: String { directory + "/metastore.db" }
    var backups: String { directory + "/backups" }
    var cataloguesFile: String { directory + "/catalogues" }

    convenience init(_ fixture: Fixture) async throws {
        try await self.init(fixture.kind, .fixture(fixture))
    }

    #if PostgreSQL
        /// - Parameters:
        ///   - rows: how many workloads, and entries of a kilobyte, there are.
        ///   - schema: this release's, or 1.
        ///   - server: the one that all tests share unless given.
        convenience init(
            _ kind: Kind, rows: Int = 0, schema: Int64? = nil, server: PostgreSQLServer? = nil
        ) async throws {
            try await self.init(kind, .few(rows: rows, schema: schema), server: server)
        }

        init(_ kind: Kind, _ content: Content, server: PostgreSQLServer? = nil) async throws {
            self.kind = kind
            directory = try Self.makeDirectory()
            if kind == .server {
                let server = try server ?? PostgreSQLServer.shared
                let database = try server.makeDatabase()
                (self.database, self.server) = (database, server)
                url = Self.url(server, database)
                catalogues = try UpgradeSteps.catalogues(.postgresql(url, schema: "listed"))
            } else {
                (database, self.server) = (nil, nil)
                url = directory + "/metastore.db"
                catalogues = try UpgradeSteps.catalogues(.inMemory())
            }
            try await fill(content)
        }
    #else
        convenience init(_ kind: Kind, rows: Int = 0, schema: Int64? = nil) async throws {
            try await self.init(kind, .few(rows: rows, schema: schema))
        }

        init(_ kind: Kind, _ content: Content) async throws {
            self.kind = kind
            directory = try Self.makeDirectory()
            url = directory + "/metastore.db"
            catalogues = try UpgradeSteps.catalogues(.inMemory())
            try await fill(content)
        }
    #endif

    /// The same closed store in a place of its own; its backups stay where they are.
    init(copyOf rig: Rig) throws {
        kind = rig.kind
        catalogues = rig.catalogues
        directory = try Self.makeDirectory()
        #if PostgreSQL
            server = rig.server
            if let template = rig.database, let server {
                let database = try server.makeDatabase(template: template)
                self.database = database
                url = Self.url(server, database)
                try UpgradeSteps.write(catalogues, to: cataloguesFile)
                return
            }
            database = nil
        #endif
        url = directory + "/metastore.db"
        try UpgradeSteps.write(catalogues, to: cataloguesFile)
        try FaultSupport.run("cp", rig.file, rig.file + ".head", directory)
        try source.forgetIdentity()
    }

    deinit {
        for folder in [backups, directory] { while umount2(folder, Int32(MNT_DETACH)) == 0 {} }
        try? FaultSupport.run("rm", "-rf", directory)
        #if PostgreSQL
            if let database { try? server?.dropDatabase(database) }
        #endif
    }

    private static func makeDirectory() throws -> String {
        var template = Array((access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp").utf8CString.dropLast())
        template += Array("/metastore-migrate-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure("mkdtemp") }
        let directory = String(cString: made)
        guard mkdir(directory + "/backups", 0o700) == 0 else { throw Failure("mkdir") }
        return directory
    }

    #if PostgreSQL
        private static func url(_ server: PostgreSQLServer, _ database: String) -> String {
            let place = "host=\(server.socketFolder)&port=\(server.port)"
            return "postgresql://\(PostgreSQLServer.user)@/\(database)?\(place)"
        }

        /// What an administrator's shell does there, in the store's schema.
        @discardableResult
        func ask(_ statement: String) throws -> String {
            guard let server, let database else { throw Failure("a file has no server", 0) }
            return try server.ask("SET search_path = metastore; " + statement, in: database)
        }

        /// The schemas that are no catalogue's.
        var schemas: [String] {
            get throws {
                try ask("SELECT nspname FROM pg_namespace WHERE nspname ~ '^(metastore|copied)' ORDER BY 1")
                    .split(separator: "\n").map(String.init)
            }
        }
    #endif

    private func fill(_ content: Content) async throws {
        try UpgradeSteps.write(catalogues, to: cataloguesFile)
        switch content {
        case .few(let rows, let schema): try await fill(rows, schema)
        case .fixture(let fixture): try fixture.load(into: self)
        case .nothing: return
        }
    }

    private func fill(_ rows: Int, _ schema: Int64?) async throws {
        let store = try await Metastore.open(try source)
        try await store.write { tx in
            let experiment = try tx.experiments.create(
                NewExperiment(name: "mnist", config: ["lr": 0.1], startsActive: rows > 0))
            for _ in 0..<3 { _ = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["x": 1])) }
        }
        for first in stride(from: 0, to: rows, by: 100) {
            try await store.write { tx in
                for step in Int64(first)..<Int64(min(first + 100, rows)) {
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: 1, generation: 0, step: step, kind: .runStep, totalBatches: step * 100,
                            metrics: ["loss": 1 / Double(step + 1)]))
                    let value = [UInt8](repeating: UInt8(truncatingIfNeeded: step), count: 1_024)
                    try tx.keyValue.put(EntryKey(namespace: "many", key: "\(step)"), value)
                }
            }
        }
        try await store.keyValue.put("before/it", "1")
        await store.close()
        if schema == 1 { try source.goBackToFirstSchema() }
    }

    var source: EngineSource { get throws { try StoreURL(url).source(Password()) } }

    /// The commands, with the steps of the tests.
    func upgrade(_ fault: UpgradeSteps.Fault = .none, at place: String? = nil) throws -> Upgrade {
        try upgrade(UpgradeSteps.all(fault, catalogues: catalogues), at: place)
    }

    func upgrade(_ steps: [MigrationText], at place: String? = nil) throws -> Upgrade {
        let screen = CommandScreen(.plain, write: { [weak self] text in self?.said.withLock { $0.append(text) } })
        let migrator = Migrator(steps: steps, appliedBy: "metastore test", host: "here")
        return Upgrade(try StoreURL(place ?? url).upgradePlace(Password()), migrator: migrator, screen: screen)
    }

    /// The commands, on a screen that is told of every progress there is.
    func upgrade(_ fault: UpgradeSteps.Fault, told: @escaping @Sendable (String) -> Void) throws -> Upgrade {
        let live = TerminalStyle(isLive: true, hasColor: false, hasUnicode: false, width: nil)
        let minutes = Atomic(0)
        let screen = CommandScreen(
            live, now: { .seconds(60 * minutes.add(1, ordering: .relaxed).newValue) }, write: told)
        return Upgrade(try upgrade(fault).place, migrator: try upgrade(fault).migrator, screen: screen)
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
        history: HistoryPolicy = .refuseCut, keepingLog: Bool = true, _ body: (Metastore) async throws -> Result
    ) async throws -> Result {
        var options = StoreOptions()
        options.history = history
        // However old a fixture is.
        if keepingLog {
            options.logRetention = .seconds(1_000 * 365 * 86_400)
            options.operationRetention = options.logRetention
        }
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

    /// As a lock file names it.
    static let host: String = {
        var name = [CChar](repeating: 0, count: 256)
        gethostname(&name, 255)
        return String(decoding: name.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }()

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
