internal import Metastore
package import MetastoreEngine
internal import MetastoreSQLite

#if PostgreSQL
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    internal import Synchronization
#endif

/// The engines that every contract suite runs against.
package enum TestEngine: String, CaseIterable, Sendable {
    /// Private, in memory: the double for everything that needs no file.
    case memory
    /// A file with the default settings.
    case disk
    /// A file with one reader, a tiny cache, four kept statements and no patience for locks.
    case hostile
    #if PostgreSQL
        /// A database of a server that this process started.
        case postgresql
        /// The same behind pgbouncer: two connections for a whole store, lent for one transaction at a time.
        case pooled
    #endif

    /// True when a store of it can be opened again.
    package var isLasting: Bool { self != .memory }

    /// True when a store of it is a file.
    package var isFile: Bool { self == .disk || self == .hostile }

    /// True when nobody else writes to a store of it.
    package var isExclusive: Bool { self == .memory || isFile }

    /// Those with a file.
    package static let files: [TestEngine] = [.disk, .hostile]

    /// Those whose stores can be opened again.
    package static let lasting = allCases.filter(\.isLasting)

    /// Those whose stores a migrator reaches by itself: not in memory, and not through a pooler.
    package static let migrated = lasting.filter { $0.isFile || $0.rawValue == "postgresql" }

    /// Those whose stores one handle at a time writes to.
    package static let exclusive = allCases.filter(\.isExclusive)

    /// Where a store of it lies that belongs to a directory.
    package func source(in directory: String) throws -> EngineSource {
        #if PostgreSQL
            if self == .postgresql { return .postgresql(try Databases.shared.connection(for: directory)) }
            if self == .pooled { return .postgresql(try Databases.shared.pooledConnection(for: directory)) }
        #endif
        return isFile ? .sqlite(directory + "/metastore.db") : .inMemory()
    }

    /// The same place for a process of the tests' own; none for a store in memory.
    package func place(in directory: String) throws -> String {
        #if PostgreSQL
            if self == .postgresql { return try Databases.shared.url(for: directory) }
        #endif
        return directory + "/metastore.db"
    }

    /// What belongs to the directory elsewhere goes.
    package func remove(from directory: String) {
        #if PostgreSQL
            if !isExclusive { Databases.shared.drop(directory) }
        #endif
    }

    func configure(_ options: inout StoreOptions) {
        // Patient with a server that all tests share.
        if !isExclusive { options.engine.callTimeout = .seconds(30) }
        guard self == .hostile else { return }
        options.readerThreads = 1
        options.engine.cacheBytes = 1
        options.engine.busyTimeout = .milliseconds(1)
        options.engine.statementCacheCapacity = 4
    }
}

#if PostgreSQL
    /// One database for each directory of a test.
    private final class Databases: Sendable {
        static let shared = Databases()
        private let names = Mutex<[String: String]>([:])

        func connection(for directory: String) throws -> String {
            try PostgreSQLServer.shared.connection(to: name(for: directory))
        }

        func url(for directory: String) throws -> String {
            let server = try PostgreSQLServer.shared
            let place = "host=\(server.socketFolder)&port=\(server.port)"
            return "postgresql://\(PostgreSQLServer.user)@/\(try name(for: directory))?\(place)"
        }

        func pooledConnection(for directory: String) throws -> String {
            try Self.pooler.get().connection(to: name(for: directory))
        }

        /// One for all databases; each has two connections of its own.
        private static let pooler = Result {
            try PgBouncer(before: .shared, poolSize: 2, parameters: ["max_client_conn": "2000"])
        }

        private func name(for directory: String) throws -> String {
            if let known = names.withLock({ $0[directory] }) { return known }
            let made = try PostgreSQLServer.shared.makeDatabase()
            names.withLock { $0[directory] = made }
            return made
        }

        func drop(_ directory: String) {
            guard let name = names.withLock({ $0.removeValue(forKey: directory) }) else { return }
            try? PostgreSQLServer.shared.dropDatabase(name)
        }
    }
#endif
