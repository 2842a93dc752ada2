internal import AsyncHTTPClient
internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationClient
internal import MetastoreReplicationServer
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import NIOCore
internal import NIOHTTP1
internal import Testing

/// A server's snapshot, to whoever begins to follow it.
@Suite(.serialized, .timed) struct `A snapshot over the network` {
    private static let type = "application/vnd.metastore.snapshot"
    private static let engines = TestEngine.lasting.filter { $0 != .hostile && $0.rawValue != "pooled" }
    private static let ways = engines.flatMap { from in engines.map { (from, $0) } }

    /// The store has values of so many MiB beside the others.
    private func serving(
        from: TestEngine = .disk, commits: Int = 10, mebibytes: Int = 0,
        _ options: ReplicationServerOptions = ReplicationServerOptions(),
        settings: StoreOptions = StoreOptions(), _ body: (Served, _ folder: String) async throws -> Void
    ) async throws {
        CapturedLog.start
        try await withScratch { root in
            for name in ["/from", "/to"] {
                try FileManager.default.createDirectory(atPath: root + name, withIntermediateDirectories: false)
            }
            defer { from.remove(from: root + "/from") }
            let source = try from.source(in: root + "/from")
            // Its consumers keep the log.
            if commits > 0 { try await RandomHistory.make(in: source, commits: commits, name: "served snapshot") }
            var settings = settings
            if !from.isExclusive { settings.engine.callTimeout = .seconds(30) }
            let store = try await Metastore.open(source, settings)
            try await store.fillUp(mebibytes)
            let server = try await ReplicationServer.start(store, options)
            let served = Served(root: root, store: store, server: server, isSecure: false)
            let result: Result<Void, any Error>
            do { result = .success(try await body(served, root + "/to")) } catch { result = .failure(error) }
            await server.stop()
            await store.close()
            try result.get()
        }
    }

    private func request(_ served: Served) -> HTTPClientRequest {
        var request = HTTPClientRequest(url: served.url + "/v1/snapshot")
        request.headers.add(name: "Accept", value: Self.type)
        return request
    }

    private func source(_ served: Served, grace: Duration = .seconds(10)) throws -> FollowedSource {
        var address = ServerAddress(url: served.url)
        address.grace = grace
        return try .server(address)
    }

    private var beginning: FollowerOptions {
        var options = FollowerOptions.quick
        options.beginning = .snapshot
        options.store.engine.callTimeout = .seconds(30)
        return options
    }

    /// The master writes all the while.
    @Test(arguments: ways)
    func `begins a replica, on any engine, of a master that goes on`(_ from: TestEngine, _ to: TestEngine) async throws
    {
        try await serving(from: from, mebibytes: 1) { served, folder in
            defer { to.remove(from: folder) }
            let store = served.store
            let busy = Task {
                var history = RandomHistory(on: store, name: "served \(from) \(to)")
                while !Task.isCancelled { try await history.goOn(1) }
            }
            let follower = try await Follower.open(
                try to.source(in: folder), following: try source(served), beginning)
            let began = follower.status.position.revision
            #expect(began > .absent)
            try await follower.waitFor(Revision(rawValue: began.rawValue + 10), timeout: .seconds(60))
            busy.cancel()
            _ = await busy.result
            try await follower.waitFor(store.position.revision, timeout: .seconds(60))
            let (found, expected) = (try await follower.store.contents(), try await store.contents())
            #expect(found.rows == expected.rows && found.digests == expected.digests)
            #expect(found.digestsOfRows == expected.digests && found.links.last == expected.links.last)
            #expect(try await follower.store.verify().isClean)
            await follower.close()
        }
    }

    @Test func `is given to so many at once; whoever is one more is told when to come again`() async throws {
        var options = ReplicationServerOptions()
        options.bounds.snapshots = 2
        try await serving(commits: 0, mebibytes: 40, options) { served, folder in
            // Two that take nothing yet.
            let first = try await HTTPClient.shared.execute(request(served), timeout: .seconds(30))
            let second = try await HTTPClient.shared.execute(request(served), timeout: .seconds(30))
            #expect(first.headers.first(name: "content-type") == Self.type)
            let third = try await HTTPClient.shared.execute(request(served), timeout: .seconds(30))
            #expect(third.status == .serviceUnavailable && third.headers.first(name: "retry-after") == "5")
            #expect(String(buffer: try await third.body.collect(upTo: 1 << 16)).contains("\"error\":\"busy\""))
            #expect(try await served.get("/metrics").body.contains("metastore_server_snapshots 2"))
            let follower = Task {
                try await Follower.open(.sqlite(folder + "/f.db"), following: try source(served), beginning)
            }
            let error = await #expect(throws: FollowerError.self) { _ = try await follower.value }
            #expect(error?.description.contains("snapshots are being sent") == true, "\(String(describing: error))")
            // Both get all of it, and then others do.
            for response in [first, second] {
                let body = try await response.body.collect(upTo: 64 << 20)
                #expect(body.getInteger(at: body.writerIndex - 4, as: UInt32.self) == 0)
            }
            #expect(
                try await eventually {
                    try await served.get("/metrics").body.contains("metastore_server_snapshots 0")
                })
            let late = try await Follower.open(.sqlite(folder + "/f.db"), following: try source(served), beginning)
            try await late.waitFor(served.store.position.revision, timeout: .seconds(60))
            await late.close()
        }
    }

    /// It holds a moment of the store, and that holds the log.
    @Test func `ends for whoever is too slow, who is told`() async throws {
        var options = ReplicationServerOptions()
        options.bounds.snapshotTime = .milliseconds(300)
        try await serving(commits: 0, mebibytes: 40, options) { served, _ in
            let response = try await HTTPClient.shared.execute(request(served), timeout: .seconds(30))
            try await Task.sleep(for: .milliseconds(600))
            let body = try await response.body.collect(upTo: 64 << 20)
            let end = String(decoding: body.readableBytesView.suffix(300), as: UTF8.self)
            #expect(end.contains("{\"error\":\"snapshot\",\"message\""), "\(end.suffix(100))")
            #expect(
                try await eventually {
                    try await served.get("/metrics").body.contains("metastore_server_snapshots 0")
                })
        }
    }

    @Test func `is nothing where the server stops, or stands still`() async throws {
        try await serving(mebibytes: 16) { served, folder in
            let place = EngineSource.sqlite(folder + "/f.db")
            let (source, options) = (try source(served), beginning)
            let follower = Task { try await Follower.open(place, following: source, options) }
            try await Task.sleep(for: .milliseconds(100))
            await served.server.stop()
            if let early = try? await follower.value { await early.close() } else { try expectEmpty(place) }
            // One that says that it will, and doesn't.
            let silent = try SilentServer(says: "HTTP/1.1 200 OK\r\nContent-Type: \(Self.type)\r\n\r\n")
            var address = ServerAddress(url: "http://127.0.0.1:\(silent.port)")
            address.grace = .seconds(2)
            let cluster = try await served.store.info().cluster
            let began = ContinuousClock.now
            let error = await #expect(throws: FollowerError.self) {
                try await Follower.open(
                    .sqlite(folder + "/s.db"), following: try .server(address), of: cluster, beginning)
            }
            // Which of the client's two clocks is the first to end doesn't matter.
            #expect(error?.description.contains("doesn't answer") == true, "\(String(describing: error))")
            #expect(ContinuousClock.now - began < .seconds(20))
            try expectEmpty(.sqlite(folder + "/s.db"))
            // One of an older release, which has segments alone.
            let old = try SilentServer(
                says: "HTTP/1.1 200 OK\r\nContent-Type: application/vnd.metastore.segments\r\nContent-Length: 0\r\n\r\n"
            )
            address.url = "http://127.0.0.1:\(old.port)"
            address.grace = .seconds(60)
            let refused = await #expect(throws: FollowerError.self) {
                try await Follower.open(
                    .sqlite(folder + "/s.db"), following: try .server(address), of: cluster, beginning)
            }
            #expect(refused?.description.contains("whole log") == true, "\(String(describing: refused))")
        }
    }

    private func expectEmpty(_ place: EngineSource) throws {
        let probe = try place.makeEngine(EngineOptions())
        #expect(try probe.prepare() == .nothing)
        probe.close()
    }

    /// Killed at random moments: there is nothing, or all of it.
    @Test func `is nothing or all of it where its follower is killed`() async throws {
        var random = Seeded("killed beginnings")
        try await serving(mebibytes: 6) { served, folder in
            let cluster = try await served.store.info().cluster
            var made = 0
            for number in 0..<Seeded.count(100, least: 4) {
                let path = folder + "/\(number).db"
                let process = try Tool(
                    ["begin", path, served.url, "\(cluster)"], program: "metastore-follow-test")
                try await Task.sleep(for: .milliseconds(Int.random(in: 0...1_000, using: &random)))
                process.send(SIGKILL)
                _ = process.end()
                let probe = try EngineSource.sqlite(path).makeEngine(EngineOptions())
                let isThere = try probe.prepare() != .nothing
                probe.close()
                guard isThere else { continue }
                made += 1
                let replica = try await Metastore.openReplica(.sqlite(path), of: cluster)
                #expect(try await replica.contents().rows == served.store.contents().rows)
                await replica.close()
            }
            print("killed beginnings: \(made) were made")
        }
    }

    /// A follower that was away for longer than the server's log goes back.
    @Test func `replaces what a follower has, when it is told to`() async throws {
        var settings = StoreOptions()
        settings.logRetention = .zero
        settings.housekeepingInterval = .milliseconds(5)
        try await serving(commits: 0, settings: settings) { served, folder in
            let (store, place) = (served.store, EngineSource.sqlite(folder + "/f.db"))
            let first = try await Follower.open(place, following: try source(served), beginning)
            await first.close()
            let before = store.position.revision
            for number in 0..<10 { try await store.keyValue.put("n/k", "\(number)") }
            #expect(try await eventually { try await store.info().compactedRevision > before })
            let follower = try await Follower.open(place, following: try source(served), beginning)
            #expect(
                await eventually { if case .needsSnapshot = follower.status.state { true } else { false } })
            follower.resnapshot()
            try await follower.waitFor(store.position.revision, timeout: .seconds(60))
            #expect(try await follower.store.contents().rows == store.contents().rows)
            #expect(follower.status.replaced?.contains(".replaced-") == true)
            await follower.close()
        }
    }
}

/// Says one thing to whoever comes, and nothing more.
private final class SilentServer: Sendable {
    let port: Int
    private let listener: Int32

    init(says answer: String) throws {
        let listener = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                bind(listener, $0, length) == 0 && listen(listener, 8) == 0 && getsockname(listener, $0, &length) == 0
            }
        }
        guard listener >= 0, isBound else { throw Failure("listen") }
        port = Int(UInt16(bigEndian: address.sin_port))
        self.listener = listener
        _ = BlockingThread.tryStart {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else { return }
                // A client closes a connection on which an answer comes that it hasn't asked for yet.
                var question = [UInt8](repeating: 0, count: 4_096)
                _ = recv(client, &question, question.count, 0)
                let bytes = Array(answer.utf8)
                _ = Glibc.send(client, bytes, bytes.count, Int32(MSG_NOSIGNAL))
            }
        }
    }

    deinit {
        shutdown(listener, Int32(SHUT_RDWR))
        close(listener)
    }
}

extension Metastore {
    /// Puts so many values of a MiB that nothing makes smaller.
    fileprivate func fillUp(_ count: Int) async throws {
        var random = SystemRandomNumberGenerator()
        for number in 0..<count {
            var value = [UInt8](repeating: 0, count: 1 << 20)
            value.withUnsafeMutableBytes { bytes in
                let words = bytes.bindMemory(to: UInt64.self)
                for index in words.indices { words[index] = random.next() }
            }
            try await keyValue.put(EntryKey(namespace: "big", key: "\(number)"), value)
        }
    }
}
