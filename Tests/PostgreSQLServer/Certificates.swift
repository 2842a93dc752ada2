/// A certificate and its key, as files.
package struct Certificate: Sendable {
    package let path: String
    /// Readable by the server's user only.
    package let keyPath: String
}

/// Makes certificates for one test; the files go with it.
package final class CertificateAuthority: Sendable {
    private let shell: ServerShell

    package init() throws {
        try Installation.require("/usr/bin/openssl", package: "openssl")
        shell = try ServerShell(onDisk: false)
        try shell.run(
            "cd \(shell.folder) && openssl req -x509 -days 2 \(Self.newKey("root")) -out root.crt -subj /CN=root")
        // Clients run as another user.
        try shell.run("chmod 0711 \(shell.folder) && chmod 0644 \(shell.folder)/root.crt")
    }

    /// What a client trusts: `sslrootcert`.
    package var root: String { shell.folder + "/root.crt" }

    /// - Parameters:
    ///   - name: of its files.
    ///   - names: whom it is for, as `DNS:localhost` or `IP:127.0.0.1`.
    ///   - days: how long it is valid; less than 0 makes one that has expired.
    package func issue(_ name: String, names: [String], days: Int = 2) throws -> Certificate {
        let alternatives = quoted("subjectAltName=\(names.joined(separator: ","))")
        try shell.run(
            """
            cd \(shell.folder) && openssl req \(Self.newKey(name)) -out \(name).csr -subj /CN=\(name) \
            -addext \(alternatives) && openssl x509 -req -in \(name).csr -CA root.crt -CAkey root.key -CAcreateserial \
            -out \(name).crt -days \(days) -copy_extensions copy
            """)
        return Certificate(path: "\(shell.folder)/\(name).crt", keyPath: "\(shell.folder)/\(name).key")
    }

    private static func newKey(_ name: String) -> String {
        "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -noenc -keyout \(name).key"
    }
}
