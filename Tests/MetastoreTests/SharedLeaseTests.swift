#if PostgreSQL
    import Metastore
    import MetastoreEngine
    import MetastoreModel
    import MetastoreTestSupport
    import Testing

    /// On clocks that stand still until they are told.
    @Suite struct `A lease that several processes know of` {
        /// Lets the store look around once, and no lease come nearer to its end than that.
        private func lookAround(_ bench: Bench) { bench.time.monotonic += .milliseconds(10) }

        @Test func `runs for its full time again here when it was renewed elsewhere`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let (store, other) = (bench.store, try await bench.another())
                let lease = try await other.leases.grant(timeToLive: .seconds(10))
                try await other.keyValue.put("n/a", "x", lease: lease.id)
                #expect(
                    await eventually {
                        lookAround(bench)
                        return store.leases.remaining(lease.id) != nil
                    })
                bench.time.monotonic += .seconds(5)
                try await other.leases.renew(lease.id)
                #expect(
                    await eventually {
                        lookAround(bench)
                        return store.leases.remaining(lease.id) ?? .zero > .seconds(7)
                    })
                // Who renewed it is gone: it still runs out.
                await other.close()
                bench.time.monotonic += .seconds(11)
                #expect(
                    try await eventually {
                        lookAround(bench)
                        return try await store.keyValue.get("n/a") == nil
                    })
            }
        }

        @Test func `runs no more here when it was ended elsewhere`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let (store, other) = (bench.store, try await bench.another())
                let lease = try await other.leases.grant(timeToLive: .seconds(3_600))
                #expect(
                    await eventually {
                        lookAround(bench)
                        return store.leases.remaining(lease.id) != nil
                    })
                try await other.leases.revoke(lease.id)
                #expect(
                    await eventually {
                        lookAround(bench)
                        return store.leases.remaining(lease.id) == nil
                    })
                await other.close()
            }
        }

        /// A renewal between the look at the clock and the write that ends it.
        @Test func `is left alone when it was renewed at the last moment`() async throws {
            try await withBench(TestEngine.postgresql) { (bench: Bench) async throws -> Void in
                let store = bench.store
                let lease = try await store.leases.grant(timeToLive: .seconds(10))
                try await store.keyValue.put("n/a", "x", lease: lease.id)
                let looks = Counter()
                bench.faults.arm(
                    .statement(containing: "SELECT renewals FROM leases"), lasting: true,
                    .run { connection in
                        looks.count()
                        guard looks.value == 1 else { return }
                        // Rolled back with what ends here, so that the next look finds it as it was.
                        try connection.execute("UPDATE leases SET renewals = renewals + 1")
                    })
                bench.time.monotonic += .seconds(11)
                #expect(
                    try await eventually {
                        lookAround(bench)
                        return try await store.keyValue.get("n/a") == nil
                    })
                #expect(looks.value == 2, "it looked once more")
            }
        }
    }
#endif
