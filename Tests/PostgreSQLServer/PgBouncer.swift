internal import Glibc

/// A pgbouncer in front of a test's server, on a Unix socket of its own; gone as the server is. Whoever connects to it
/// is not asked for a password.
package final class PgBouncer: Sendable {
    /// How many clients share a connection of the server, and for how long one keeps it.
    package enum Mode: String, Sendable {
        case session, transaction
    }

    private let shell: ServerShell
    private let server: PostgreSQLServer

    /// - Parameters:
    ///   - poolSize: connections to the server, per database and user.
    ///   - users: who may connect.
    package init(
        before server: PostgreSQLServer, mode: Mode = .transaction, poolSize: Int = 2,
        users: [String] = [PostgreSQLServer.user], parameters: [String: String] = [:]
    ) throws {
        try Installation.require(Installation.bouncer, package: "pgbouncer")
        self.server = server
        shell = try ServerShell(onDisk: false)
        var settings = [
            "listen_addr": "", "unix_socket_dir": shell.folder, "auth_type": "trust",
            "auth_file": shell.folder + "/users", "pool_mode": mode.rawValue, "default_pool_size": "\(poolSize)",
            "logfile": shell.folder + "/log", "pidfile": "", "admin_users": PostgreSQLServer.user,
        ]
        settings.merge(parameters) { $1 }
        let target = "host=\(server.socketFolder) port=\(server.port)"
        try shell.write(
            "[databases]\n* = \(target)\n[pgbouncer]\n"
                + settings.sorted { $0.key < $1.key }.map { "\($0.key) = \($0.value)\n" }.joined(),
            to: "pgbouncer.ini")
        try shell.write(
            users.map { "\"\($0)\" \"\(PostgreSQLServer.password)\"\n" }.joined(), to: "users")
        try shell.run(
            "cd \(shell.folder) && { \(Installation.bouncer) -q pgbouncer.ini >start 2>&1 & } && sleep 0.05")
        try awaitAnswer()
    }

    /// A connection string of libpq.
    package func connection(to database: String = "postgres", user: String = PostgreSQLServer.user) -> String {
        "host=\(shell.folder) port=6432 dbname=\(database) user=\(user)"
    }

    /// Everything it wrote to its log.
    package var log: String { (try? contents(shell.folder + "/log")) ?? "" }

    private func awaitAnswer() throws {
        let deadline = ContinuousClock.now + .seconds(20)
        while true {
            do {
                try psql(connection(to: "pgbouncer"), "SHOW VERSION")
                return
            } catch {
                guard ContinuousClock.now < deadline else {
                    let said = (try? contents(shell.folder + "/start")) ?? ""
                    throw ServerFailure("pgbouncer didn't start: \(error)\n\(said)\n\(log.suffix(2000))")
                }
                usleep(50_000)
            }
        }
    }
}
