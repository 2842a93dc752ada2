internal import FaultSupport
internal import FoundationEssentials
internal import Glibc
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreReplicationServer
internal import MetastoreTestSupport
internal import Testing

/// A master that serves its log, followed by the tool.
@Suite(.serialized, .timed) struct `metastore-replicate follow from a server` {
    private static let token = "a-token-of-24-characters"

    private func write(_ text: String, to path: String) throws {
        let isWritten = FileManager.default.createFile(
            atPath: path, contents: Data(text.utf8), attributes: [.posixPermissions: 0o600])
        guard isWritten else { throw Failure("write \(path)") }
    }

    /// Lends the words that every follower of the server says.
    private func serving(_ body: (Rig, Metastore, _ url: String, _ words: [String]) async throws -> Void) async throws {
        try await Rig.with { rig in
            let (certificate, key) = (rig.root + "/server.pem", rig.root + "/server.key")
            try FaultSupport.run(
                "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
                "-days", "30", "-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout", key, "-out",
                certificate)
            try write("follow replica-1 token \(Self.token)\n", to: rig.root + "/access")
            var options = ReplicationServerOptions()
            options.tls = ServerTLS(certificates: certificate, key: key)
            options.access = try AccessList(path: rig.root + "/access")
            let replica = try rig.place("replica").description
            try await rig.writing { store in
                var chosen = options
                let replication = store.replication
                chosen.acknowledged = { replication.acknowledged(by: $0, through: $1) }
                let server = try await ReplicationServer.start(store, chosen)
                let url = "https://127.0.0.1:\(server.port)"
                do {
                    try await body(
                        rig, store, url,
                        [
                            "follow", "--from", url, "--into", replica, "--authorities", certificate, "--name",
                            "replica-1",
                        ])
                } catch {
                    await server.stop()
                    throw error
                }
                await server.stop()
            }
        }
    }

    @Test func `shows its token, and compares all rows`() async throws {
        try await serving { rig, store, _, words in
            try write(Self.token + "\n", to: rig.root + "/token")
            let once = words + ["--token-file", rig.root + "/token", "--once", "--compare", "-o", "json"]
            for _ in 0..<2 {
                let ending = try Tool.run(once, program: Tool.replicate)
                let head = store.position.revision
                #expect(ending.code == 0 && ending.output.contains("\"revision\":\(head)"), "\(ending.errors)")
                #expect(ending.output.contains("\"isLocal\":false") && ending.output.contains("\"isEqual\":true"))
                try await Rig.commit(5, to: store)
            }
            // It says under its name what it has, so that writes may wait for it.
            let going = try Tool(words, program: Tool.replicate, environment: ["METASTORE_TOKEN": Self.token])
            #expect(await eventually { store.replication.followers == ["replica-1": store.position.revision] })
            going.send(SIGTERM)
            #expect(going.end().code == 0, "\(going.errors)")
        }
    }

    @Test func `begins with a snapshot, or with the whole log when it is told to`() async throws {
        try await serving { rig, store, _, words in
            func begin(_ more: [String]) async throws -> Metastore {
                let ending = try Tool.run(
                    words + ["--once"] + more, program: Tool.replicate, environment: ["METASTORE_TOKEN": Self.token])
                #expect(ending.code == 0, "\(ending.errors)")
                return try await Metastore.openReplica(
                    rig.source(StoreURL(words[4])), of: store.info().cluster)
            }
            let quick = try await begin([])
            #expect(try await quick.info().compactedRevision == store.position.revision)
            #expect(try await quick.contents().rows == store.contents().rows)
            await quick.close()
            try FileManager.default.removeItem(atPath: rig.root + "/replica")
            try FileManager.default.createDirectory(
                atPath: rig.root + "/replica", withIntermediateDirectories: false)
            let whole = try await begin(["--whole-log"])
            #expect(try await whole.contents() == store.contents())
            await whole.close()
        }
    }

    @Test func `is refused without its token, and never sends it in the clear`() async throws {
        try await serving { rig, _, _, words in
            try write("another-token-of-24-chars\n", to: rig.root + "/token")
            for more in [["--token-file", rig.root + "/token"], []] {
                let ending = try Tool.run(words + more + ["--once"], program: Tool.replicate)
                #expect(ending.code == 77, "\(ending.code) \(ending.errors)")
                #expect(ending.errors.contains("token") && !ending.errors.contains("another-token"))
            }
            let clear = try Tool.run(
                [
                    "follow", "--from", "http://" + "master-0.example:7400", "--into", rig.root + "/f.db",
                    "--token-file", rig.root + "/token",
                ], program: Tool.replicate)
            #expect(clear.code == 64 && clear.errors.contains("without TLS"), "\(clear.errors)")
        }
    }
}
