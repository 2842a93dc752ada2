/// What one folder may import. The list is DESIGN's table of targets: who depends on whom, and nothing else.
struct ImportRule {
    let folder: String
    let ours: Set<String>
    let outside: Set<String>

    init(_ folder: String, _ ours: Set<String> = [], outside: Set<String> = []) {
        self.folder = folder
        self.ours = ours
        self.outside = outside
    }

    /// Part of the toolchain; open to everyone.
    static let toolchain: Set<String> = ["Swift", "FoundationEssentials", "Glibc", "Synchronization", "Dispatch"]

    private static let model: Set = ["MetastoreModel"]
    private static let engine: Set = ["MetastoreEngine"]
    private static let store: Set = ["Metastore", "MetastoreModel"]
    private static let observability: Set = ["Logging", "Metrics"]
    private static let collections: Set = ["DequeModule", "HeapModule"]
    private static let wire: Set = ["CLZ4", "Crypto"]
    private static let terminal: Set = ["MetastoreTerminal"]
    private static let engines: Set = ["MetastoreSQLite", "MetastorePostgreSQL"]
    private static let belowCommandLine = store.union(engine).union(engines).union([
        "MetastoreMigration", "Migrations", "MetastoreReplication", "MetastoreInspection",
    ])

    static let all: [ImportRule] = [
        ImportRule("Sources/CSQLite"),
        ImportRule("Sources/CPostgreSQL"),
        ImportRule("Sources/CLZ4"),
        ImportRule("Migrations"),
        ImportRule("Sources/MetastoreModel"),
        ImportRule("Sources/MetastoreEngine"),
        ImportRule("Sources/MetastoreSQLite", engine, outside: ["CSQLite"]),
        ImportRule("Sources/MetastorePostgreSQL", engine, outside: ["CPostgreSQL"]),
        ImportRule("Sources/MetastoreMigration", engine.union(["Migrations"]), outside: ["Crypto"]),
        ImportRule(
            "Sources/Metastore", model.union(engine).union(["MetastoreMigration"]),
            outside: wire.union(observability).union(collections)),
        ImportRule(
            "Sources/MetastoreReplication", store.union(engine),
            outside: wire.union(observability).union(collections)),
        ImportRule(
            "Sources/MetastoreReplicationServer", store.union(["MetastoreReplication"]),
            outside: observability.union([
                "Crypto", "HTTPTypes", "HummingbirdCore", "HummingbirdTLS", "NIOCore", "NIOHTTPTypes", "NIOPosix",
                "NIOSSL",
            ])),
        ImportRule(
            "Sources/MetastoreReplicationClient", store.union(["MetastoreReplication"]),
            outside: ["AsyncHTTPClient", "NIOCore", "NIOHTTP1", "NIOPosix", "NIOSSL"]),
        ImportRule(
            "Sources/MetastoreInspection", belowCommandLine.union(terminal).subtracting(["MetastoreInspection"]),
            outside: wire.union(["Mustache"])),
        ImportRule(
            "Sources/MetastoreCommandLine", belowCommandLine.union(terminal),
            outside: observability.union(["ArgumentParser"])),
        ImportRule(
            "Sources/MetastoreReplicationCommands",
            store.union(engine).union(terminal).union([
                "MetastoreCommandLine", "MetastoreReplication", "MetastoreInspection", "MetastoreSQLite",
            ]),
            outside: ["ArgumentParser"]),
        ImportRule("Sources/MetastoreTerminal"),
        ImportRule("Sources/MetastoreQuickstart", store.union(terminal), outside: ["Yams"]),
        ImportRule("tools/metastore-migrate", ["MetastoreCommandLine"], outside: ["ArgumentParser"]),
        ImportRule(
            "tools/metastore-inspect",
            [
                "MetastoreCommandLine", "MetastoreReplicationCommands", "MetastoreInspection", "MetastoreModel",
                "MetastoreTerminal",
            ],
            outside: ["ArgumentParser"]),
        ImportRule(
            "tools/metastore-replicate",
            [
                "MetastoreCommandLine", "MetastoreReplicationCommands", "MetastoreReplicationClient",
                "MetastoreReplication",
            ],
            outside: ["ArgumentParser"]),
        ImportRule(
            "tools/metastore-bench", store.union(engines).union(engine).union(["MetastoreCommandLine"]),
            outside: ["ArgumentParser", "Metrics"]),
        ImportRule(
            "tools/metastore-bench-replication",
            store.union([
                "MetastoreSQLite", "MetastoreReplication", "MetastoreReplicationServer", "MetastoreReplicationClient",
            ]), outside: ["ArgumentParser"]),
        ImportRule(
            "tools/metastore-quickstart",
            store.union(engines).union(terminal).union(["MetastoreQuickstart", "MetastoreCommandLine"]),
            outside: ["ArgumentParser"]),
    ]

    /// The imports of `file` that the rule doesn't allow.
    func findings(_ file: SourceFile) -> [Finding] {
        Self.imports(file.lines).compactMap { line, module in
            if ours.contains(module) || outside.contains(module) || Self.toolchain.contains(module) { return nil }
            return Finding(file: file.path, line: line, reason: "\(folder) may not import \(module)")
        }
    }

    /// Every imported module, with its line.
    static func imports(_ lines: [SwiftLine]) -> [(line: Int, module: String)] {
        lines.enumerated().compactMap { index, line in
            var words = line.code.split { $0.isWhitespace }[...]
            while let word = words.first, word.hasPrefix("@") || Self.accessLevels.contains(String(word)) {
                words = words.dropFirst()
            }
            guard words.first == "import" else { return nil }
            words = words.dropFirst()
            if let word = words.first, Self.declarations.contains(String(word)) { words = words.dropFirst() }
            guard let name = words.first else { return nil }
            return (index + 1, String(name.prefix { $0 != "." && $0 != ";" }))
        }
    }

    private static let accessLevels: Set = ["public", "package", "internal", "fileprivate", "private"]
    private static let declarations: Set = ["struct", "class", "enum", "protocol", "typealias", "func", "let", "var"]
}
