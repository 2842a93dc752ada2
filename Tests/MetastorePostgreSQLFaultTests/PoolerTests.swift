#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        /// A pool of two, for handles that use four connections each.
        @Suite(.serialized, .timed) struct `Through a pooler that parts transactions` {
            let server: PostgreSQLServer
            let pooler: PgBouncer
            let source: EngineSource

            init() throws {
                server = try PostgreSQLServer(.answersOnly)
                // Its own default waits 15 seconds before it asks a server again that didn't answer.
                pooler = try PgBouncer(before: server, poolSize: 2, parameters: ["server_login_retry": "1"])
                source = .postgresql(pooler.connection(to: try server.makeDatabase()))
            }

            @Test func `two handles write, read and follow as without one`() async throws {
                let stores = [try await Metastore.open(source), try await Metastore.open(source)]
                let follower = try await Follower(stores[1])
                let load = Requests()
                let began = ContinuousClock.now
                let running = load.start(on: stores, writers: 6)
                var reads = 0
                while ContinuousClock.now - began < .seconds(3) {
                    _ = try await stores[reads % 2].read { snapshot in
                        let before = try snapshot.position
                        _ = try snapshot.keyValue.list("counters")
                        #expect(try snapshot.position == before)
                    }
                    reads += 1
                }
                load.stop()
                await running.value
                try await load.verify(stores[0])
                #expect(try await follower.catchUp(stores[0]), "\(String(describing: follower.failure))")
                #expect(follower.gaps.isEmpty, "\(follower.gaps)")
                load.compare(with: follower.keys)
                await #expect(throws: StoreError.self) {
                    try await stores[0].write { tx in
                        try tx.keyValue.put("a/ghost", "x")
                        _ = try tx.trials.get(ID(rawValue: 1 << 40))
                    }
                }
                #expect(try await stores[1].keyValue.get("a/ghost") == nil)
                print("through a pool of two: \(load.inWords), \(reads) reads, all followed")
                for store in stores { await store.close() }
            }

            @Test func `leads change and leases run out`() async throws {
                let (one, two) = (try await Metastore.open(source), try await Metastore.open(source))
                let lost = Task {
                    try await one.lead(as: "one", timeToLive: .seconds(1)) { _ in
                        try await Task.sleep(for: .seconds(2))
                        return try await one.keyValue.put("a/one", "x").revision
                    }
                }
                #expect(try await eventually { try await two.leadership()?.holder == "one" })
                let second = try await two.lead(as: "two", timeToLive: .seconds(1)) { $0.epoch.number }
                #expect(try await lost.value > .absent)
                #expect(second == 3)
                guard case .fenced = await refusal({ try await one.keyValue.put("a/ghost", "x") }) else {
                    Issue.record("another led since")
                    return
                }
                let lease = try await two.leases.grant(timeToLive: .seconds(1))
                try await two.keyValue.put("n/a", "x", lease: lease.id)
                for _ in 0..<5 {
                    try await Task.sleep(for: .milliseconds(400))
                    try await two.leases.renew(lease.id)
                }
                #expect(try await two.keyValue.get("n/a") != nil)
                #expect(try await eventually(within: .seconds(10)) { try await two.keyValue.get("n/a") == nil })
                let report = try await two.verify()
                #expect(report.isClean, "\(report)")
                for store in [one, two] { await store.close() }
            }

            /// The pooler is there, its server isn't, for longer than a call waits.
            @Test func `the server's crashes lose nothing`() async throws {
                let store = try await Metastore.open(source, .bound(.seconds(1)))
                let follower = try await Follower(store)
                let load = Requests()
                let running = load.start(on: [store], writers: 4)
                for pause in [0, 1_500, 200] {
                    try await Task.sleep(for: .milliseconds(300))
                    // Stopped in order: the server doesn't flush here.
                    try await blocking { try server.stop(.fast) }
                    try await Task.sleep(for: .milliseconds(pause))
                    try await blocking { try server.start() }
                }
                try await Task.sleep(for: .milliseconds(500))
                load.stop()
                await running.value
                try await load.verify(store)
                #expect(try await follower.catchUp(store), "\(String(describing: follower.failure))")
                #expect(follower.gaps.isEmpty, "\(follower.gaps)")
                load.compare(with: follower.keys)
                print("3 restarts behind a pooler: \(load.inWords)")
                await store.close()
            }
        }
    }
#endif
