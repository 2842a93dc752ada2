internal import PostgreSQLServer
internal import Testing

@Suite struct `A certificate for tests` {
    @Test func `is taken by clients that trust its authority, until it expires`() throws {
        let authority = try CertificateAuthority()
        func server(_ days: Int) throws -> PostgreSQLServer {
            var options = ServerOptions.answersOnly
            options.listensOnLoopback = true
            options.certificate = try authority.issue("server", names: ["IP:127.0.0.1"], days: days)
            return try PostgreSQLServer(options)
        }
        let right = try server(2)
        let verifying = " sslmode=verify-full sslrootcert="
        func encrypted(_ server: PostgreSQLServer, _ authority: CertificateAuthority) throws -> String {
            let string = server.connection(over: .loopback) + verifying + authority.root
            return try psql(string, "SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
        }
        #expect(try encrypted(right, authority) == "TLSv1.3")
        let stranger = try CertificateAuthority()
        #expect(throws: ServerFailure.self) { try encrypted(right, stranger) }
        let expired = try server(-1)
        #expect(throws: ServerFailure.self) { try encrypted(expired, authority) }
    }
}

@Suite struct `A pgbouncer for tests` {
    @Test func `pools by transaction`() throws {
        let server = try PostgreSQLServer.shared
        let bouncer = try PgBouncer(before: server, poolSize: 1)
        let first = try psql(bouncer.connection(), "SELECT pg_backend_pid()")
        #expect(try psql(bouncer.connection(), "SELECT pg_backend_pid()") == first)
        #expect(try psql(bouncer.connection(to: "pgbouncer"), "SHOW CONFIG").contains("pool_mode|transaction"))
        #expect(throws: ServerFailure.self) { try psql(bouncer.connection(user: "nobody"), "SELECT 1") }
    }
}
