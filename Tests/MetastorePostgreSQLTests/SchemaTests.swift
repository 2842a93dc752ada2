#if PostgreSQL
    internal import Dispatch
    internal import MetastoreEngine
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    internal import Synchronization
    import Testing

    @Suite struct `The schema of a store` {
        @Test func `is found once it was made, and nothing is made elsewhere`() async throws {
            try await PostgreSQLServer.shared.withDatabase { string in
                for schema in ["metastore", "Ünüsual \"name\" with 'quotes'"] {
                    let engine = try engine(string, schema: schema)
                    defer { engine.close() }
                    #expect(try engine.prepare() == .nothing)
                    try engine.makeThings()
                    #expect(try engine.prepare() == .database(hasWriteAheadLog: true))
                }
                let elsewhere = try psql(
                    string,
                    """
                    SELECT count(*) FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = 'public'
                    """)
                #expect(elsewhere == "0")
            }
        }

        @Test func `is there as a whole or not at all`() async throws {
            struct Thrown: Error {}
            try await PostgreSQLServer.shared.withDatabase { string in
                let engine = try engine(string)
                defer { engine.close() }
                _ = try engine.prepare()
                #expect(throws: Thrown.self) {
                    try engine.create { connection in
                        try connection.executeScript("CREATE TABLE one (id bigint)")
                        try connection.begin(.write)
                        try connection.execute("INSERT INTO one VALUES (1)")
                        try connection.commit()
                        throw Thrown()
                    }
                }
                #expect(try engine.prepare() == .nothing)
                #expect(try psql(string, "SELECT count(*) FROM pg_namespace WHERE nspname = 'metastore'") == "0")
                try engine.create { connection in
                    try connection.begin(.write)
                    try connection.executeScript("CREATE TABLE head (id bigint)")
                    try connection.commit()
                    try connection.begin(.write)
                    try connection.executeScript("CREATE TABLE gone (id bigint)")
                    connection.rollback()
                    #expect(try connection.first("SELECT count(*) FROM head") { try $0.integer(0) } == 0)
                }
                #expect(try engine.prepare() == .database(hasWriteAheadLog: true))
                let tables = try psql(
                    string,
                    "SELECT string_agg(relname, ' ') FROM pg_class WHERE relkind = 'r' "
                        + "AND relnamespace = 'metastore'::regnamespace")
                #expect(tables == "head")
            }
        }

        @Test func `is made once, whoever makes it at the same time`() async throws {
            try await PostgreSQLServer.shared.withDatabase { string in
                let engines = try (0..<4).map { _ in try engine(string) }
                defer { for engine in engines { engine.close() } }
                for engine in engines { #expect(try engine.prepare() == .nothing) }
                let made = Mutex(0)
                let failures = Mutex<[String]>([])
                DispatchQueue.concurrentPerform(iterations: engines.count) { index in
                    do {
                        let isMine = try engines[index].create { connection in
                            try connection.executeScript("CREATE TABLE head (id bigint); SELECT pg_sleep(0.1)")
                        }
                        if isMine { made.withLock { $0 += 1 } }
                    } catch {
                        failures.withLock { $0.append("\(error)") }
                    }
                }
                #expect(made.withLock { $0 } == 1)
                #expect(failures.withLock { $0 } == [])
            }
        }

        /// Tables, functions and operators of the same names, where PostgreSQL would look first.
        @Test func `is the only place where names are looked up`() async throws {
            try await PostgreSQLServer.shared.withDatabase { string in
                let engine = try engine(string)
                defer { engine.close() }
                try engine.makeThings()
                try psql(
                    string,
                    """
                    CREATE SCHEMA postgres; CREATE TABLE public.things (id bigint, body text); \
                    CREATE TABLE postgres.things (id bigint, body text); \
                    CREATE FUNCTION public.upper(text) RETURNS text LANGUAGE sql AS $$ SELECT 'evil' $$; \
                    CREATE FUNCTION public.evil(bigint, bigint) RETURNS boolean LANGUAGE sql AS $$ SELECT true $$; \
                    CREATE OPERATOR public.= (leftarg = bigint, rightarg = bigint, function = public.evil); \
                    ALTER ROLE postgres IN DATABASE \(database(string)) \
                    SET search_path = public, "$user", pg_catalog, metastore; \
                    ALTER ROLE postgres IN DATABASE \(database(string)) SET synchronous_commit = off
                    """)
                let writer = try engine.openWriter()
                defer { writer.close() }
                try writer.executeScript("CREATE TEMP TABLE things (id bigint, body text)")
                try writer.execute("INSERT INTO things VALUES (\(1), \("mine"))")
                #expect(try psql(string, "SELECT count(*) FROM metastore.things") == "1")
                let found = try writer.first("SELECT upper(body) FROM things WHERE id = \(1)") { try $0.text(0) }
                #expect(found == "MINE")
                #expect(try writer.first("SELECT 1 FROM things WHERE id = \(2)") { try $0.integer(0) } == nil)
                try writer.execute("DROP TABLE pg_temp.things")
            }
        }

        private func database(_ string: String) -> String {
            string.split(separator: " ").first { $0.hasPrefix("dbname=") }.map { String($0.dropFirst(7)) } ?? ""
        }

        @Test func `tells a role what it lacks`() async throws {
            try await PostgreSQLServer.shared.withDatabase { string in
                try engine(string).makeThings()
                _ = try? PostgreSQLServer.shared.ask("CREATE ROLE stranger LOGIN")
                let other = string.replacing("user=postgres", with: "user=stranger")
                let failed = error { _ = try engine(other).prepare() }
                #expect(failed?.code == .permissionDenied && failed?.message.contains("metastore") == true)
            }
        }
    }
#endif
