#if PostgreSQL
    internal import Glibc
    internal import MetastoreEngine
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    import Testing

    @Suite(.serialized) struct `A connection string` {
        struct Case: Sendable, CustomStringConvertible {
            let text: String
            let hosts: [String]
            let mode: String
            var description: String { text }
        }

        private static let taken: [Case] = [
            Case(text: "host=db.example user=u", hosts: ["db.example"], mode: "verify-full"),
            Case(text: "host=db.example user=u sslmode=verify-full", hosts: ["db.example"], mode: "verify-full"),
            Case(text: "postgresql://u@db.example/d", hosts: ["db.example"], mode: "verify-full"),
            Case(text: "postgres://u@db.example:6000/d", hosts: ["db.example:6000"], mode: "verify-full"),
            Case(
                text: "postgresql://u@a.example:1,b.example:2/d", hosts: ["a.example:1", "b.example:2"],
                mode: "verify-full"),
            Case(
                text: "host=a.example,b.example port=7 user=u", hosts: ["a.example:7", "b.example:7"],
                mode: "verify-full"),
            Case(text: "host=localhost,b.example user=u", hosts: ["localhost", "b.example"], mode: "verify-full"),
            Case(text: "host=localhost hostaddr=10.0.0.1 user=u", hosts: ["localhost"], mode: "verify-full"),
            Case(text: "hostaddr=10.0.0.1 user=u", hosts: ["10.0.0.1"], mode: "verify-full"),
            Case(text: "host=127.0.0.1.evil.example user=u", hosts: ["127.0.0.1.evil.example"], mode: "verify-full"),
            Case(text: "host=localhost user=u", hosts: ["localhost"], mode: "prefer"),
            Case(text: "host=127.0.0.5 user=u sslmode=disable", hosts: ["127.0.0.5"], mode: "disable"),
            Case(text: "host=::1 user=u", hosts: ["::1"], mode: "prefer"),
            Case(text: "host=/run/postgresql user=u", hosts: ["/run/postgresql"], mode: "prefer"),
            Case(text: "user=u", hosts: ["the default socket"], mode: "prefer"),
            Case(text: "host=127.0.0.1 user=u sslmode=verify-full", hosts: ["127.0.0.1"], mode: "verify-full"),
        ]

        @Test(arguments: taken)
        func `says where, and how surely`(_ example: Case) throws {
            let string = try ConnectionString(example.text, security: .verified)
            #expect(string.hosts.map(\.description) == example.hosts)
            let complete = string.complete(
                for: string.hosts[0], password: nil, bound: .seconds(5), keepalive: (1, 1, 1))
            #expect(complete.contains("sslmode='\(example.mode)'"))
            #expect(complete.contains("gssencmode='disable'"))
            #expect(string.notices.isEmpty)
        }

        private static let refused: [(String, EngineError.Code)] = [
            ("host=db.example user=u sslmode=require", .untrusted),
            ("host=db.example user=u sslmode=prefer", .untrusted),
            ("host=db.example user=u sslmode=verify-ca", .untrusted),
            ("postgresql://u@localhost,db.example/d?sslmode=disable", .untrusted),
            ("host=db.example user=u sslmode=nonsense", .misuse),
            ("service=secret-service", .misuse),
            ("host=a,b hostaddr=10.0.0.1 user=u", .misuse),
            ("host=a,b port=1,2,3 user=u", .misuse),
            ("postgresql://u:secret-word@[broken/d", .misuse),
            ("host=a user=u password='secret-word", .misuse),
            ("secret-word", .misuse),
            ("host=db.example user=u sslcert=c sslkey=/secret-but-missing", .untrusted),
        ]

        @Test(arguments: refused)
        func `is refused by name, without its secrets`(_ text: String, _ code: EngineError.Code) {
            let failed = error { _ = try ConnectionString(text, security: .verified) }
            #expect(failed?.code == code)
            #expect(failed?.description.contains("secret-word") == false)
        }

        @Test func `weakens nothing beyond what the call allows, and is noticed`() throws {
            let relaxed = try ConnectionString("host=db.example user=u sslmode=require", security: .unverified)
            #expect(relaxed.notices.count == 1)
            #expect(
                error { _ = try ConnectionString("host=d.example user=u sslmode=prefer", security: .unverified) } != nil
            )
            let plain = try ConnectionString("host=db.example user=u", security: .plain)
            #expect(
                plain.complete(for: plain.hosts[0], password: nil, bound: .seconds(1), keepalive: (1, 1, 1))
                    .contains("sslmode='disable'"))
            #expect(plain.notices.count == 1)
        }

        @Test func `keeps a password with quotes and backslashes`() throws {
            let string = try ConnectionString(#"host=localhost user=u password='a\'b\\c d'"#, security: .verified)
            let complete = string.complete(
                for: string.hosts[0], password: nil, bound: .seconds(1), keepalive: (1, 1, 1))
            #expect(complete.contains(#"password='a\'b\\c d'"#))
            #expect(!string.place.contains("a'b"))
        }

        /// Every variable that libpq reads, with values that would redirect, weaken or break a connection.
        @Test func `is all that counts, whatever the environment says`() async throws {
            let hostile = [
                "PGHOST": "evil.example", "PGHOSTADDR": "192.0.2.1", "PGPORT": "1", "PGDATABASE": "evil",
                "PGUSER": "evil",
                "PGPASSWORD": "evil", "PGPASSFILE": "/tmp/evil", "PGSSLMODE": "disable", "PGREQUIRESSL": "0",
                "PGSSLROOTCERT": "/tmp/evil.crt", "PGSSLCERT": "/tmp/evil.crt", "PGSSLKEY": "/tmp/evil.key",
                "PGSSLCRL": "/tmp/evil.crl", "PGSSLCRLDIR": "/tmp", "PGSSLSNI": "0", "PGCHANNELBINDING": "disable",
                "PGGSSENCMODE": "require", "PGTARGETSESSIONATTRS": "standby", "PGCONNECT_TIMEOUT": "1",
                "PGOPTIONS": "-c search_path=evil -c synchronous_commit=off", "PGAPPNAME": "evil",
                "PGCLIENTENCODING": "LATIN1", "PGREQUIREPEER": "evil", "PGSSLMINPROTOCOLVERSION": "TLSv1",
                "PGSSLMAXPROTOCOLVERSION": "TLSv1", "PGSERVICEFILE": "/tmp/evil", "PGSYSCONFDIR": "/tmp",
                "HOME": "/tmp",
            ]
            let before = hostile.keys.map { ($0, getenv($0).map { String(cString: $0) }) }
            defer { for (name, value) in before { if let value { setenv(name, value, 1) } else { unsetenv(name) } } }
            let string = try ConnectionString("host=db.example user=u dbname=d", security: .verified)
            func complete() -> String {
                string.complete(for: string.hosts[0], password: "p", bound: .seconds(5), keepalive: (1, 1, 1))
            }
            let clean = complete()
            try await PostgreSQLServer.shared.withDatabase { database in
                for (name, value) in hostile { setenv(name, value, 1) }
                #expect(complete() == clean)
                let engine = try engine(database)
                defer { engine.close() }
                try engine.makeThings()
                let writer = try engine.openWriter()
                defer { writer.close() }
                let found = try writer.first(
                    """
                    SELECT pg_catalog.current_setting('search_path'), \
                    pg_catalog.current_setting('synchronous_commit'), pg_catalog.current_setting('client_encoding'), \
                    CAST(current_database() AS text)
                    """
                ) { row in try (0..<4).map { try row.text($0) } }
                #expect(found?.prefix(3) == ["\"metastore\", pg_temp", "on", "UTF8"])
                #expect(found.map { database.contains("dbname=\($0[3])") } == true)
            }
        }

        /// The one variable that libpq can't be told to ignore.
        @Test func `isn't replaced by a service of the environment, whether there is one or not`() async throws {
            let file = "/tmp/metastore-services-\(getpid())"
            let stream = try #require(fopen(file, "w"))
            fputs("[there]\nhost=evil.example\nsslmode=disable\n", stream)
            fclose(stream)
            setenv("PGSERVICEFILE", file, 1)
            defer {
                unsetenv("PGSERVICEFILE")
                unlink(file)
            }
            try await PostgreSQLServer.shared.withDatabase { database in
                let engine = try engine(database)
                for name in ["there", "nowhere"] {
                    setenv("PGSERVICE", name, 1)
                    let failed = error { _ = try engine.prepare() }
                    unsetenv("PGSERVICE")
                    #expect(failed?.code == .unsupported && failed?.message.contains("PGSERVICE") == true, "\(name)")
                }
                #expect(try engine.prepare() == .nothing)
            }
        }

        @Test func `names no schema of PostgreSQL's`() {
            for name in [
                "public", "pg_catalog", "pg_temp", "information_schema", "", String(repeating: "x", count: 64),
            ] {
                #expect(error { _ = try engine("host=localhost user=u", schema: name) }?.code == .misuse)
            }
        }
    }
#endif
