#if PostgreSQL
    internal import FaultSupport
    internal import Glibc
    internal import Metastore
    internal import MetastoreCommandLine
    internal import MetastoreEngine
    internal import PostgreSQLServer
    internal import Synchronization
    internal import Testing

    @Suite(.serialized) struct `A backfill on a server that comes and goes` {
        private func end(_ rig: Rig) throws {
            try rig.withConnection { connection in
                _ = try connection.all(
                    """
                    SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                    WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
                    """
                ) { _ in }
            }
        }

        /// Broke: nobody connected again while it was paused, and it rested for ever.
        @Test func `connects again, also while it is paused`() async throws {
            let rig = try await Rig(.server)
            try await rig.report()
            try rig.forget(rowsPerSecond: 50)
            let run = try Tool(["backfill", "run", rig.url])
            try await eventually { try rig.progress().rowsDone > 0 }
            try end(rig)
            let before = try rig.progress().rowsDone
            try await eventually { try rig.progress().rowsDone > before }
            _ = try rig.released.pauseBackfill()
            try await eventually { run.errors.contains("paused by orders") }
            try end(rig)
            try await Task.sleep(for: .seconds(2))
            _ = try rig.released.throttleBackfill(rowsPerSecond: nil)
            _ = try rig.released.resumeBackfill()
            try await eventually { run.hasEnded }
            run.send(SIGKILL)
            let ending = run.end()
            #expect(ending.code == 0, "\(ending)")
            #expect(try rig.progress().rowsDone == Rig.rows)
        }

        @Test func `ends when it stays away`() async throws {
            let rig = try await Rig(.server)
            try await rig.report()
            try rig.forget(rowsPerSecond: 50)
            let hasBegun = Atomic(false)
            let run = BackfillRun(try rig.source, StoreOptions(), patience: .seconds(1))
            let work = Task { try await run.run { _ in hasBegun.store(true, ordering: .releasing) } }
            try await eventually { hasBegun.load(ordering: .acquiring) }
            let name = try rig.withConnection {
                try $0.first("SELECT pg_catalog.current_database()") { try $0.text(0) }
            }
            let server = try PostgreSQLServer.shared
            _ = try server.ask("ALTER DATABASE \(try #require(name)) ALLOW_CONNECTIONS false")
            _ = try server.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(try #require(name))'")
            let end = Task {
                try await Task.sleep(for: .seconds(120))
                work.cancel()
            }
            let ending = await work.result
            end.cancel()
            guard case .failure(let error) = ending, case StoreError.unavailable = error else {
                Issue.record("\(ending)")
                return
            }
        }
    }
#endif
