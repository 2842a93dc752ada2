internal import FaultSupport
internal import FoundationEssentials

/// Certificates of a test, made by openssl: an authority, a server's, and clients' of all sorts.
struct Certificates {
    let folder: String

    /// - Parameters:
    ///   - folder: one that is there.
    ///   - server: the names of the server, as openssl takes them.
    init(in folder: String, server: String = "IP:127.0.0.1,DNS:localhost") throws {
        self.folder = folder
        for authority in ["authority", "stranger"] {
            try FaultSupport.run(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days",
                "30", "-subj", "/CN=\(authority)", "-keyout", key(authority), "-out", path(authority))
        }
        try make("server", by: "authority", names: server)
        for (name, authority) in [
            ("follower", "authority"), ("reader", "authority"), ("unlisted", "authority"),
            ("wrong", "stranger"),
        ] {
            try make(name, by: authority)
        }
        try make("expired", by: "authority", from: "20200101000000Z", to: "20200201000000Z")
        try make("early", by: "authority", from: "20900101000000Z", to: "20910101000000Z")
        try FaultSupport.run(
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days",
            "30",
            "-subj", "/CN=follower", "-keyout", key("selfsigned"), "-out", path("selfsigned"))
    }

    func path(_ name: String) -> String { "\(folder)/\(name).pem" }
    func key(_ name: String) -> String { "\(folder)/\(name).key" }

    /// As openssl prints it.
    func fingerprint(_ name: String) throws -> String {
        let ending = try Tool.run(
            ["x509", "-in", path(name), "-noout", "-fingerprint", "-sha256"], program: "/usr/bin/openssl")
        return String(ending.output.split(separator: "=").last?.prefix { $0 != "\n" } ?? "")
    }

    private func make(
        _ name: String, by authority: String, names: String? = nil, from: String? = nil, to: String? = nil
    ) throws {
        let request = "\(folder)/\(name).csr"
        try FaultSupport.run(
            "openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj",
            "/CN=\(name)",
            "-keyout", key(name), "-out", request)
        // `openssl ca` is the one that signs for any time.
        let place = "\(folder)/ca-\(name)"
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: false)
        let extensions = names.map { "subjectAltName=\($0)\n" } ?? "keyUsage=digitalSignature\n"
        let text = """
            [ca]
            default_ca=d
            [d]
            database=\(place)/index
            serial=\(place)/serial
            new_certs_dir=\(place)
            default_md=sha256
            policy=p
            x509_extensions=e
            [p]
            commonName=supplied
            [e]
            \(extensions)
            """
        for (file, content) in [("config", text), ("index", ""), ("serial", "01")] {
            guard FileManager.default.createFile(atPath: "\(place)/\(file)", contents: Data(content.utf8)) else {
                throw Failure("write \(file)")
            }
        }
        let times = from.map { ["-startdate", $0, "-enddate", to ?? ""] } ?? ["-days", "30"]
        let ending = try Tool.run(
            [
                "ca", "-batch", "-notext", "-config", "\(place)/config", "-cert", path(authority), "-keyfile",
                key(authority), "-in", request, "-out", path(name),
            ] + times, program: "/usr/bin/openssl")
        guard ending.code == 0 else { throw Failure("openssl ca: \(ending.errors)", 0) }
    }
}
