internal import AsyncHTTPClient
internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationClient
internal import MetastoreReplicationServer
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL
internal import Testing

/// Somebody at the door of a server.
private struct Visitor: CustomTestStringConvertible, Sendable {
    let testDescription: String
    var certificate: String?
    var token: String?
    /// What he may do after all.
    var role: AccessRole?
    /// False for one whom TLS itself turns away.
    var reachesHTTP = true

    static let followToken = "follow-0123456789abcdef"
    static let readToken = "read-0123456789abcdef"

    static let strangers: [Visitor] = [
        Visitor(testDescription: "nothing at all"),
        Visitor(testDescription: "a certificate of another authority", certificate: "wrong", reachesHTTP: false),
        Visitor(testDescription: "an expired certificate", certificate: "expired", reachesHTTP: false),
        Visitor(testDescription: "a certificate of the future", certificate: "early", reachesHTTP: false),
        Visitor(testDescription: "a self-signed certificate", certificate: "selfsigned", reachesHTTP: false),
        Visitor(testDescription: "a right certificate in no entry", certificate: "unlisted"),
        Visitor(testDescription: "a right certificate of a reader", certificate: "reader", role: .read),
        Visitor(testDescription: "an unknown token", token: "nobody-0123456789abcdef"),
        Visitor(testDescription: "a reader's token", token: readToken, role: .read),
        Visitor(testDescription: "the first half of a token", token: String(followToken.prefix(12))),
        Visitor(testDescription: "a token and something more", token: followToken + "0"),
        Visitor(testDescription: "an empty token", token: ""),
        Visitor(testDescription: "a token of the wrong case", token: followToken.uppercased()),
    ]

    static let friends: [Visitor] = [
        Visitor(testDescription: "a follower's certificate", certificate: "follower", role: .follow),
        Visitor(testDescription: "a follower's token", token: followToken, role: .follow),
    ]
}

@Suite(.serialized, .timed) struct `A server with an access list` {
    private static let endpoints: [(method: Method, path: String, role: AccessRole)] = [
        (.get, "/v1/log?after=POSITION", .follow), (.get, "/v1/snapshot", .follow),
        (.get, "/v1/snapshot#rows", .follow),
        (.post, "/v1/acknowledgements", .follow), (.get, "/v1/digests", .follow), (.get, "/v1/changes", .read),
        (.get, "/v1/changes?after=POSITION", .read), (.get, "/v1/health", .read), (.get, "/metrics", .read),
        (.get, "/v1/elsewhere", .follow), (.get, "/", .follow),
    ]

    enum Method: String { case get = "GET", post = "POST" }

    private func options(_ root: String, _ certificates: Certificates) throws -> ReplicationServerOptions {
        var options = ReplicationServerOptions()
        options.tls = ServerTLS(
            certificates: certificates.path("server"), key: certificates.key("server"),
            clientAuthorities: certificates.path("authority"))
        let list = """
            # who may do what
            follow replica-1 certificate \(try certificates.fingerprint("follower"))
            read   dashboard certificate \(try certificates.fingerprint("reader").lowercased())

            follow replica-2 token \(Visitor.followToken)
            read   curl      token \(Visitor.readToken)
            """
        let path = root + "/access"
        guard
            FileManager.default.createFile(
                atPath: path, contents: Data(list.utf8), attributes: [.posixPermissions: 0o600])
        else { throw Failure("write \(path)") }
        options.access = try AccessList(path: path)
        return options
    }

    private func client(_ visitor: Visitor, _ certificates: Certificates) throws -> HTTPClient {
        var tls = TLSConfiguration.makeClientConfiguration()
        tls.trustRoots = .certificates(try NIOSSLCertificate.fromPEMFile(certificates.path("authority")))
        if let name = visitor.certificate {
            tls.certificateChain = try NIOSSLCertificate.fromPEMFile(certificates.path(name)).map { .certificate($0) }
            tls.privateKey = .privateKey(try NIOSSLPrivateKey(file: certificates.key(name), format: .pem))
        }
        return HTTPClient(
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            configuration: HTTPClient.Configuration(tlsConfiguration: tls))
    }

    /// Every endpoint, as one visitor finds it.
    private func visit(_ visitor: Visitor, _ served: Served, _ certificates: Certificates) async throws {
        let client = try client(visitor, certificates)
        let start = try await served.store.position(at: .absent)
        for endpoint in Self.endpoints {
            let path = endpoint.path.split(separator: "POSITION", omittingEmptySubsequences: false)
                .joined(separator: "\(start)")
            var request = HTTPClientRequest(url: served.url + path)
            request.method = .init(rawValue: endpoint.method.rawValue)
            // The state itself, and not the segments of the log.
            if endpoint.path.hasSuffix("#rows") {
                request.headers.add(name: "Accept", value: "application/vnd.metastore.snapshot")
            }
            if let token = visitor.token { request.headers.add(name: "Authorization", value: "Bearer \(token)") }
            let comment = Comment(rawValue: "\(visitor.testDescription) at \(endpoint.path)")
            do {
                let response = try await client.execute(request, timeout: .seconds(30))
                let body = try await response.body.collect(upTo: 64 << 20)
                let isAllowed =
                    visitor.role == .follow || visitor.role == .read && endpoint.role == .read
                #expect(visitor.reachesHTTP, comment)
                if isAllowed {
                    #expect(![401, 403].contains(response.status.code), comment)
                } else {
                    let isKnown = visitor.role != nil
                    let isNowhere = endpoint.path == "/" || endpoint.path == "/v1/elsewhere"
                    #expect(response.status.code == (isKnown ? (isNowhere ? 404 : 403) : 401), comment)
                    #expect(body.readableBytes == 0, comment)
                    #expect(response.headers.first(name: "metastore-newest") == nil, comment)
                }
            } catch {
                // TLS turned him away: there is no answer.
                #expect(!visitor.reachesHTTP, "\(visitor.testDescription) at \(endpoint.path): \(error)")
            }
        }
        try await client.shutdown()
    }

    @Test func `gives no byte of data to strangers, at no endpoint, and serves its friends`() async throws {
        try await withScratch { root in
            let certificates = try Certificates(in: root)
            try await Served.with {
                try options($0, certificates)
            } _: { served in
                for visitor in Visitor.strangers + Visitor.friends {
                    try await visit(visitor, served, certificates)
                }
                // Nobody's token is in the log.
                for token in [Visitor.followToken, Visitor.readToken] {
                    #expect(CapturedLog.lines(containing: token).isEmpty)
                }
                for friend in Visitor.friends {
                    let follower = try await served.follower(friend.certificate ?? "token") { address in
                        address.authorities = certificates.path("authority")
                        address.token = friend.token
                        address.certificate = friend.certificate.map { (certificates.path($0), certificates.key($0)) }
                    }
                    #expect(try await expectEqual(follower, served.store))
                    await follower.close()
                }
                for stranger in Visitor.strangers where stranger.token != "" {
                    let follower = try await served.follower("stranger") { address in
                        address.authorities = certificates.path("authority")
                        address.token = stranger.token
                        address.certificate = stranger.certificate.map { (certificates.path($0), certificates.key($0)) }
                    }
                    #expect(
                        await eventually(within: .seconds(20)) {
                            if case .stalled(let stall, _) = follower.status.state {
                                !"\(stall)".isEmpty
                            } else {
                                false
                            }
                        }, "\(stranger.testDescription)")
                    #expect(follower.status.position.revision == .absent)
                    await follower.close()
                }
            }
        }
    }

    /// A follower doesn't tell its token to a server that it doesn't know.
    @Test func `is known by its followers by its certificate`() async throws {
        try await withScratch { root in
            let certificates = try Certificates(in: root)
            try await Served.with {
                try options($0, certificates)
            } _: { served in
                let follower = try await served.follower { address in
                    address.authorities = certificates.path("stranger")
                    address.token = Visitor.followToken
                }
                #expect(
                    await eventually(within: .seconds(20)) {
                        if case .stalled(_, _) = follower.status.state { true } else { false }
                    })
                #expect(follower.status.position.revision == .absent)
                await follower.close()
            }
        }
    }

    @Test func `never gets a token that anybody could read on the way`() {
        for url in ["http://master.example:1", "http://example.com", "http://localhost.example.com", "ftp://localhost"]
        {
            var address = ServerAddress(url: url)
            address.token = Visitor.followToken
            let error = #expect(throws: ServerAddressError.self) { _ = try ServerLogSource(address) }
            #expect(error?.description.contains(Visitor.followToken) == false)
        }
    }

    @Test func `reads it from a file that is its own, and says which line is wrong`() throws {
        let text = "# nobody\n\nfollow a token 0123456789abcdef\n"
        let wrong = [
            "follow a token short", "write a token 0123456789abcdef", "follow a token", "follow a key 0123456789abcdef",
            "follow a certificate 0123", "follow a token 0123456789abcdef more",
        ]
        let path = "/tmp/metastore-access-\(UUID())"
        defer { try? FileManager.default.removeItem(atPath: path) }
        func write(_ text: String, mode: Int) throws {
            try? FileManager.default.removeItem(atPath: path)
            let attributes: [FileAttributeKey: Any] = [.posixPermissions: mode]
            guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8), attributes: attributes) else {
                throw Failure("write \(path)")
            }
        }
        try write(text, mode: 0o600)
        _ = try AccessList(path: path)
        for line in wrong {
            try write(text + line, mode: 0o600)
            let error = #expect(throws: ReplicationServerError.self) { _ = try AccessList(path: path) }
            #expect(error?.description.contains("line 4") == true, "\(line)")
            #expect(error?.description.contains("0123456789abcdef") == false)
        }
        try write(text, mode: 0o644)
        let error = #expect(throws: ReplicationServerError.self) { _ = try AccessList(path: path) }
        #expect(error?.description.contains("chmod 600") == true)
        #expect(throws: ReplicationServerError.self) { _ = try AccessList(path: path + "-none") }
    }

    @Test func `keeps its key to itself`() async throws {
        try await withScratch { root in
            let certificates = try Certificates(in: root)
            var options = try options(root, certificates)
            try FileManager.default.setAttributes(
                [.posixPermissions: 0o640], ofItemAtPath: certificates.key("server"))
            options.port = 0
            let store = try await Metastore.open(.inMemory())
            let error = await #expect(throws: ReplicationServerError.self) {
                _ = try await ReplicationServer.start(store, options)
            }
            #expect(error?.description.contains("chmod 600") == true)
            await store.close()
        }
    }
}
