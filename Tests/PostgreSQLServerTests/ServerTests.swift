internal import Glibc
internal import PostgreSQLServer
internal import Testing

@Suite struct `A server for tests` {
    @Test func `answers, each database apart`() async throws {
        let server = try PostgreSQLServer.shared
        #expect(try server.ask("SHOW fsync") == "off")
        #expect(try server.ask("SHOW listen_addresses").isEmpty)
        #expect(try server.ask("SHOW server_encoding") == "UTF8")
        try await server.withDatabase { one in
            let other = try server.freshDatabase()
            try psql(one, "CREATE TABLE a (b bigint)")
            #expect(try psql(one, "SELECT count(*) FROM a") == "0")
            #expect(throws: ServerFailure.self) { try psql(other, "SELECT count(*) FROM a") }
        }
        #expect(try PostgreSQLServer.shared === server)
    }

    @Test(arguments: [PostgreSQLServer.Stop.fast, .immediate])
    func `keeps what was committed over a restart`(_ stop: PostgreSQLServer.Stop) throws {
        let server = try PostgreSQLServer()
        #expect(try server.ask("SHOW fsync") == "on")
        try server.ask("CREATE TABLE a (b bigint)")
        try server.ask("INSERT INTO a VALUES (1)")
        try server.stop(stop)
        #expect(server.postmaster == nil)
        #expect(throws: ServerFailure.self) { try server.ask("SELECT 1") }
        try server.start()
        #expect(try server.ask("SELECT b FROM a") == "1")
        #expect(server.log.contains("not properly shut down") == (stop == .immediate))
    }

    @Test func `freezes and goes on`() throws {
        let server = try PostgreSQLServer(.answersOnly)
        let database = server.connection()
        #expect(server.processes.count > 3)
        server.freeze()
        #expect(throws: ServerFailure.self) { try psql(database, "SELECT 1", within: .milliseconds(300)) }
        server.thaw()
        #expect(try psql(database, "SELECT 1") == "1")
        server.freezePostmaster()
        #expect(throws: ServerFailure.self) { try psql(database, "SELECT 1", within: .milliseconds(300)) }
        try server.restart(.immediate)
        #expect(try psql(database, "SELECT 1") == "1")
    }

    @Test func `is gone with its last reference`() throws {
        var server: PostgreSQLServer? = try PostgreSQLServer(.answersOnly)
        let (folder, processes) = (try #require(server).socketFolder, try #require(server).processes)
        #expect(access(folder, F_OK) == 0)
        server?.freeze()
        server = nil
        #expect(access(folder, F_OK) != 0)
        #expect(processes.allSatisfy { !isRunning($0) })
    }

    @Test(arguments: [SIGKILL, SIGTERM, SIGINT])
    func `is gone when the process that started it is killed`(_ signal: Int32) async throws {
        let program = try Program("metastore-test-server")
        let folder = try #require(program.line())
        let postmaster = try #require(program.line().flatMap { Int32($0) })
        let database = try #require(program.line())
        #expect(try psql(database, "SELECT 1") == "1")
        #expect(isRunning(postmaster))
        program.signal(signal)
        let deadline = ContinuousClock.now + .seconds(20)
        while isRunning(postmaster) || access(folder, F_OK) == 0, ContinuousClock.now < deadline {
            try await Task.sleep(for: .milliseconds(20))
        }
        #expect(!isRunning(postmaster))
        #expect(access(folder, F_OK) != 0)
    }

    @Test func `has an identity of its own when asked for one`() throws {
        let system = "SELECT system_identifier FROM pg_control_system()"
        var options = ServerOptions.answersOnly
        options.hasOwnIdentity = true
        let own = try PostgreSQLServer(options)
        #expect(try own.ask(system) != PostgreSQLServer.shared.ask(system))
    }

    @Test func `asks for a password when told to, on a port of the loopback too`() throws {
        var options = ServerOptions.answersOnly
        options.authentication = .scram
        options.listensOnLoopback = true
        let server = try PostgreSQLServer(options)
        #expect(try psql(server.connection(over: .loopback), "SELECT 1") == "1")
        #expect(try psql(server.connection(over: .socket), "SELECT 1") == "1")
        let wrong = server.connection(over: .loopback) + " password=wrong"
        #expect(throws: ServerFailure.self) { try psql(wrong, "SELECT 1") }
    }
}

@Suite struct `A standby for tests` {
    @Test func `follows, and takes over`() throws {
        let primary = try PostgreSQLServer(.answersOnly)
        try primary.ask("CREATE TABLE a (b bigint)")
        let standby = try primary.makeStandby()
        try primary.set("synchronous_commit", to: "remote_apply")
        try primary.awaitStandby("standby")
        try primary.ask("INSERT INTO a VALUES (7)")
        #expect(try standby.ask("SELECT b FROM a") == "7")
        #expect(throws: ServerFailure.self) { try standby.ask("INSERT INTO a VALUES (8)") }
        try primary.stop(.immediate)
        try standby.promote()
        try standby.ask("INSERT INTO a VALUES (8)")
        #expect(try standby.ask("SELECT sum(b) FROM a") == "15")
        // The checkpoint that ends recovery comes when it likes.
        try standby.ask("CHECKPOINT")
        #expect(try standby.ask("SELECT timeline_id FROM pg_control_checkpoint()") == "2")
    }
}

/// True until it has ended, even if nobody took note of that.
private func isRunning(_ process: Int32) -> Bool {
    guard let file = fopen("/proc/\(process)/stat", "r") else { return false }
    defer { fclose(file) }
    var buffer = [CChar](repeating: 0, count: 512)
    guard fgets(&buffer, Int32(buffer.count), file) != nil else { return false }
    let text = String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    return !text.contains(") Z ")
}
