internal import Glibc
internal import Synchronization

/// A private PostgreSQL 15 for tests, on a Unix socket in a scratch folder.
///
/// It is gone, folder included, when this goes out of scope or the process ends, however it ends. Calls block.
package final class PostgreSQLServer: Sendable {
    /// How to stop: `fast` ends sessions and writes everything; `immediate` is a crash.
    package enum Stop: String, Sendable {
        case fast, immediate
    }

    /// The superuser, on every server.
    package static let user = "postgres"
    /// The superuser's password, asked for with ``ServerOptions/Authentication/scram``.
    package static let password = "a password for tests"

    package let options: ServerOptions
    package let port: UInt16
    let shell: ServerShell
    let databases = Atomic<Int>(0)

    /// The folder of the socket: what a connection string calls the host.
    package var socketFolder: String { shell.folder }
    var data: String { shell.folder + "/data" }

    /// Makes and starts a server.
    package convenience init(_ options: ServerOptions = ServerOptions()) throws {
        try Installation.require(Installation.programs + "/postgres", package: "postgresql-15")
        let shell = try ServerShell(onDisk: options.isOnDisk)
        if options.hasOwnIdentity {
            try Cluster.make(shell)
        } else {
            try shell.run("cp -a \(quoted(try Cluster.shared.data)) \(quoted(shell.folder))/data")
        }
        try self.init(options, shell: shell)
    }

    /// Starts a server on the data that lies in the shell's folder.
    init(_ options: ServerOptions, shell: ServerShell) throws {
        (self.options, self.shell) = (options, shell)
        port = options.listensOnLoopback ? try freePort() : 5432
        try shell.write(options.settings(port: port, socketFolder: shell.folder), to: "data/postgresql.conf")
        try shell.write(options.access, to: "data/pg_hba.conf")
        try start()
    }

    /// One server for all tests of this process that only look at answers, started when first asked for.
    package static var shared: PostgreSQLServer {
        get throws { try sharedResult.get() }
    }

    private static let sharedResult = Result { try PostgreSQLServer(.answersOnly) }

    /// Returns once it takes connections, after recovery if need be.
    package func start() throws {
        do {
            try shell.run("pg_ctl start --silent --wait --timeout=60 -D \(quoted(data)) -l \(quoted(logPath))")
        } catch {
            throw ServerFailure("\(error)\n\(log.suffix(4000))")
        }
    }

    /// Returns once it has ended.
    package func stop(_ mode: Stop) throws {
        thaw()
        try shell.run("pg_ctl stop --silent --wait --timeout=60 --mode=\(mode.rawValue) -D \(quoted(data))")
    }

    package func restart(_ mode: Stop = .fast) throws {
        try stop(mode)
        try start()
    }

    /// Changes a setting and reloads; those that need it take effect at the next start only. It outlives the server's
    /// ``options``.
    package func set(_ name: String, to value: String) throws {
        try ask("ALTER SYSTEM SET \(name) = '\(value.replacing("'", with: "''"))'")
        try ask("SELECT pg_reload_conf()")
    }

    private var logPath: String { shell.folder + "/log" }

    /// Everything the server wrote to its log.
    package var log: String { (try? contents(logPath)) ?? "" }
}

/// The files of a new cluster, made once per process.
private final class Cluster: Sendable {
    let shell: ServerShell

    init() throws {
        shell = try ServerShell(onDisk: false)
        try Self.make(shell)
    }

    static var shared: Cluster {
        get throws { try result.get() }
    }

    private static let result = Result { try Cluster() }

    var data: String { shell.folder + "/data" }

    static func make(_ shell: ServerShell) throws {
        try shell.write(PostgreSQLServer.password + "\n", to: "password")
        let (data, password) = (quoted(shell.folder + "/data"), quoted(shell.folder + "/password"))
        try shell.run(
            """
            initdb -D \(data) -U \(PostgreSQLServer.user) --pwfile=\(password) --locale=C.UTF-8 --encoding=UTF8 \
            --auth=trust --no-sync --no-instructions
            """)
    }
}

/// A port of 127.0.0.1 that nobody listens at.
func freePort() throws(ServerFailure) -> UInt16 {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = in_addr_t(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let result = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 ? getsockname(descriptor, $0, &length) : -1
        }
    }
    guard result == 0 else { throw ServerFailure(call: "bind") }
    return UInt16(bigEndian: address.sin_port)
}
