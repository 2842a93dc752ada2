#if PostgreSQL
    // Invariants
    // 1. Every keyword that libpq knows is given explicitly, so that neither the environment nor a file in a home
    //    directory adds to it or changes it.
    // 2. Beyond the loopback and Unix sockets the mode is what `TransportSecurity` allows, at least.
    // 3. No error here repeats the string: it may hold a password.

    internal import CPostgreSQL
    internal import Glibc
    internal import MetastoreEngine

    /// One server to connect to.
    struct Host: Sendable, Hashable {
        var name: String
        var address: String
        var port: String

        /// A Unix socket, or an address of this machine by its number or its one fixed name.
        var isLocal: Bool {
            if !address.isEmpty { return Self.isLoopback(address) }
            return name.isEmpty || name.hasPrefix("/") || name.hasPrefix("@") || name == "localhost"
                || Self.isLoopback(name)
        }

        private static func isLoopback(_ text: String) -> Bool {
            var four = in_addr()
            if inet_pton(AF_INET, text, &four) == 1 { return UInt32(bigEndian: four.s_addr) >> 24 == 127 }
            return text == "::1"
        }

        var description: String {
            let shown = name.isEmpty ? (address.isEmpty ? "the default socket" : address) : name
            return port.isEmpty ? shown : "\(shown):\(port)"
        }
    }

    /// What a connection string says, checked.
    struct ConnectionString: Sendable {
        let hosts: [Host]
        let notices: [String]
        private let values: [String: String]

        /// - Parameter text: in libpq's `keyword=value` form, or a URL.
        init(_ text: String, security: TransportSecurity) throws(EngineError) {
            let given = try Self.parse(text)
            for keyword in ["service", "replication", "require_auth"] where given[keyword] != nil {
                throw Self.refused("\(keyword) isn't taken. Name the hosts and the database themselves")
            }
            hosts = try Self.hosts(given)
            var values = given.filter { !["host", "hostaddr", "port", "connect_timeout"].contains($0.key) }
            if (values["user"] ?? "").isEmpty { values["user"] = Self.systemUser() }
            if (values["dbname"] ?? "").isEmpty { values["dbname"] = values["user"] }
            guard values["user"]?.isEmpty == false else { throw Self.refused("it names no user") }
            let isLocal = hosts.allSatisfy(\.isLocal)
            let mode = try Self.mode(given["sslmode"], security, isLocal: isLocal)
            values["sslmode"] = mode
            if mode.hasPrefix("verify"), (values["sslrootcert"] ?? "").isEmpty {
                values["sslrootcert"] = try Self.systemAuthorities()
            }
            if let key = values["sslkey"], !key.isEmpty { try Self.checkKey(key) }
            notices =
                !isLocal && mode != "verify-full"
                ? [
                    "connecting to PostgreSQL with sslmode=\(mode), as asked: the server isn't proven to be the right one"
                ] : []
            self.values = values
        }

        var database: String { values["dbname"] ?? "" }
        var user: String { values["user"] ?? "" }
        /// For messages: where, and nothing secret.
        var place: String { "PostgreSQL database \(database) at \(hosts.map(\.description).joined(separator: ", "))" }
        /// What the string asks of the server's state, if anything.
        var attributes: String { values["target_session_attrs"] ?? "any" }

        /// Everything libpq knows, for one host, as a string of its own.
        ///
        /// In a string an empty value stands; in libpq's arrays of values it would count as not given.
        func complete(for host: Host, password: String?, bound: Duration, keepalive: (Int, Int, Int)) -> String {
            var all = values
            // The states of servers are looked at after connecting.
            all["target_session_attrs"] = "any"
            (all["host"], all["hostaddr"], all["port"]) = (host.name, host.address, host.port)
            let own: [String: String] = [
                "gssencmode": "disable", "client_encoding": "UTF8",
                "connect_timeout": "\(max(2, (bound.settingMilliseconds + 999) / 1000))",
                "keepalives": "1", "keepalives_idle": "\(keepalive.0)", "keepalives_interval": "\(keepalive.1)",
                "keepalives_count": "\(keepalive.2)", "tcp_user_timeout": "\(bound.settingMilliseconds)",
                // A path that can't exist: an empty one would stand for a file in the home directory.
                "passfile": all["passfile"] ?? Self.noFile, "sslcert": all["sslcert"] ?? Self.noFile,
                "sslkey": all["sslkey"] ?? Self.noFile, "sslrootcert": all["sslrootcert"] ?? Self.noFile,
                "sslcrl": all["sslcrl"] ?? Self.noFile, "options": all["options"] ?? "",
                "fallback_application_name": "metastore",
                "ssl_min_protocol_version": all["ssl_min_protocol_version"] ?? "TLSv1.2",
            ]
            all.merge(own) { $1 }
            if let password { all["password"] = password }
            for (keyword, compiled) in Self.known where all[keyword] == nil && keyword != "service" {
                all[keyword] = compiled
            }
            return all.sorted { $0.key < $1.key }.map { "\($0.key)=\(Self.quoted($0.value))" }.joined(separator: " ")
        }

        private static let noFile = "/dev/null/none"

        private static func quoted(_ value: String) -> String {
            "'" + value.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
        }

        /// Every keyword of this libpq, with the default that is compiled in.
        private static let known: [(keyword: String, compiled: String)] = {
            guard let options = PQconndefaults() else { return [] }
            defer { PQconninfoFree(options) }
            var found: [(String, String)] = []
            var next = options
            while let keyword = next.pointee.keyword {
                found.append((String(cString: keyword), cText(next.pointee.compiled)))
                next += 1
            }
            return found
        }()

        private static func parse(_ text: String) throws(EngineError) -> [String: String] {
            guard !text.utf8.contains(0) else { throw refused("it holds a NUL") }
            var words: UnsafeMutablePointer<CChar>?
            guard let options = PQconninfoParse(text, &words) else {
                PQfreemem(words)
                // libpq's words repeat a part of the string.
                throw refused(
                    "libpq can't read it. It is keyword=value pairs, or a URL postgresql://user@host/database")
            }
            defer { PQconninfoFree(options) }
            var found: [String: String] = [:]
            var next = options
            while let keyword = next.pointee.keyword {
                if let value = next.pointee.val { found[String(cString: keyword)] = String(cString: value) }
                next += 1
            }
            return found
        }

        private static func hosts(_ given: [String: String]) throws(EngineError) -> [Host] {
            func list(_ keyword: String) -> [String] {
                let value = given[keyword] ?? ""
                return value.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
            }
            let (names, addresses, ports) = (list("host"), list("hostaddr"), list("port"))
            let hasAddresses = !(given["hostaddr"] ?? "").isEmpty
            let hasNames = !(given["host"] ?? "").isEmpty
            let count = hasAddresses ? addresses.count : names.count
            guard !hasNames || !hasAddresses || names.count == addresses.count, ports.count == 1 || ports.count == count
            else { throw refused("it names different numbers of hosts, addresses and ports") }
            return (0..<count).map { index in
                Host(
                    name: hasNames ? names[index] : "", address: hasAddresses ? addresses[index] : "",
                    port: ports.count == 1 ? ports[0] : ports[index])
            }
        }

        private static func mode(
            _ given: String?, _ security: TransportSecurity, isLocal: Bool
        ) throws(EngineError) -> String {
            guard let given, !given.isEmpty else {
                return isLocal && security == .verified ? "prefer" : security.mode
            }
            guard TransportSecurity.modes.contains(given) else { throw refused("its sslmode is none of libpq's") }
            guard isLocal || security.allows(given) else {
                throw EngineError(
                    .untrusted, operation: "open",
                    message: "the connection string asks for sslmode=\(given), with which an impostor could take the "
                        + "server's place. Use sslmode=verify-full; to accept less, say so in the call "
                        + "(`tls:`), not in the string")
            }
            return given
        }

        private static func systemAuthorities() throws(EngineError) -> String {
            let places = [
                "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem",
            ]
            if let found = places.first(where: { access($0, R_OK) == 0 }) { return found }
            throw EngineError(
                .untrusted, operation: "open",
                message: "this system has no list of trusted authorities. Install ca-certificates, or name the "
                    + "server's authority with sslrootcert")
        }

        private static func checkKey(_ path: String) throws(EngineError) {
            var status = stat()
            guard stat(path, &status) == 0 else {
                throw EngineError(.untrusted, operation: "open", message: "there is no key file \(path)")
            }
            let others: mode_t = status.st_uid == 0 ? 0o037 : 0o077
            guard status.st_mode & S_IFMT == S_IFREG, status.st_mode & others == 0 else {
                throw EngineError(
                    .untrusted, operation: "open",
                    message: "others can read the key file \(path). Take the right from them (chmod 0600), and have a "
                        + "new key made if somebody may have read it")
            }
        }

        private static func systemUser() -> String {
            getpwuid(geteuid()).map { String(cString: $0.pointee.pw_name) } ?? ""
        }

        private static func refused(_ reason: String) -> EngineError {
            EngineError(.misuse, operation: "open", message: "the connection string is refused: \(reason)")
        }
    }
#endif
