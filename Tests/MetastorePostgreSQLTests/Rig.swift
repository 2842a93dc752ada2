internal import MetastoreEngine
internal import MetastorePostgreSQL
internal import PostgreSQLServer

/// An engine on a connection string.
func engine(
    _ connection: String, _ options: EngineOptions = EngineOptions(), schema: String = "metastore",
    tls: TransportSecurity = .verified, password: (@Sendable () async throws -> String)? = nil
) throws -> PostgreSQLEngine {
    try PostgreSQLEngine(connection, schema: schema, tls: tls, password: password, options: options)
}

extension EngineOptions {
    /// The defaults, with this bound on every call.
    static func bound(_ bound: Duration) -> EngineOptions {
        var options = EngineOptions()
        options.callTimeout = bound
        return options
    }
}

extension PostgreSQLEngine {
    /// Makes the store's schema with one small table, as the contract's promises do, and the head row's.
    func makeThings() throws {
        _ = try prepare()
        try create { connection in
            try connection.executeScript(
                "CREATE TABLE head (id bigint PRIMARY KEY); CREATE TABLE things (id bigint PRIMARY KEY, body text)")
        }
    }
}

/// The engine's error that `body` ends with, or nil.
func error(_ body: () throws -> Void) -> EngineError? {
    do {
        try body()
        return nil
    } catch {
        return error as? EngineError
    }
}

extension Connection {
    func count() throws -> Int64? { try first("SELECT count(*) FROM things") { try $0.integer(0) } }

    /// The process of the server that serves this connection now.
    func backend() throws -> Int32 {
        Int32(try first("SELECT pg_catalog.pg_backend_pid()") { try $0.integer(0) } ?? 0)
    }
}
