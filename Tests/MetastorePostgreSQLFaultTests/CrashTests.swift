#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Synchronization
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `A server that crashes under load` {
            /// Away for shorter and for longer than a call waits.
            @Test func `loses nothing it acknowledged, and every unknown outcome is settled by its operation id`()
                async throws
            {
                let crashes = max(6, Scale.of(20))
                var random = Scale.random(20)
                // Flushes, as a server does unless told otherwise.
                let server = try PostgreSQLServer()
                let url = server.url(try server.makeDatabase())
                let stores = [
                    try await Metastore.open(.place(url), .bound(.seconds(1))),
                    try await Metastore.open(.place(url), .bound(.seconds(1))),
                ]
                let follower = try await Follower(stores[1])
                let load = Requests()
                let running = load.start(on: stores, writers: 6)
                for _ in 0..<crashes {
                    try await Task.sleep(for: .milliseconds(Int.random(in: 100...600, using: &random)))
                    try await blocking { try server.stop(.immediate) }
                    try await Task.sleep(for: .milliseconds(Int.random(in: 0...1_500, using: &random)))
                    try await blocking { try server.start() }
                }
                try await Task.sleep(for: .milliseconds(200))
                load.stop()
                await running.value
                try await load.verify(stores[0])
                #expect(try await follower.catchUp(stores[0]), "\(String(describing: follower.failure))")
                #expect(follower.gaps.isEmpty, "\(follower.gaps.prefix(5))")
                load.compare(with: follower.keys)
                print("\(crashes) crashes: \(load.inWords); the feed was interrupted \(follower.interruptions) times")
                for store in stores { await store.close() }
            }
        }
    }
#endif
