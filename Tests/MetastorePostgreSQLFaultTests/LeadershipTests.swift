#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Glibc
    internal import Metastore
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `Two masters on one database` {
            let server: PostgreSQLServer
            let url: String

            init() throws {
                server = try PostgreSQLServer(.answersOnly)
                url = server.url(try server.makeDatabase())
            }

            @Test func `one leads; the other waits for its time to live, and the first is fenced`() async throws {
                let old = try CrashProcess("serve")
                try old.ask("open \(url)")
                #expect(try old.ask("lead master-0") == "ok 2")
                #expect(try old.ask("put a/old 1").hasPrefix("ok"))
                let store = try await Metastore.open(.place(url))
                let leading = Task {
                    try await store.lead(as: "master-1", timeToLive: .seconds(1)) { leadership in
                        try await store.keyValue.put("a/new", "1")
                        // Until the first has gone on, and was refused.
                        while try await store.keyValue.get("a/end") == nil {
                            try await Task.sleep(for: .milliseconds(20))
                        }
                        return leadership
                    }
                }
                // Renewed each third of its second: nobody takes over.
                try await Task.sleep(for: .milliseconds(2_500))
                #expect(try await store.leadership()?.holder == "master-0")
                old.stop()
                let began = ContinuousClock.now
                #expect(try await eventually { try await store.leadership()?.holder == "master-1" })
                let time = ContinuousClock.now - began
                #expect(time > .milliseconds(600), "its last renewal was at most a third of a second old: \(time)")
                #expect(await eventually { (try? await store.keyValue.get("a/new")) != nil })
                old.signal(SIGCONT)
                for _ in 0..<3 {
                    let answer = try old.ask("put a/ghost 1")
                    #expect(answer.hasPrefix("error fenced"), "\(answer)")
                }
                try await store.keyValue.put("a/end", "1")
                let leadership = try await leading.value
                #expect(leadership.epoch.number == 3 && leadership.holder == "master-1")
                #expect(try await store.keyValue.get("a/ghost") == nil)
                let report = try await store.verify()
                #expect(report.isClean, "\(report)")
                print("the second leads \(time.inMilliseconds) ms after the first was stopped")
                await store.close()
            }

            @Test func `a lead that is given up is taken at once, and one whose process died after its time`()
                async throws
            {
                let store = try await Metastore.open(.place(url))
                let first = try await Metastore.open(.place(url))
                try await first.lead(as: "first", timeToLive: .seconds(20)) { _ in }
                let began = ContinuousClock.now
                try await store.lead(as: "second", timeToLive: .seconds(1)) { _ in }
                #expect(ContinuousClock.now - began < .seconds(5))
                await first.close()
                let dead = try CrashProcess("serve")
                try dead.ask("open \(url)")
                #expect(try dead.ask("lead third").hasPrefix("ok"))
                dead.kill()
                let died = ContinuousClock.now
                try await store.lead(as: "fourth", timeToLive: .seconds(1)) { _ in }
                #expect(ContinuousClock.now - died > .milliseconds(600))
                await store.close()
            }

            @Test func `a lease lives by the renewals of either, and runs out for both`() async throws {
                let one = try await Metastore.open(.place(url))
                let two = try await Metastore.open(.place(url))
                let lease = try await one.leases.grant(timeToLive: .seconds(1))
                try await one.keyValue.put("n/a", "x", lease: lease.id)
                for round in 0..<10 {
                    try await (round % 2 == 0 ? one : two).leases.renew(lease.id)
                    try await Task.sleep(for: .milliseconds(300))
                    #expect(try await two.keyValue.get("n/a") != nil, "it was renewed \(round)")
                }
                let began = ContinuousClock.now
                #expect(
                    try await eventually(within: .seconds(10)) {
                        let (left, right) = (try await one.keyValue.get("n/a"), try await two.keyValue.get("n/a"))
                        return left == nil && right == nil
                    })
                let time = ContinuousClock.now - began
                for store in [one, two] {
                    #expect(await refusal { try await store.leases.renew(lease.id) }?.label == "notFound")
                }
                // Whoever granted it is gone: the other lets it run out.
                let last = try await one.leases.grant(timeToLive: .seconds(1))
                try await one.keyValue.put("n/b", "x", lease: last.id)
                await one.close()
                #expect(try await eventually(within: .seconds(10)) { try await two.keyValue.get("n/b") == nil })
                let report = try await two.verify()
                #expect(report.isClean, "\(report)")
                print("the lease ran out \(time.inMilliseconds) ms after its last renewal and a pause of 300 ms")
                await two.close()
            }
        }
    }
#endif
