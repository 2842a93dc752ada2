internal import AsyncHTTPClient
internal import FoundationEssentials
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
internal import NIOPosix
internal import NIOSSL

/// A store with everything in it, and a server of it.
struct Served {
    let root: String
    let store: Metastore
    let server: ReplicationServer
    let isSecure: Bool

    var url: String { "\(isSecure ? "https" : "http")://127.0.0.1:\(server.port)" }

    static func with<Result>(
        _ configure: (String) throws -> ReplicationServerOptions = { _ in ReplicationServerOptions() },
        _ body: (Served) async throws -> Result
    ) async throws -> Result {
        CapturedLog.start
        return try await withScratch { root in
            let source = EngineSource.sqlite(root + "/leader.db")
            try await RandomHistory.make(in: source, commits: 10, name: "served")
            let store = try await Metastore.open(source)
            let options = try configure(root)
            let server = try await ReplicationServer.start(store, options)
            do {
                let result = try await body(
                    Served(root: root, store: store, server: server, isSecure: options.tls != nil))
                await server.stop()
                await store.close()
                return result
            } catch {
                await server.stop()
                await store.close()
                throw error
            }
        }
    }

    func follower(
        _ name: String = "replica", _ change: (inout ServerAddress) -> Void = { _ in }
    ) async throws -> Follower {
        var address = ServerAddress(url: url)
        change(&address)
        return try await Follower.open(
            .sqlite(root + "/\(name).db"), following: try .server(address), of: try await store.info().cluster, .quick)
    }

    /// An answer, with its body as text.
    func get(
        _ path: String, _ headers: [(String, String)] = [], client: HTTPClient = .shared
    ) async throws -> (status: UInt, body: String) {
        var request = HTTPClientRequest(url: url + path)
        for (name, value) in headers { request.headers.add(name: name, value: value) }
        let response = try await client.execute(request, timeout: .seconds(30))
        return (response.status.code, String(buffer: try await response.body.collect(upTo: 64 << 20)))
    }
}

extension FollowerOptions {
    static var quick: FollowerOptions {
        var options = FollowerOptions()
        options.waiting = .seconds(1)
        options.stallAfter = .milliseconds(500)
        options.pauses = .milliseconds(1)...(.milliseconds(50))
        options.comparing = nil
        options.beginning = .wholeLog
        return options
    }
}

func expectEqual(_ follower: Follower, _ store: Metastore) async throws -> Bool {
    try await follower.waitFor(store.position.revision, timeout: .seconds(60))
    return try await follower.store.contents() == store.contents()
}
