#if PostgreSQL
    internal import FaultLoad
    internal import FaultSupport
    internal import Glibc
    internal import Metastore
    internal import MetastoreEngine
    internal import MetastoreModel
    internal import PostgreSQLServer
    internal import Testing

    extension ServerFaults {
        /// Broke: readers stayed on an old primary that went on answering, for as long as it lived.
        @Suite(.serialized, .timed) struct `A server that was left behind is not read from` {
            private static let reads = 12

            /// It answers every session it has, but commits nothing any more: its standby is gone.
            @Test func `when the writer moved on to the new primary`() async throws {
                let (primary, standby) = try await pair()
                try await blocking { try primary.awaitStandby("standby") }
                let store = try await Metastore.open(.place(PostgreSQLServer.url([primary, standby])), options)
                let follower = try await Follower(store)
                try await store.keyValue.put("a/b", "old")
                #expect(try await values(store) == ["old"])
                let before = try sessions(primary)
                try await blocking {
                    try standby.promote()
                    try standby.awaitStandby(nil)
                }
                #expect(await eventually { (try? await store.keyValue.put("a/b", "new")) != nil })
                for round in 0..<5 {
                    let found = try await values(store)
                    #expect(found == ["new"], "\(round): \(found)")
                }
                // Where the feed reads on from the log, too: what this process remembers of it doesn't reach that far.
                for _ in 0..<Self.reads {
                    let position = try await store.position(at: Revision(2))
                    let first = try await Self.first(store, after: position)
                    #expect(first == "kv/a/b")
                }
                for number in 0..<20 { try await store.keyValue.put(EntryKey("a/\(number)"), "x") }
                #expect(try await follower.catchUp(store), "\(String(describing: follower.failure))")
                #expect(follower.gaps.isEmpty, "\(follower.gaps)")
                // It was there all the time, and nobody reads from it now.
                #expect(before > 2, "\(before) sessions")
                #expect(try await eventually { try sessions(primary) <= 1 })
                #expect(try primary.ask("SELECT count(*) FROM metastore.head") == "1")
                await store.close()
            }

            /// One of its connections has seen the new primary; the others are still on the old one.
            @Test func `by a handle that only reads, once it has seen the new one`() async throws {
                let (primary, standby) = try await pair()
                let place = EngineSource.place(PostgreSQLServer.url([primary, standby]))
                let writer = try await Metastore.open(place, options)
                try await writer.keyValue.put("a/b", "old")
                let revision = try await writer.info().revision
                #expect(
                    await eventually {
                        // The table itself may not have arrived yet.
                        (try? standby.ask("SELECT revision FROM metastore.head")) == "\(revision.rawValue)"
                    })
                await writer.close()
                var readOnly = options
                readOnly.engine.isReadOnly = true
                let reader = try await Metastore.open(place, readOnly)
                #expect(try await values(reader) == ["old"])
                try await blocking { try standby.promote() }
                let fresh = try await Metastore.open(place, options)
                try await fresh.keyValue.put("a/b", "new")
                // Nothing has told it yet; then one connection is lost, and finds the new primary.
                try primary.ask(
                    """
                    SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
                    AND backend_type = 'client backend' AND query NOT LIKE 'LISTEN%' ORDER BY pid LIMIT 1
                    """)
                var seen: Set<String> = []
                #expect(
                    try await eventually {
                        seen = try await values(reader)
                        return seen.contains("new")
                    })
                for round in 0..<5 {
                    let found = try await values(reader)
                    #expect(found == ["new"], "\(round): \(found)")
                }
                for store in [reader, fresh] { await store.close() }
            }

            /// One of two standbys stands still: what was read from the other is never taken back.
            @Test func `by a handle on standbys, when it lags behind what was read`() async throws {
                let (primary, standby) = try await pair()
                let lagging = try await blocking { try primary.makeStandby("lagging") }
                let writer = try await Metastore.open(.place(primary.url()), options)
                try await writer.keyValue.put("a/b", "old")
                let revision = try await writer.info().revision
                for server in [standby, lagging] {
                    #expect(
                        await eventually {
                            (try? server.ask("SELECT revision FROM metastore.head")) == "\(revision.rawValue)"
                        })
                }
                var readOnly = options
                readOnly.engine.isReadOnly = true
                let both = PostgreSQLServer.url([standby, lagging]) + "&target_session_attrs=standby"
                let reader = try await Metastore.open(.place(both), readOnly)
                try lagging.ask("SELECT pg_wal_replay_pause()")
                #expect(try await eventually { try lagging.ask("SELECT pg_get_wal_replay_pause_state()") == "paused" })
                try await writer.keyValue.put("a/b", "new")
                #expect(try await eventually { try await values(reader).contains("new") })
                try await blocking { try standby.stop(.fast) }
                let refused = await refusal { try await reader.keyValue.get("a/b") }
                #expect(refused?.label == "unavailable", "\(refused as Any)")
                try lagging.ask("SELECT pg_wal_replay_resume()")
                #expect(
                    await eventually { (try? await reader.keyValue.get("a/b")?.text) == "new" })
                for store in [writer, reader] { await store.close() }
            }

            private var options: StoreOptions {
                var options = StoreOptions.bound(.seconds(2))
                options.readerThreads = 4
                return options
            }

            private func pair() async throws -> (primary: PostgreSQLServer, standby: PostgreSQLServer) {
                try await blocking {
                    let primary = try PostgreSQLServer()
                    return (primary, try primary.makeStandby())
                }
            }

            /// What reads at once find; each takes long enough that every reader's thread has one.
            private func values(_ store: Metastore) async throws -> Set<String> {
                try await withThrowingTaskGroup(of: String?.self) { group in
                    for number in 0..<Self.reads {
                        group.addTask {
                            guard number % 2 == 0 else { return try await store.keyValue.get("a/b")?.text }
                            return try await store.read { snapshot in
                                usleep(10_000)
                                return try snapshot.keyValue.get("a/b")?.text
                            }
                        }
                    }
                    return try await group.reduce(into: []) { $0.insert($1 ?? "nothing") }
                }
            }

            private static func first(_ store: Metastore, after position: Position) async throws -> String? {
                for try await change in store.changes(after: position, of: .keyValue) { return change.key.path }
                return nil
            }

            /// But for those whose commit still waits for the standby. The one that waits for notices may stay.
            private func sessions(_ server: PostgreSQLServer) throws -> Int {
                Int(
                    try server.ask(
                        """
                        SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid()
                        AND backend_type = 'client backend' AND wait_event IS DISTINCT FROM 'SyncRep'
                        """)) ?? 0
            }
        }
    }
#endif
