internal import FaultLoad
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTestSupport
internal import Testing

#if PostgreSQL
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
#endif

/// What a store lies on.
enum Kind: CaseIterable, Sendable {
    case file
    #if PostgreSQL
        case server
    #endif
}

/// From where to where.
struct Way: CaseIterable, Sendable, CustomStringConvertible {
    let from: Kind
    let to: Kind

    static let allCases = Kind.allCases.flatMap { from in Kind.allCases.map { Way(from: from, to: $0) } }
    var description: String { "\(from) to \(to)" }
}

/// A file or a database of a test's own, gone with it.
final class Place: Sendable {
    let kind: Kind
    let directory: String
    /// As `EngineSource.place` takes it, also in another process.
    let name: String
    #if PostgreSQL
        private let database: String?
    #endif

    var source: EngineSource { .place(name) }
    var store: String { directory + "/store" }

    init(_ kind: Kind) throws {
        self.kind = kind
        var template = Array("/dev/shm/metastore-copy-XXXXXX".utf8CString)
        if access("/dev/shm", W_OK) != 0 { template = Array("/tmp/metastore-copy-XXXXXX".utf8CString) }
        guard let made = mkdtemp(&template) else { throw Failure("mkdtemp") }
        directory = String(cString: made)
        guard mkdir(directory + "/store", 0o700) == 0 else { throw Failure("mkdir") }
        #if PostgreSQL
            if kind == .server {
                let server = try PostgreSQLServer.shared
                let database = try server.makeDatabase()
                self.database = database
                name = Self.url(server, database, user: PostgreSQLServer.user)
                return
            }
            database = nil
        #endif
        name = directory + "/store/metastore.db"
    }

    deinit {
        while umount2(store, Int32(MNT_DETACH)) == 0 {}
        try? FaultSupport.run("rm", "-rf", directory)
        #if PostgreSQL
            if let database { try? PostgreSQLServer.shared.dropDatabase(database) }
        #endif
    }

    #if PostgreSQL
        private static func url(_ server: PostgreSQLServer, _ database: String, user: String) -> String {
            "postgresql://\(user)@/\(database)?host=\(server.socketFolder)&port=\(server.port)"
        }

        /// The same database, as another role sees it.
        func source(as role: String) throws -> EngineSource {
            .postgresql(Self.url(try PostgreSQLServer.shared, try #require(database), user: role))
        }

        /// Another schema of the same database.
        func source(schema: String) -> EngineSource { .postgresql(name, schema: schema) }

        /// What an administrator's shell does there.
        func ask(_ statement: String) throws -> String {
            try PostgreSQLServer.shared.ask("SET search_path = metastore; " + statement, in: database ?? "postgres")
        }
    #endif

    /// Writes behind the store's back. Nobody may have it open.
    func spoil(_ statement: SQL) throws {
        let engine = try source.makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        defer { writer.close() }
        try writer.begin(.write)
        let changed = try writer.execute(statement)
        guard changed == 1 else { throw Failure("\(changed) rows were spoiled", 0) }
        try writer.commit()
        try engine.settle(writer)
    }

    /// Whoever migrates keeps two of these, and each place the third: they are no part of what a store holds.
    private static let ofThePlace: Set = ["schema_migrations", "migration_lock", "identity"]

    /// Every row of every other table, whatever it is for, as text.
    func tables(_ other: EngineSource? = nil) throws -> [String: [String]] {
        var options = EngineOptions()
        options.isReadOnly = true
        let engine = try (other ?? source).makeEngine(options)
        defer { engine.close() }
        _ = try engine.prepare()
        let reader = try engine.openReader()
        defer { reader.close() }
        let list: SQL =
            switch reader.dialect.name {
            case .sqlite: "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name"
            case .postgresql:
                """
                SELECT CAST(relname AS text) FROM pg_catalog.pg_class WHERE relkind = 'r' \
                AND relnamespace = (SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = current_schema())
                """
            }
        var found: [String: [String]] = [:]
        for table in try reader.all(list, { try $0.text(0) }) where !Self.ofThePlace.contains(table) {
            found[table] = try reader.all(SQL(trusted: "SELECT * FROM \(table)")) { row in
                row.lent.columns().map(\.shown).joined(separator: " | ")
            }.sorted()
        }
        return found
    }

    func mount(megabytes: Int, again: Bool = false) throws {
        let flags = again ? UInt(MS_REMOUNT) : 0
        guard Glibc.mount("tmpfs", store, "tmpfs", flags, "size=\(megabytes)m") == 0 else { throw Failure("mount") }
    }
}

extension FullStore {
    @discardableResult
    static func make(in place: Place, more: Int = 0) async throws -> Position {
        try await make(in: place.source, more: more)
    }
}

extension RawColumn {
    fileprivate var shown: String {
        switch kind {
        case .null: "null"
        case .integer: "\(integer)"
        case .real: "\(real)"
        case .text, .bytes: content.map { "\($0)" }.joined(separator: ",")
        }
    }
}
