#if PostgreSQL
    internal import Glibc
    internal import MetastoreEngine
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    internal import Synchronization
    import Testing

    @Suite struct `Commits of other processes` {
        private func wait(_ what: String, _ isTrue: () -> Bool) {
            let end = ContinuousClock.now + .seconds(20)
            while !isTrue() {
                guard ContinuousClock.now < end else {
                    Issue.record("\(what) didn't happen")
                    return
                }
                usleep(500)
            }
        }

        @Test func `wake those who watch, also after the connection was lost`() async throws {
            let server = try PostgreSQLServer(.answersOnly)
            let (one, other) = (try engine(server.connection()), try engine(server.connection()))
            defer {
                one.close()
                other.close()
            }
            try one.makeThings()
            let wakes = Atomic(0)
            other.watchCommits { wakes.add(1, ordering: .relaxed) }
            wait("listening") { wakes.load(ordering: .relaxed) > 0 }
            for _ in 0..<20 {
                let before = wakes.load(ordering: .relaxed)
                one.announceCommit()
                wait("a wake-up") { wakes.load(ordering: .relaxed) > before }
            }
            let before = wakes.load(ordering: .relaxed)
            try server.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() "
                    + "AND usename = 'postgres'")
            wait("a wake-up after connecting again") { wakes.load(ordering: .relaxed) > before }
        }

        @Test func `are told through a pooler too, and heard there by nobody`() throws {
            let server = try PostgreSQLServer(.answersOnly)
            let pooler = try PgBouncer(before: server)
            let (one, other) = (try engine(pooler.connection()), try engine(server.connection()))
            defer {
                one.close()
                other.close()
            }
            try one.makeThings()
            #expect(one.notices.count == 1)
            let wakes = Atomic(0)
            other.watchCommits { wakes.add(1, ordering: .relaxed) }
            wait("listening") { wakes.load(ordering: .relaxed) > 0 }
            one.watchCommits {}
            one.announceCommit()
            wait("a wake-up") { wakes.load(ordering: .relaxed) > 1 }
        }

        /// Thousands of commits a second are told in a few notifications.
        @Test func `are told together, and telling never waits`() async throws {
            let server = try PostgreSQLServer(.answersOnly)
            let (one, other) = (try engine(server.connection()), try engine(server.connection()))
            defer {
                one.close()
                other.close()
            }
            try one.makeThings()
            let wakes = Atomic(0)
            other.watchCommits { wakes.add(1, ordering: .relaxed) }
            wait("listening") { wakes.load(ordering: .relaxed) > 0 }
            one.announceCommit()
            wait("a wake-up") { wakes.load(ordering: .relaxed) > 1 }
            server.freeze()
            let began = ContinuousClock.now
            for _ in 0..<10_000 { one.announceCommit() }
            #expect(ContinuousClock.now - began < .seconds(1))
            let before = wakes.load(ordering: .relaxed)
            server.thaw()
            wait("a wake-up") { wakes.load(ordering: .relaxed) > before }
            #expect(wakes.load(ordering: .relaxed) < before + 100)
        }
    }
#endif
