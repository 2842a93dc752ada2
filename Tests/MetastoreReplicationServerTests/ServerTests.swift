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
internal import Synchronization
internal import Testing

@Suite(.serialized, .timed) struct `A served store` {
    @Test func `is followed, compared and acknowledged`() async throws {
        let acknowledged = Mutex<[String: Revision]>([:])
        try await Served.with { _ in
            var options = ReplicationServerOptions()
            options.bounds.answerBytes = 5_000
            options.acknowledged = { name, revision in acknowledged.withLock { $0[name] = revision } }
            return options
        } _: { served in
            let follower = try await served.follower { $0.name = "replica-1" }
            #expect(try await expectEqual(follower, served.store))
            var history = RandomHistory(on: served.store, name: "while served")
            for _ in 0..<3 {
                try await history.goOn(5)
                #expect(try await expectEqual(follower, served.store))
            }
            #expect(try await follower.compare().isEqual)
            #expect(
                await eventually { acknowledged.withLock { $0["replica-1"] } == served.store.position.revision })
            await follower.close()
        }
    }

    @Test func `tells its changes as lines, and as events, to whoever asks with curl`() async throws {
        try await Served.with { served in
            let start = try await served.store.position(at: .absent)
            var (lines, after) = ([String](), "\(start)")
            while after != "\(served.store.position)" {
                let (status, body) = try await served.get("/v1/changes?after=\(after)&kinds=experiments,trials")
                #expect(status == 200)
                let found = body.split(separator: "\n").map(String.init)
                after = try JSONObject(parsing: try #require(found.last))["position"]?.string ?? ""
                lines += found.dropLast()
            }
            var keys: [String] = []
            for line in lines {
                let commit = try JSONObject(parsing: line)
                #expect(commit["revision"]?.integer ?? 0 > 0)
                guard case .array(let changes)? = commit["changes"] else { continue }
                for case .object(let change) in changes { keys.append(change["key"]?.string ?? "") }
            }
            var expected: [String] = []
            let feed = served.store.changes(after: start, of: .experiments, .trials)
            for try await batch in feed.batches {
                expected += batch.changes.map(\.key.path)
                if batch.position == served.store.position { break }
            }
            #expect(keys == expected && !keys.isEmpty)
            let ending = try Tool(
                [
                    "-sN", "--max-time", "3", "-H", "Accept: text/event-stream",
                    "\(served.url)/v1/changes?kinds=kv&under=kv/watched",
                ], program: "/usr/bin/curl")
            #expect(await eventually { ending.lines.contains { $0.hasPrefix("id: ") } })
            try await served.store.keyValue.put("other/k", "v")
            try await served.store.keyValue.put("watched/k", "v")
            #expect(await eventually { ending.lines.contains { $0.hasPrefix("data: ") && $0.contains("watched/k") } })
            #expect(!ending.lines.contains { $0.contains("other/k") })
        }
    }

    @Test func `waits for news as long as it is told, and no longer`() async throws {
        try await Served.with { served in
            let position = served.store.position
            let none = try await served.get("/v1/log?after=\(position)&wait=0.05")
            #expect(none.status == 204 && none.body.isEmpty)
            async let waiting = served.get("/v1/changes?after=\(position)&wait=20")
            try await Task.sleep(for: .milliseconds(50))
            try await served.store.keyValue.put("n/k", "v")
            let body = try await waiting.body
            #expect(body.contains("\"kv/n/k\""))
        }
    }

    @Test func `refuses what makes no sense, and says why`() async throws {
        try await Served.with { served in
            let store = served.store
            let head = store.position
            let future = Position(
                cluster: head.cluster, epoch: head.epoch, revision: Revision(rawValue: 1 << 40),
                chainPrefix: head.chainPrefix)
            let stranger = Position(
                cluster: UUID(), epoch: head.epoch, revision: head.revision, chainPrefix: head.chainPrefix)
            let forked = Position(
                cluster: head.cluster, epoch: head.epoch, revision: head.revision, chainPrefix: [1, 2, 3])
            let cases: [(String, UInt, String)] = [
                ("/v1/log", 400, "badRequest"), ("/v1/log?after=x", 400, "badRequest"),
                ("/v1/log?after=\(head)&wait=-1", 400, "badRequest"),
                ("/v1/log?after=\(head)&wait=nan", 400, "badRequest"),
                ("/v1/log?after=\(future)", 409, "ahead"), ("/v1/log?after=\(stranger)", 409, "otherCluster"),
                ("/v1/log?after=\(forked)", 409, "forked"), ("/v1/changes?after=\(future)", 409, "ahead"),
                ("/v1/changes?kinds=nothing", 400, "badRequest"), ("/v1/digests?at=\(head)&kind=x", 400, "badRequest"),
                ("/v1/digests?at=\(future)", 409, "ahead"),
            ]
            for (path, status, error) in cases {
                let found = try await served.get(path)
                #expect(found.status == status && found.body.contains("\"error\":\"\(error)\""), "\(path): \(found)")
            }
            #expect(try await served.get("/elsewhere").status == 404)
            #expect(
                try await served.get("/v1/log?after=\(head)", [("X", String(repeating: "x", count: 40_000))]).status
                    == 400)
            var request = HTTPClientRequest(url: served.url + "/v1/acknowledgements")
            request.method = .POST
            for body in ["{}", "no", "{\"revision\":-1}", "{\"revision\":1}", String(repeating: "x", count: 100_000)] {
                request.body = .bytes(ByteBuffer(string: body))
                let response = try await HTTPClient.shared.execute(request, timeout: .seconds(30))
                #expect(response.status == .badRequest, "\(body.prefix(20))")
            }
        }
    }

    @Test func `says how it is, and streams itself whole`() async throws {
        try await Served.with { served in
            let health = try JSONObject(parsing: try await served.get("/v1/health").body)
            #expect(health["position"]?.string == "\(served.store.position)")
            let metrics = try await served.get("/metrics").body
            #expect(metrics.contains("\nmetastore_revision \(served.store.position.revision)\n"))
            let digests = try JSONObject(parsing: try await served.get("/v1/digests").body)
            #expect(digests["digests"] != nil)
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: served.url + "/v1/snapshot"), timeout: .seconds(30))
            var body = try await response.body.collect(upTo: 64 << 20)
            // An empty frame ends it.
            let end = body.getInteger(at: body.writerIndex - 4, as: UInt32.self)
            #expect(end == 0)
            let parts = body.readSlice(length: body.readableBytes - 4)
            let whole = try #require(parts)
            let replica = try await Metastore.openReplica(.inMemory(), of: served.store.position.cluster)
            for part in try ServerLogSource.parts(whole) { try await replica.replay(part.records) }
            #expect(try await replica.contents() == served.store.contents())
            await replica.close()
        }
    }

    /// Beyond loopback nothing is served that everybody could read.
    @Test func `is open to nobody beyond loopback by oversight`() async throws {
        let store = try await Metastore.open(.inMemory())
        for host in ["0.0.0.0", "::", "192.0.2.1", "example.com"] {
            var options = ReplicationServerOptions()
            options.host = host
            await #expect(throws: ReplicationServerError.open(host: host, lacks: "certificate")) {
                _ = try await ReplicationServer.start(store, options)
            }
            options.tls = ServerTLS(certificates: "c", key: "k")
            await #expect(throws: ReplicationServerError.open(host: host, lacks: "access list")) {
                _ = try await ReplicationServer.start(store, options)
            }
        }
        await store.close()
        // A page in a browser gives its own host's name.
        try await Served.with { served in
            for host in [
                "attacker.example", "attacker.example:80", "127.0.0.1.attacker.example", "[::1]attacker:80", "",
            ] {
                let found = try await served.get("/v1/health", [("Host", host)])
                #expect(found.status == 421 && found.body.isEmpty, "\(host)")
            }
            for host in ["localhost", "localhost:80", "127.0.0.1:80", "[::1]", "[::1]:80"] {
                #expect(try await served.get("/v1/health", [("Host", host)]).status == 200, "\(host)")
            }
        }
    }
}
