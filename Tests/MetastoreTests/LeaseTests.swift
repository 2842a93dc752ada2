import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `A lease that isn't renewed takes its entries with it` {
    @Test(arguments: TestEngine.allCases)
    func `through the log, by the monotonic clock, in one revision`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            let lease = try await store.leases.grant(timeToLive: .seconds(10))
            try await store.write { tx in
                for name in ["a", "b"] { try tx.keyValue.put(EntryKey("n/\(name)"), "x", lease: lease.id) }
                try tx.keyValue.put("n/c", "x")
            }
            let before = try await store.revision()
            // The wall clock is nobody's business.
            bench.time.now = bench.time.now + .seconds(3_600)
            bench.time.monotonic += .milliseconds(9_900)
            try await store.keyValue.put("n/d", "x")
            #expect(store.leases.remaining(lease.id) == .milliseconds(100))
            #expect(try await store.keyValue.get("n/a") != nil)
            bench.time.monotonic += .milliseconds(100)
            #expect(try await eventually { try await store.keyValue.get("n/a") == nil })
            #expect(try await store.keyValue.list("n").records.map(\.key) == ["c", "d"])
            let commit = try #require(try await store.commits(after: before + 1).first)
            #expect(commit.actor == "metastore")
            #expect(Set(commit.changes.map(\.key.path)) == ["kv/n/a", "kv/n/b", "leases/1"])
            #expect(commit.changes.allSatisfy { $0.operation == .deleted })
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `renewals are not written, and a lease that ran out can't be renewed`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            let lease = try await store.leases.grant(timeToLive: .seconds(10))
            try await store.keyValue.put("n/a", "x", lease: lease.id)
            let before = try await store.revision()
            for _ in 0..<5 {
                bench.time.monotonic += .seconds(9)
                try await store.leases.renew(lease.id)
            }
            #expect(try await store.revision() == before)
            #expect(try await store.keyValue.get("n/a") != nil)
            bench.time.monotonic += .seconds(10)
            #expect(await refusal { try await store.leases.renew(lease.id) } == .notFound(path: "leases/1"))
            #expect(try await eventually { try await store.keyValue.get("n/a") == nil })
            #expect(
                await refusal { try await store.keyValue.put("n/a", "x", lease: lease.id) }
                    == .notFound(path: "leases/1"))
        }
    }

    /// Broke: a lease granted inside a transaction was never started, so that it couldn't be renewed and never ran out.
    @Test(arguments: TestEngine.allCases)
    func `also one granted in a transaction, if that commits`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            let lease = try await store.write { tx in
                let lease = try tx.leases.grant(timeToLive: .seconds(5))
                try tx.keyValue.put("n/a", "x", lease: lease.id)
                return lease.id
            }
            try await store.leases.renew(lease)
            // In one batch with a closure that commits.
            let writes = [true, false].map { fails -> @Sendable (borrowing Transaction) throws -> Revision in
                { tx in
                    if fails { #expect(try tx.leases.grant(timeToLive: .seconds(5)).id == 2) }
                    if fails { throw Planned() }
                    return try tx.keyValue.put("n/b", "x").revision
                }
            }
            let results = await bench.inOneBatch(writes)
            #expect(try results[1].get().didChange)
            #expect(throws: Planned()) { try results[0].get() }
            #expect(store.leases.remaining(2) == nil, "what was rolled back doesn't run")
            bench.time.monotonic += .seconds(5)
            #expect(try await eventually { try await store.keyValue.get("n/a") == nil })
        }
    }

    /// Broke: a lease that had ended stayed on the clock: it could still be renewed, and was expired again and again.
    @Test(arguments: TestEngine.allCases)
    func `and once ended is off the clock`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            let (one, two) = (
                try await store.leases.grant(timeToLive: .seconds(5)),
                try await store.leases.grant(timeToLive: .seconds(5))
            )
            try await store.keyValue.put("n/a", "x", lease: one.id)
            try await store.leases.revoke(one.id)
            #expect(try await store.keyValue.get("n/a") == nil)
            #expect(store.leases.remaining(one.id) == nil)
            #expect(await refusal { try await store.leases.renew(one.id) } == .notFound(path: "leases/1"))
            #expect(await refusal { try await store.leases.revoke(one.id) } == .notFound(path: "leases/1"))
            bench.time.monotonic += .seconds(5)
            #expect(await eventually { store.leases.remaining(two.id) == nil }, "expired, and forgotten")
        }
    }

    @Test(arguments: TestEngine.files)
    func `and begins anew at full length after reopening`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let lease = try await bench.store.leases.grant(timeToLive: .seconds(10))
            try await bench.store.keyValue.put("n/a", "x", lease: lease.id)
            bench.time.monotonic += .seconds(9)
            await bench.store.close()
            bench.time.monotonic += .seconds(1_000)
            try await bench.reopen()
            #expect(bench.store.leases.remaining(lease.id) == .seconds(10))
            #expect(try await bench.store.keyValue.get("n/a") != nil)
            bench.time.monotonic += .seconds(10)
            #expect(try await eventually { try await bench.store.keyValue.get("n/a") == nil })
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an entry that was put again without it, or with another, stays`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            let (one, two) = (
                try await store.leases.grant(timeToLive: .seconds(5)),
                try await store.leases.grant(timeToLive: .seconds(50))
            )
            for name in ["a", "b", "c"] { try await store.keyValue.put(EntryKey("n/\(name)"), "x", lease: one.id) }
            let again = try await store.keyValue.put("n/a", "x")
            #expect(again.lease == nil && again.revision > again.createdRevision, "another lease is a change")
            try await store.keyValue.put("n/b", "x", lease: two.id)
            bench.time.monotonic += .seconds(5)
            #expect(try await eventually { try await store.keyValue.get("n/c") == nil })
            #expect(try await store.keyValue.list("n").records.map(\.key) == ["a", "b"])
        }
    }
}
