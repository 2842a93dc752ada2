internal import MetastoreEngine
package import MetastoreMigration
internal import Metastore
internal import MetastoreModel
internal import MetastoreSQLite

/// What `metastore-migrate` does with one store. Every command is a function here; a tool parses, calls and prints.
package struct Upgrade: Sendable {
    package let place: any UpgradePlace
    package let migrator: Migrator
    package let screen: CommandScreen

    /// Steps other than this library's are for tests.
    package init(_ place: any UpgradePlace, migrator: Migrator = .ofThisLibrary, screen: CommandScreen) {
        self.place = place
        self.migrator = migrator
        self.screen = screen
    }

    /// The place that a URL names.
    package init(_ url: StoreURL, password: Password, screen: CommandScreen) throws(CommandFailure) {
        self.init(try url.upgradePlace(password), screen: screen)
    }

    /// What `--version` says.
    package static var version: String {
        let schema = Migrator.ofThisLibrary.known
        return "metastore-migrate \(Metastore.version), schema \(schema), SQLite \(SQLiteEngine.libraryVersion)"
    }

    /// How it is called in messages.
    package var store: String { place.url.description }

    /// Whatever goes wrong in `body` is a failure of this store.
    func failing<Result>(_ body: () throws -> Result) throws(CommandFailure) -> Result {
        do {
            return try body()
        } catch {
            screen.clear()
            throw CommandFailure(error, at: store)
        }
    }

    /// As ``failing(_:)``.
    func failing<Result>(_ body: () async throws -> Result) async throws(CommandFailure) -> Result {
        do {
            return try await body()
        } catch {
            screen.clear()
            throw CommandFailure(error, at: store)
        }
    }

    /// What is there; fails when nothing is.
    func sight() throws -> PlaceSight {
        let sight = try place.look()
        guard sight.isThere || sight.isBeingRestored else {
            throw CommandFailure(
                .missing,
                "\(store): there is no store. Check the path or the URL, and that its volume is mounted. "
                    + "metastore-migrate makes none: the master does when it starts for the first time.")
        }
        return sight
    }

    /// Lends a connection that can't write.
    func reading<Result>(_ body: (any Connection) throws -> Result) throws -> Result {
        try looking { _, connection in try body(connection) }
    }

    /// As ``reading(_:)``, with its engine.
    func looking<Result>(_ body: (any Engine, any Connection) throws -> Result) throws -> Result {
        let engine = try place.engine(isReadOnly: true)
        defer { engine.close() }
        guard try engine.prepare() != .nothing else { throw MigrationError.noStore }
        let connection = try engine.openReader()
        defer { connection.close() }
        try ClosedStore(connection).refuseUnfinishedCopy(at: engine.place)
        return try body(engine, connection)
    }

    /// Takes the right to write, and refuses what opening it as a store would refuse.
    func hold(waiting timeout: Duration) throws -> HeldStore {
        let engine = try place.engine(isReadOnly: false)
        do {
            let found = try engine.prepare(waiting: timeout)
            guard found != .nothing else { throw MigrationError.noStore }
            let connection = try engine.openWriter()
            do {
                try ClosedStore(connection).refuseUnfinishedCopy(at: engine.place)
                _ = try migrator.status(connection)
                try ClosedStore(connection).checkWhole(engine, found)
            } catch {
                connection.close()
                throw error
            }
            return HeldStore(engine: engine, connection: connection, found: found)
        } catch {
            engine.close()
            throw error
        }
    }

    /// Now, as names carry it: `20261121T040000Z`, or with milliseconds where nobody looks whether it is taken.
    static func stamp(_ time: Timestamp = TimeSource.system.now(), hasMilliseconds: Bool = false) -> String {
        time.description.prefix(hasMilliseconds ? 23 : 19).filter { $0 != "-" && $0 != ":" } + "Z"
    }

    static func now() -> Int64 { TimeSource.system.now().microseconds }
}

extension StoreURL {
    /// How an upgrade gets there.
    package func upgradePlace(_ password: Password) throws(CommandFailure) -> any UpgradePlace {
        switch place {
        case .sqlite(let path): return SQLitePlace(self, path: path)
        case .postgresql(let connection, let schema):
            #if PostgreSQL
                return PostgreSQLPlace(self, connection: connection, schema: schema, password: password)
            #else
                throw CommandFailure(
                    .usage,
                    "this program was built without PostgreSQL (\(connection), \(schema)). Use the one that has it.")
            #endif
        }
    }
}
