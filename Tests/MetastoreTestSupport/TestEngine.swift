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

    /// Those whose stores one handle at a time writes to.
    package static let exclusive = allCases.filter(\.isExclusive)

    /// Where a store of it lies that belongs to a directory.
    package func source(in directory: String) throws -> EngineSource {
        #if PostgreSQL
            if self == .postgresql { return .postgresql(try Databases.shared.connection(for: directory)) }
        #endif
        return isFile ? .sqlite(directory + "/metastore.db") : .inMemory()
    }

    /// What belongs to the directory elsewhere goes.
    package func remove(from directory: String) {
        #if PostgreSQL
            if self == .postgresql { Databases.shared.drop(directory) }
        #endif
    }

    func configure(_ options: inout StoreOptions) {
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
            let server = try PostgreSQLServer.shared
            if let known = names.withLock({ $0[directory] }) { return server.connection(to: known) }
            let made = try server.makeDatabase()
            names.withLock { $0[directory] = made }
            return server.connection(to: made)
        }

        func drop(_ directory: String) {
            guard let name = names.withLock({ $0.removeValue(forKey: directory) }) else { return }
            try? PostgreSQLServer.shared.dropDatabase(name)
        }
    }
#endif
