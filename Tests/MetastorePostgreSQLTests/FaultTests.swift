#if PostgreSQL
    internal import Dispatch
    internal import Glibc
    internal import MetastoreEngine
    internal import MetastorePostgreSQL
    internal import PostgreSQLServer
    import Testing

    /// What a call does when the server doesn't.
    @Suite struct `A call on PostgreSQL when the server fails` {
        private struct Rig {
            let server: PostgreSQLServer
            let engine: PostgreSQLEngine
            let writer: any Connection

            init(_ options: EngineOptions = .bound(.seconds(1)), _ setup: ServerOptions = .answersOnly) throws {
                server = try PostgreSQLServer(setup)
                engine = try MetastorePostgreSQLTests.engine(server.connection(), options)
                try engine.makeThings()
                writer = try engine.openWriter()
            }
        }

        private func seconds(_ body: () throws -> Void) -> (EngineError?, Double) {
            let began = ContinuousClock.now
            let failed = error(body)
            return (failed, (ContinuousClock.now - began) / .seconds(1))
        }

        @Test func `a session that stands still is given up at the bound`() throws {
            let rig = try Rig()
            try rig.writer.begin(.write)
            rig.server.freeze(backend: try rig.writer.backend())
            defer { rig.server.thaw() }
            let (failed, took) = seconds { try rig.writer.execute("INSERT INTO things VALUES (1, 'x')") }
            #expect(failed?.code == .timedOut && failed?.endedTransaction == true)
            #expect(took < 2)
            #expect(!rig.writer.isInTransaction)
            #expect(error { try rig.writer.execute("SELECT 1") }?.code == .disconnected)
        }

        @Test func `a commit without an answer is unknown`() throws {
            let rig = try Rig()
            try rig.writer.begin(.write)
            try rig.writer.execute("INSERT INTO things VALUES (1, 'x')")
            rig.server.freeze(backend: try rig.writer.backend())
            let (failed, took) = seconds { try rig.writer.commit() }
            #expect(failed?.leavesCommitUnknown == true && failed?.code == .disconnected)
            #expect(took < 2)
            rig.server.thaw()
            // The commit was on its way: here it arrived.
            let next = try rig.engine.openWriter()
            defer { next.close() }
            var count: Int64?
            for _ in 0..<50 where count != 1 { count = try next.count() }
            #expect(count == 1)
        }

        @Test func `a server that stands still lets nobody wait longer than the bound`() throws {
            let rig = try Rig()
            rig.server.freeze()
            defer { rig.server.thaw() }
            let (failed, took) = seconds { _ = try rig.engine.openReader() }
            #expect(failed?.code == .unreachable, "\(String(describing: failed))")
            #expect(took < 2)
            // An interruption doesn't wait either: it needs the postmaster.
            let interrupt = rig.writer.interrupter()
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(100), execute: interrupt)
            let (interrupted, time) = seconds { try rig.writer.execute("SELECT pg_sleep(60)") }
            #expect(interrupted?.code == .timedOut && time < 2)
        }

        @Test func `an idle session that was ended is noticed, and nothing is unknown`() throws {
            let rig = try Rig()
            let process = try rig.writer.backend()
            try rig.server.ask("SELECT pg_terminate_backend(\(process), 1000)")
            let failed = error { try rig.writer.execute("INSERT INTO things VALUES (1, 'x')") }
            #expect(failed?.code == .disconnected && failed?.sqlState == "57P01", "\(String(describing: failed))")
            let next = try rig.engine.openWriter()
            #expect(try next.count() == 0)
        }

        @Test func `a session that is ended during its commit leaves it unknown`() throws {
            let rig = try Rig()
            try rig.writer.begin(.write)
            try rig.writer.execute("INSERT INTO things VALUES (1, 'x')")
            let process = try rig.writer.backend()
            try rig.server.ask("SELECT pg_terminate_backend(\(process), 1000)")
            let failed = error { try rig.writer.commit() }
            #expect(failed?.leavesCommitUnknown == true && failed?.endedTransaction == true)
            #expect(!rig.writer.isInTransaction)
        }

        @Test func `a crash of the server is a lost connection, and connecting waits for its return`() throws {
            var setup = ServerOptions()
            setup.parameters = ["restart_after_crash": "on"]
            let rig = try Rig(.bound(.seconds(10)), setup)
            try rig.writer.execute("INSERT INTO things VALUES (1, 'x')")
            rig.server.kill(backend: try rig.writer.backend())
            #expect(error { try rig.writer.execute("SELECT 1") }?.code == .disconnected)
            let next = try rig.engine.openWriter()
            #expect(try next.count() == 1)
        }

        @Test func `a server that isn't there is unreachable, within the bound`() throws {
            let rig = try Rig(.bound(.milliseconds(500)))
            try rig.server.stop(.fast)
            let (failed, took) = seconds { _ = try rig.engine.openReader() }
            #expect(failed?.code == .unreachable && took < 1.5, "\(String(describing: failed))")
        }

        @Test func `too many connections are unreachable, and one more is taken once there is room`() throws {
            var setup = ServerOptions.answersOnly
            setup.parameters["max_connections"] = "5"
            setup.parameters["superuser_reserved_connections"] = "0"
            let rig = try Rig(.bound(.seconds(2)), setup)
            var readers: [any Connection] = []
            var failed: EngineError?
            while failed == nil, readers.count < 10 { failed = error { readers.append(try rig.engine.openReader()) } }
            #expect(failed?.code == .unreachable && failed?.sqlState == "53300", "\(String(describing: failed))")
            let leaving = Leaving(connection: readers.removeFirst())
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(300)) { leaving.connection.close() }
            readers.append(try rig.engine.openReader())
            for reader in readers { reader.close() }
        }

        /// `@unchecked` because a connection isn't `Sendable`: nobody else uses this one any more.
        private struct Leaving: @unchecked Sendable {
            let connection: any Connection
        }

        @Test func `a statement that takes too long is ended by the server, and the connection goes on`() throws {
            let rig = try Rig()
            let failed = error { try rig.writer.execute("SELECT pg_sleep(60)") }
            #expect(failed?.code == .timedOut && failed?.sqlState == "57014", "\(String(describing: failed))")
            #expect(try rig.writer.count() == 0)
        }

        @Test func `a lock of another is waited for as long as set`() throws {
            var options = EngineOptions()
            options.busyTimeout = .milliseconds(100)
            let rig = try Rig(options)
            let other = try rig.engine.openWriter()
            try other.begin(.write)
            try other.executeScript("LOCK TABLE things IN ACCESS EXCLUSIVE MODE")
            try rig.writer.begin(.write)
            let failed = error { try rig.writer.execute("INSERT INTO things VALUES (1, 'x')") }
            #expect(failed?.code == .busy && failed?.endedTransaction == true, "\(String(describing: failed))")
            other.rollback()
            rig.writer.rollback()
            try rig.writer.execute("INSERT INTO things VALUES (1, 'x')")
        }

        /// The server answers such a commit as if all were well, after a warning.
        @Test func `a commit whose standby is given up on is unknown`() throws {
            let rig = try Rig(.bound(.seconds(5)), ServerOptions())
            try rig.server.awaitStandby("nobody")
            // Told by a signal: this connection's backend looks at it when it gets to it.
            let shown: SQL = "SELECT current_setting('synchronous_standby_names')"
            while try rig.writer.first(shown, { try $0.text(0) }) != "nobody" { usleep(1_000) }
            let process = try rig.writer.backend()
            try rig.writer.begin(.write)
            try rig.writer.execute("INSERT INTO things VALUES (1, 'x')")
            let server = rig.server
            DispatchQueue.global().asyncAfter(deadline: .now() + .milliseconds(500)) {
                _ = try? server.ask("SELECT pg_cancel_backend(\(process))")
            }
            let failed = error { try rig.writer.commit() }
            #expect(failed?.leavesCommitUnknown == true, "\(String(describing: failed))")
        }

        @Test func `an interruption never hits a later statement`() throws {
            let rig = try Rig(.bound(.seconds(5)))
            let interrupt = rig.writer.interrupter()
            for round in 0..<100 {
                let delay = DispatchTimeInterval.microseconds(round * 50)
                DispatchQueue.global().asyncAfter(deadline: .now() + delay, execute: interrupt)
                let failed = error { try rig.writer.execute("SELECT pg_sleep(0.002)") }
                #expect(failed == nil || failed?.code == .interrupted, "\(String(describing: failed))")
            }
        }
    }
#endif
