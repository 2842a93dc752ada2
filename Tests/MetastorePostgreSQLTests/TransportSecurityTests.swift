#if PostgreSQL
    internal import Glibc
    internal import MetastoreEngine
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    import Testing

    @Suite struct `A server that has to show who it is` {
        enum Flaw: CaseIterable, Sendable {
            case none, otherAuthority, otherName, expired, noTLS
        }

        private func server(_ flaw: Flaw, _ ours: CertificateAuthority) throws -> PostgreSQLServer {
            var setup = ServerOptions.answersOnly
            setup.listensOnLoopback = true
            setup.authentication = .scram
            let authority = flaw == .otherAuthority ? try CertificateAuthority() : ours
            switch flaw {
            case .noTLS: break
            case .otherName: setup.certificate = try authority.issue("server", names: ["DNS:other.example"])
            case .expired: setup.certificate = try authority.issue("server", names: ["DNS:localhost"], days: -1)
            case .none, .otherAuthority: setup.certificate = try authority.issue("server", names: ["DNS:localhost"])
            }
            return try PostgreSQLServer(setup)
        }

        private func string(_ port: UInt16, _ root: String, _ more: String = "sslmode=verify-full") -> String {
            "host=localhost port=\(port) dbname=postgres user=postgres password='\(PostgreSQLServer.password)' "
                + "sslrootcert='\(root)' \(more)"
        }

        @Test(arguments: Flaw.allCases)
        func `is used when all is right, and refused else`(_ flaw: Flaw) throws {
            let authority = try CertificateAuthority()
            let server = try server(flaw, authority)
            let engine = try engine(string(server.port, authority.root), .bound(.seconds(3)))
            let failed = error { _ = try engine.prepare() }
            if flaw == .none {
                #expect(failed == nil)
            } else {
                #expect(failed?.code == .untrusted, "\(String(describing: failed))")
                #expect(failed?.description.contains(PostgreSQLServer.password) == false)
            }
        }

        /// Without a proof of the name, as asked; but an authority that was named is not passed over.
        @Test func `must be of the authority that is named, also where none is asked for`() throws {
            let authority = try CertificateAuthority()
            for flaw in [Flaw.none, .otherName, .otherAuthority] {
                let server = try server(flaw, authority)
                func failure(_ root: String) -> EngineError? {
                    error {
                        let string = string(server.port, root, "sslmode=require")
                        _ = try engine(string, .bound(.seconds(3)), tls: .unverified).prepare()
                    }
                }
                let (named, unnamed) = (failure(authority.root), failure(""))
                #expect(unnamed == nil, "\(flaw)")
                #expect((named?.code == .untrusted) == (flaw == .otherAuthority), "\(flaw): \(named as Any)")
            }
        }

        @Test func `is refused when its authority isn't that of the system`() throws {
            let authority = try CertificateAuthority()
            let server = try server(.none, authority)
            let string = string(server.port, "", "sslmode=verify-full")
            #expect(error { _ = try engine(string, .bound(.seconds(3))).prepare() }?.code == .untrusted)
        }

        @Test func `carries a big result, and statements of many kinds`() throws {
            let authority = try CertificateAuthority()
            let server = try server(.none, authority)
            let engine = try engine(string(server.port, authority.root))
            try engine.makeThings()
            let writer = try engine.openWriter()
            let text = String(repeating: "x", count: 3 << 20)
            try writer.execute("INSERT INTO things VALUES (1, \(text))")
            #expect(try writer.first("SELECT body FROM things") { try $0.text(0) } == text)
            var rows = 0
            try writer.forEachRow("SELECT repeat('y', i % 5000) FROM generate_series(1, 5000) AS g (i)") { row in
                rows += 1
                return true
            }
            #expect(rows == 5000)
        }

        @Test func `isn't shown a key that others can read`() throws {
            let authority = try CertificateAuthority()
            let server = try server(.none, authority)
            let client = try authority.issue("client", names: ["DNS:client"])
            let key = "/tmp/metastore-key-\(getpid())"
            let copy = try #require(fopen(client.keyPath, "r"))
            defer { fclose(copy) }
            var bytes = [UInt8](repeating: 0, count: 10_000)
            let count = fread(&bytes, 1, bytes.count, copy)
            let file = open(key, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0o600)
            defer { unlink(key) }
            _ = write(file, bytes, count)
            close(file)
            chmod(client.path, 0o644)
            let string = string(server.port, authority.root, "sslmode=verify-full sslcert=\(client.path) sslkey=\(key)")
            #expect(error { _ = try engine(string).prepare() } == nil)
            chmod(key, 0o644)
            let failed = error { _ = try engine(string).prepare() }
            #expect(failed?.code == .untrusted && failed?.message.contains("others can read") == true)
        }

        @Test func `gets no byte of the password when it isn't the one`() throws {
            let authority = try CertificateAuthority()
            for manner in Impostor.Manner.allCases {
                let impostor = try Impostor(manner)
                defer { impostor.close() }
                for _ in 0..<25 {
                    let engine = try engine(string(impostor.port, authority.root), .bound(.milliseconds(200)))
                    let failed = error { _ = try engine.prepare() }
                    #expect(failed?.code == .untrusted || failed?.code == .unreachable, "\(String(describing: failed))")
                }
                #expect(impostor.count > 0)
                #expect(!impostor.heard(PostgreSQLServer.password) && !impostor.heard("postgres"))
            }
        }

        /// What the test above would see if it didn't hold.
        @Test func `gets it from whoever asks for no proof`() throws {
            let impostor = try Impostor(.withoutTLS)
            defer { impostor.close() }
            let engine = try engine(string(impostor.port, "", "sslmode=prefer"), .bound(.seconds(1)), tls: .plain)
            _ = error { _ = try engine.prepare() }
            #expect(impostor.heard(PostgreSQLServer.password))
        }

        @Test func `can be known by its account on the machine`() async throws {
            try await PostgreSQLServer.shared.withDatabase { database in
                let account =
                    geteuid() == 0 ? "postgres" : String(cString: try #require(getpwuid(geteuid())).pointee.pw_name)
                #expect(error { _ = try engine(database + " requirepeer=\(account)").prepare() } == nil)
                let other = try engine(database + " requirepeer=nobody", .bound(.seconds(3)))
                #expect(error { _ = try other.prepare() }?.code == .untrusted)
            }
        }
    }

    @Suite struct `A password that doesn't last` {
        private struct Refusal: Error, CustomStringConvertible {
            let description = "secret-word"
        }

        private func server() throws -> (PostgreSQLServer, String) {
            var setup = ServerOptions.answersOnly
            setup.authentication = .scram
            let server = try PostgreSQLServer(setup)
            return (server, "host=\(server.socketFolder) port=\(server.port) dbname=postgres user=postgres")
        }

        @Test func `is asked for at every connect`() async throws {
            let (server, string) = try server()
            let asked = Counter()
            let engine = try engine(string) {
                try await Task.sleep(for: .milliseconds(10))
                asked.add()
                return PostgreSQLServer.password
            }
            _ = try engine.prepare()
            for _ in 0..<3 { try engine.openReader().close() }
            #expect(asked.count == 4)
            withExtendedLifetime(server) {}
        }

        @Test func `stops nobody beyond the bound, and tells nobody what it is`() throws {
            let (server, string) = try server()
            let slow = try engine(string, .bound(.milliseconds(300))) {
                try await Task.sleep(for: .seconds(30))
                return PostgreSQLServer.password
            }
            #expect(error { _ = try slow.prepare() }?.code == .timedOut)
            let failing = try engine(string) { throw Refusal() }
            let failed = error { _ = try failing.prepare() }
            #expect(failed?.code == .permissionDenied && failed?.description.contains("secret-word") == false)
            let wrong = try engine(string) { "secret-word" }
            let refused = error { _ = try wrong.prepare() }
            #expect(
                refused?.code == .permissionDenied && refused?.sqlState == "28P01", "\(String(describing: refused))")
            #expect(refused?.description.contains("secret-word") == false)
            withExtendedLifetime(server) {}
        }
    }
#endif
