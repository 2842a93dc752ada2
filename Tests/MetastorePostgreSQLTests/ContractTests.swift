internal import MetastoreEngine
internal import MetastoreEngineContract
internal import MetastorePostgreSQL
internal import PostgreSQLServer
import Testing

/// Every sentence of the engine contract, on a direct connection and behind a pooler.
@Suite struct `The engine contract on PostgreSQL` {
    private static let bouncer = Result { try PgBouncer(before: try PostgreSQLServer.shared) }

    @Test(arguments: EnginePromise.all)
    func `holds on a direct connection`(_ promise: EnginePromise) async throws {
        try await PostgreSQLServer.shared.withDatabase { connection in
            try promise.isKept(by: try engine(connection))
        }
    }

    /// Two connections to the server for all, and nothing that a session keeps.
    @Test(arguments: EnginePromise.all)
    func `holds behind a pooler of transactions`(_ promise: EnginePromise) async throws {
        let name = try PostgreSQLServer.shared.makeDatabase()
        defer { try? PostgreSQLServer.shared.dropDatabase(name) }
        try promise.isKept(by: try engine(try Self.bouncer.get().connection(to: name)))
    }

    /// One statement kept, no patience.
    @Test(arguments: EnginePromise.all)
    func `holds with hostile settings`(_ promise: EnginePromise) async throws {
        var options = EngineOptions()
        options.statementCacheCapacity = 1
        options.busyTimeout = .milliseconds(1)
        try await PostgreSQLServer.shared.withDatabase { connection in
            try promise.isKept(by: try engine(connection, options))
        }
    }

    @Test func `holds from the public source`() async throws {
        let promise = try #require(EnginePromise.all.first)
        try await PostgreSQLServer.shared.withDatabase { connection in
            try promise.isKept(by: EngineSource.postgresql(connection).makeEngine(EngineOptions()))
        }
    }
}
