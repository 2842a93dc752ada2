#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Metastore
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        @Suite(.serialized, .timed) struct `A store that was replaced under a running server` {
            let server: PostgreSQLServer
            let database: String
            let url: String

            init() throws {
                server = try PostgreSQLServer(.answersOnly)
                database = try server.makeDatabase()
                url = server.url(database)
            }

            @Test func `by another one is neither read nor written`() async throws {
                let store = try await Metastore.open(.place(url))
                try await store.keyValue.put("a/b", "old")
                #expect(try await store.keyValue.get("a/b")?.text == "old")
                try server.ask("DROP SCHEMA metastore CASCADE", in: database)
                let other = try await Metastore.open(.place(url))
                for number in 0..<5 { try await other.keyValue.put(EntryKey("a/\(number)"), "new") }
                try server.ask(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(database)' "
                        + "AND pid <> pg_backend_pid()")
                #expect(
                    await eventually {
                        await refusal { try await store.keyValue.put("a/b", "ghost") } == .otherCluster
                    })
                #expect(await refusal { try await store.keyValue.get("a/0") } == .otherCluster)
                #expect(try await other.keyValue.get("a/b") == nil)
                for store in [store, other] { await store.close() }
            }

            /// Its log doesn't reach back to what was seen here: only the epoch tells.
            @Test func `by a history of an earlier epoch is neither read nor written`() async throws {
                let store = try await Metastore.open(.place(url))
                let known = try await store.lead(as: "m") { _ in try await store.keyValue.put("a/b", "x") }.revision
                let last = store.position.revision
                #expect(last > known)
                try server.ask(
                    """
                    BEGIN;
                    UPDATE metastore.head SET epoch = 1, revision = revision + 10, compacted_revision = revision + 10;
                    DELETE FROM metastore.log;
                    COMMIT;
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(database)'
                    AND pid <> pg_backend_pid()
                    """, in: database)
                let cut = StoreError.historyCut(expected: last, found: Revision(last.rawValue + 10))
                #expect(await eventually { await refusal { try await store.keyValue.put("a/b", "ghost") } == cut })
                #expect(await refusal { try await store.keyValue.get("a/b") } == cut)
                await store.close()
            }

            /// By an older state of its own: a dump was played back.
            @Test func `by what it was before ends the feed`() async throws {
                let store = try await Metastore.open(.place(url))
                let follower = try await Follower(store)
                for number in 0..<5 { try await store.keyValue.put(EntryKey("a/\(number)"), "x") }
                let last = store.position.revision
                #expect(await eventually { follower.last == last })
                try server.ask(
                    """
                    BEGIN;
                    UPDATE metastore.head SET revision = log.revision, chain = log.chain FROM metastore.log
                    WHERE log.revision = head.revision - 2;
                    DELETE FROM metastore.log WHERE revision > (SELECT revision FROM metastore.head);
                    COMMIT
                    """, in: database)
                #expect(await eventually { follower.failure != nil })
                let told = follower.failure as? StoreError
                #expect(told == .historyCut(expected: last, found: Revision(last.rawValue - 2)), "\(told as Any)")
                await store.close()
            }
        }
    }
#endif
