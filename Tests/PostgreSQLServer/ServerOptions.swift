/// How a test's server is set up.
package struct ServerOptions: Sendable {
    /// Who may connect: anyone who reaches it, or who knows ``PostgreSQLServer/password``.
    package enum Authentication: String, Sendable {
        case trust
        case scram = "scram-sha-256"
    }

    /// Settings of `postgresql.conf`.
    package var parameters: [String: String] = [:]
    package var authentication = Authentication.trust
    /// Lines of `pg_hba.conf`, instead of those that follow from ``authentication``.
    package var accessRules: [String]?
    /// Listens at a free port of 127.0.0.1 too.
    package var listensOnLoopback = false
    /// Offers TLS with this certificate.
    package var certificate: Certificate?
    /// Keeps its files on a disk, where a flush costs something.
    package var isOnDisk = false
    /// Has a system identifier of its own. Others share one, as a primary and its standbys do: making a cluster takes a
    /// second, copying one a tenth of it.
    package var hasOwnIdentity = false

    /// The server's defaults: it flushes, and survives an immediate stop.
    package init() {}

    /// For tests that only look at answers: without flushes, what a crash leaves is damaged.
    package static var answersOnly: ServerOptions {
        var options = ServerOptions()
        options.parameters = [
            "fsync": "off", "full_page_writes": "off", "synchronous_commit": "off",
            // Swift Testing begins hundreds of tests at once, each with a store of several connections.
            "max_connections": "2000",
            // A session that outlives its connection is a prepared transaction.
            "max_prepared_transactions": "8",
        ]
        return options
    }

    func settings(port: UInt16, socketFolder: String) -> String {
        var all = [
            "port": "\(port)", "unix_socket_directories": socketFolder, "unix_socket_permissions": "0700",
            "listen_addresses": listensOnLoopback ? "127.0.0.1" : "", "dynamic_shared_memory_type": "mmap",
            "shared_buffers": "32MB", "log_line_prefix": "%m [%p] %q%u@%d ",
        ]
        if let certificate {
            all["ssl"] = "on"
            all["ssl_cert_file"] = certificate.path
            all["ssl_key_file"] = certificate.keyPath
        }
        all.merge(parameters) { $1 }
        return all.sorted { $0.key < $1.key }
            .map { "\($0.key) = '\($0.value.replacing("'", with: "''"))'\n" }.joined()
    }

    var access: String {
        let (all, method) = (["all", "replication"], authentication.rawValue)
        let lines = all.map { "local \($0) all \(method)" } + all.map { "host \($0) all 127.0.0.1/32 \(method)" }
        return (accessRules ?? lines).map { $0 + "\n" }.joined()
    }
}
