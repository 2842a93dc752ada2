// swift-tools-version: 6.2
import PackageDescription

/// Every target of ours is compiled alike: Swift 6, and a warning is an error.
let settings: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .treatAllWarnings(as: .error),
]

let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")
let crypto = Target.Dependency.product(name: "Crypto", package: "swift-crypto")
let logging = Target.Dependency.product(name: "Logging", package: "swift-log")
let metrics = Target.Dependency.product(name: "Metrics", package: "swift-metrics")
let mustache = Target.Dependency.product(name: "Mustache", package: "swift-mustache")
let deque = Target.Dependency.product(name: "DequeModule", package: "swift-collections")
let nio = Target.Dependency.product(name: "NIOCore", package: "swift-nio")
let tls = Target.Dependency.product(name: "NIOSSL", package: "swift-nio-ssl")

let package = Package(
    name: "metastore",
    products: [
        .library(
            name: "Metastore", targets: ["Metastore", "MetastoreModel", "MetastoreSQLite", "MetastorePostgreSQL"]),
        .executable(name: "metastore-quickstart", targets: ["metastore-quickstart"]),
        .executable(name: "metastore-migrate", targets: ["metastore-migrate"]),
        .executable(name: "metastore-inspect", targets: ["metastore-inspect"]),
        .executable(name: "metastore-replicate", targets: ["metastore-replicate"]),
    ],
    traits: [
        .default(enabledTraits: ["PostgreSQL"]),
        .trait(name: "PostgreSQL", description: "The store on PostgreSQL, through libpq."),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-collections", from: "1.6.0"),
        .package(url: "https://github.com/apple/swift-crypto", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
        .package(url: "https://github.com/apple/swift-metrics", from: "2.13.0"),
        .package(url: "https://github.com/apple/swift-http-types", from: "1.8.0"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-extras", from: "1.35.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl", from: "2.37.6"),
        .package(url: "https://github.com/hummingbird-project/hummingbird", from: "2.28.1", traits: []),
        .package(url: "https://github.com/hummingbird-project/swift-mustache", from: "2.1.1"),
        .package(url: "https://github.com/swift-server/async-http-client", from: "1.37.0"),
    ],
    targets: [
        .target(name: "MetastoreModel", swiftSettings: settings),
        .target(name: "MetastoreEngine", swiftSettings: settings),
        .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
        .target(name: "MetastoreSQLite", dependencies: ["MetastoreEngine", "CSQLite"], swiftSettings: settings),
        .systemLibrary(name: "CPostgreSQL", pkgConfig: "libpq", providers: [.apt(["libpq-dev"])]),
        // Its files stand inside `#if PostgreSQL`: without the trait it is empty, and nothing of libpq is needed.
        .target(
            name: "MetastorePostgreSQL",
            dependencies: ["MetastoreEngine", .target(name: "CPostgreSQL", condition: .when(traits: ["PostgreSQL"]))],
            swiftSettings: settings),
        .systemLibrary(name: "CLZ4", pkgConfig: "liblz4", providers: [.apt(["liblz4-dev"])]),
        .target(
            name: "Migrations", path: "Migrations",
            resources: [
                .embedInCode("m0001_initial.sqlite.sql"), .embedInCode("m0001_initial.postgresql.sql"),
                .embedInCode("m0002_metric_summaries.sqlite.sql"),
                .embedInCode("m0002_metric_summaries.postgresql.sql"),
                .embedInCode("m0003_identity.sqlite.sql"), .embedInCode("m0003_identity.postgresql.sql"),
                .embedInCode("m0001.sqlite.catalogue"), .embedInCode("m0001.postgresql.catalogue"),
                .embedInCode("m0002.sqlite.catalogue"), .embedInCode("m0002.postgresql.catalogue"),
                .embedInCode("m0003.sqlite.catalogue"), .embedInCode("m0003.postgresql.catalogue"),
            ],
            swiftSettings: settings),
        .target(
            name: "MetastoreMigration", dependencies: ["MetastoreEngine", "Migrations", crypto],
            swiftSettings: settings),
        .target(
            name: "Metastore",
            dependencies: [
                "MetastoreModel", "MetastoreEngine", "MetastoreMigration", "CLZ4",
                crypto, logging, metrics, deque,
            ],
            swiftSettings: settings),
        .target(
            name: "MetastoreReplication",
            dependencies: ["Metastore", "MetastoreModel", "MetastoreEngine", "CLZ4", crypto, logging, metrics],
            swiftSettings: settings),
        .target(
            name: "MetastoreReplicationServer",
            dependencies: [
                "MetastoreReplication", "Metastore", "MetastoreModel", crypto, logging, nio, tls,
                .product(name: "HTTPTypes", package: "swift-http-types"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "NIOHTTPTypes", package: "swift-nio-extras"),
                .product(name: "HummingbirdCore", package: "hummingbird"),
                .product(name: "HummingbirdTLS", package: "hummingbird"),
            ],
            swiftSettings: settings),
        .target(
            name: "MetastoreReplicationClient",
            dependencies: [
                "MetastoreReplication", "Metastore", "MetastoreModel", logging, nio, tls,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: settings),
        .target(
            name: "MetastoreInspection",
            dependencies: [
                "Metastore", "MetastoreModel", "MetastoreEngine", "MetastoreMigration", "Migrations", "MetastoreSQLite",
                "MetastorePostgreSQL", "MetastoreTerminal", mustache,
            ],
            resources: [
                .embedInCode("Report/page.html"), .embedInCode("Report/curves.html"),
                .embedInCode("Report/timeline.html"), .embedInCode("Report/page.css"),
            ],
            swiftSettings: settings),
        .target(name: "MetastoreTerminal", swiftSettings: settings),
        .target(
            name: "MetastoreCommandLine",
            dependencies: [
                "Metastore", "MetastoreModel", "MetastoreEngine", "MetastoreMigration", "Migrations", "MetastoreSQLite",
                "MetastorePostgreSQL", "MetastoreInspection", "MetastoreTerminal", arguments, logging,
            ],
            swiftSettings: settings),
        .target(
            name: "MetastoreReplicationCommands",
            dependencies: [
                "MetastoreCommandLine", "MetastoreReplication", "MetastoreInspection", "MetastoreTerminal", "Metastore",
                "MetastoreModel", "MetastoreEngine", "MetastoreSQLite", arguments,
            ],
            swiftSettings: settings),
        .target(
            name: "MetastoreQuickstart",
            dependencies: [
                "Metastore", "MetastoreModel", "MetastoreTerminal", .product(name: "Yams", package: "Yams"),
            ],
            swiftSettings: settings),

        .executableTarget(
            name: "metastore-quickstart",
            dependencies: [
                "MetastoreQuickstart", "MetastoreTerminal", "Metastore", "MetastoreModel", "MetastoreSQLite", arguments,
            ],
            path: "tools/metastore-quickstart", swiftSettings: settings),
        .executableTarget(
            name: "metastore-migrate", dependencies: ["MetastoreCommandLine", arguments],
            path: "tools/metastore-migrate", swiftSettings: settings),
        .executableTarget(
            name: "metastore-inspect",
            dependencies: [
                "MetastoreCommandLine", "MetastoreReplicationCommands", "MetastoreInspection", "MetastoreModel",
                "MetastoreTerminal", arguments,
            ],
            path: "tools/metastore-inspect", swiftSettings: settings),
        .executableTarget(
            name: "metastore-replicate",
            dependencies: [
                "MetastoreReplicationCommands", "MetastoreReplicationClient", "MetastoreReplication",
                "MetastoreCommandLine", arguments,
            ],
            path: "tools/metastore-replicate", swiftSettings: settings),
        .executableTarget(
            name: "metastore-bench",
            dependencies: [
                "Metastore", "MetastoreModel", "MetastoreEngine", "MetastoreSQLite", "MetastorePostgreSQL",
                "MetastoreCommandLine", arguments, metrics,
            ],
            path: "tools/metastore-bench", swiftSettings: settings),
        .executableTarget(
            name: "metastore-bench-replication",
            dependencies: [
                "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastoreReplication", "MetastoreReplicationServer",
                "MetastoreReplicationClient", arguments,
            ],
            path: "tools/metastore-bench-replication", swiftSettings: settings),

        .target(
            name: "MetastoreEngineContract", dependencies: ["MetastoreEngine"], path: "Tests/MetastoreEngineContract",
            swiftSettings: settings),
        .testTarget(
            name: "MetastoreSQLiteTests",
            dependencies: ["MetastoreSQLite", "MetastoreEngine", "MetastoreEngineContract", "CSQLite"],
            swiftSettings: settings),
        .testTarget(
            name: "MetastoreQuickstartTests",
            dependencies: [
                "MetastoreQuickstart", "metastore-quickstart", "MetastoreTerminal", "Metastore", "MetastoreModel",
                "MetastoreSQLite",
            ],
            exclude: ["Examples"], swiftSettings: settings),
        .testTarget(
            name: "MetastoreBenchTests",
            dependencies: [
                "metastore-bench", "metastore-bench-replication", "Metastore", "MetastoreModel", "MetastoreSQLite",
                "PostgreSQLServer",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MetastoreInspectionTests",
            dependencies: [
                "TranscriptSupport", "MetastoreInspection", "MetastoreTestSupport", "Metastore", "MetastoreModel",
                "MetastoreSQLite", "MetastoreEngine", "MetastoreMigration", "Migrations", "FaultLoad", "FaultSupport",
                "metastore-crash-test", "metastore-inspect-test", "metastore-inspect", "MetastoreCommandLine",
                "MetastoreReplication", "MetastoreReplicationCommands",
                "MetastoreTerminal", "CSQLite", .product(name: "Yams", package: "Yams"),
            ],
            exclude: ["Expected"], swiftSettings: settings),
        .executableTarget(
            name: "metastore-inspect-test",
            dependencies: ["MetastoreInspection", "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastoreEngine"],
            path: "Tests/InspectProgram", swiftSettings: settings),
        .testTarget(name: "ProjectTests", swiftSettings: settings),
        .target(
            name: "MetastoreTestSupport",
            dependencies: [
                "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastorePostgreSQL", "MetastoreEngine",
                "PostgreSQLServer", logging,
            ],
            path: "Tests/MetastoreTestSupport", swiftSettings: settings),
        .testTarget(
            name: "MetastoreTests",
            dependencies: [
                "MetastoreTestSupport", "FaultLoad", "Metastore", "MetastoreModel", "MetastoreSQLite",
                "MetastoreEngine",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "ReadmeTests",
            dependencies: ["Metastore", "MetastoreModel", "MetastoreSQLite", "MetastorePostgreSQL"],
            swiftSettings: settings),
        .target(
            name: "FaultLoad",
            dependencies: ["Metastore", "MetastoreModel", "MetastoreSQLite", "MetastorePostgreSQL", "MetastoreEngine"],
            path: "Tests/FaultLoad", swiftSettings: settings),
        .executableTarget(
            name: "metastore-crash-test",
            dependencies: [
                "FaultLoad", "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastoreEngine", "MetastoreMigration",
                "MigrationSupport", "Migrations",
            ],
            path: "Tests/CrashTest", exclude: ["faultshim.c"], swiftSettings: settings),
        .target(
            name: "FaultSupport", dependencies: ["FaultLoad"], path: "Tests/FaultSupport", swiftSettings: settings),
        .testTarget(
            name: "MetastoreFaultTests",
            dependencies: [
                "FaultLoad", "FaultSupport", "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastoreEngine",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MetastorePostgreSQLFaultTests",
            dependencies: [
                "FaultLoad", "FaultSupport", "Metastore", "MetastoreModel", "MetastorePostgreSQL", "MetastoreEngine",
                "PostgreSQLServer", "metastore-crash-test",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MetastoreFeedTests",
            dependencies: [
                "MetastoreTestSupport", "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastoreEngine",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MetastorePropertyTests",
            dependencies: [
                "MetastoreTestSupport", "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastoreEngine",
            ],
            exclude: ["Golden", "decode.py"], swiftSettings: settings),
        .testTarget(
            name: "MetastoreReplicationTests",
            dependencies: [
                "MetastoreReplication", "ArchiveSupport", "MetastoreTestSupport", "FaultSupport", "Metastore",
                "MetastoreModel", "MetastoreEngine", "MetastoreSQLite", "MetastorePostgreSQL", "FaultLoad",
                "FuzzTargets", "metastore-archive-test", "metastore-follow-test",
            ],
            exclude: ["segment.py"], swiftSettings: settings),
        .target(
            name: "ArchiveSupport", dependencies: ["MetastoreReplication", "Metastore", "MetastoreModel"],
            path: "Tests/ArchiveSupport", swiftSettings: settings),
        .target(
            name: "FuzzTargets", dependencies: ["MetastoreReplication", "Metastore", "MetastoreModel"],
            path: "Tests/FuzzTargets", swiftSettings: settings),
        .testTarget(
            name: "MetastoreReplicationServerTests",
            dependencies: [
                "MetastoreReplicationServer", "MetastoreReplicationClient", "MetastoreReplication",
                "MetastoreTestSupport", "FaultSupport", "Metastore", "MetastoreModel", "MetastoreEngine",
                "MetastoreSQLite", "metastore-follow-test", nio, tls,
                .product(name: "NIOHTTP1", package: "swift-nio"),
                .product(name: "NIOPosix", package: "swift-nio"),
                .product(name: "AsyncHTTPClient", package: "async-http-client"),
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MetastoreReplicateTests",
            dependencies: [
                "TranscriptSupport", "MetastoreReplicationCommands", "metastore-replicate",
                "MetastoreReplicationServer", "MetastoreReplication", "MetastoreCommandLine", "MetastoreTestSupport",
                "MetastoreTerminal", "FaultSupport", "Metastore", "MetastoreModel", "MetastoreEngine",
                "MetastoreSQLite",
            ],
            exclude: ["Expected", "Fixtures"], swiftSettings: settings),
        .executableTarget(
            name: "metastore-follow-test",
            dependencies: [
                "MetastoreReplication", "MetastoreReplicationClient", "Metastore", "MetastoreModel", "MetastoreEngine",
                "MetastoreSQLite",
            ],
            path: "Tests/FollowProgram", swiftSettings: settings),
        .executableTarget(
            name: "metastore-archive-test",
            dependencies: [
                "ArchiveSupport", "MetastoreReplication", "Metastore", "MetastoreModel", "MetastoreEngine",
                "MetastoreSQLite",
            ],
            path: "Tests/ArchiveProgram", exclude: ["archiveshim.c"], swiftSettings: settings),
        .testTarget(
            name: "MetastoreCopyTests",
            dependencies: [
                "MetastoreTestSupport", "FaultLoad", "FaultSupport", "Metastore", "MetastoreModel", "MetastoreEngine",
                "MetastoreSQLite", "MetastorePostgreSQL", "PostgreSQLServer", "metastore-crash-test",
            ],
            swiftSettings: settings),
        .target(
            name: "MigrateSupport", dependencies: ["Metastore", "MetastoreEngine", "MetastoreMigration", "Migrations"],
            path: "Tests/MigrateSupport", swiftSettings: settings),
        .executableTarget(
            name: "metastore-migrate-test",
            dependencies: ["MigrateSupport", "MetastoreCommandLine", "MetastoreMigration", "MetastoreTerminal"],
            path: "Tests/MigrateProgram", swiftSettings: settings),
        .testTarget(
            name: "MetastoreMigrateTests",
            dependencies: [
                "MigrateSupport", "TranscriptSupport", "metastore-migrate", "metastore-migrate-test",
                "metastore-crash-test", "FaultLoad", "FaultSupport", "MetastoreTestSupport",
                "MetastoreCommandLine", "MetastoreTerminal", "MetastoreMigration", "Migrations", "Metastore",
                "MetastoreModel", "MetastoreEngine", "MetastoreSQLite", "MetastorePostgreSQL", "PostgreSQLServer",
            ],
            exclude: ["Expected", "Fixtures"], swiftSettings: settings),
        .target(
            name: "TranscriptSupport", dependencies: ["MetastoreCommandLine", "MetastoreTerminal"],
            path: "Tests/TranscriptSupport", swiftSettings: settings),
        .target(name: "PostgreSQLServer", path: "Tests/PostgreSQLServer", swiftSettings: settings),
        .executableTarget(
            name: "metastore-test-server", dependencies: ["PostgreSQLServer"], path: "Tests/PostgreSQLServerProgram",
            swiftSettings: settings),
        .testTarget(
            name: "PostgreSQLServerTests", dependencies: ["PostgreSQLServer", "metastore-test-server"],
            swiftSettings: settings),
        .target(
            name: "MigrationSupport",
            dependencies: ["Metastore", "MetastoreModel", "MetastoreEngine", "MetastoreMigration", "Migrations"],
            path: "Tests/MigrationSupport", swiftSettings: settings),
        .testTarget(
            name: "MigrationsTests",
            dependencies: [
                "MetastoreTestSupport", "MigrationSupport", "FaultSupport", "PostgreSQLServer", "Migrations",
                "MetastoreMigration", "Metastore", "MetastoreModel", "MetastoreSQLite", "MetastorePostgreSQL",
                "MetastoreEngine", "metastore-crash-test",
            ],
            swiftSettings: settings),
        .testTarget(
            name: "MetastorePostgreSQLTests",
            dependencies: [
                "MetastorePostgreSQL", "MetastoreEngine", "MetastoreEngineContract", "PostgreSQLServer",
            ],
            swiftSettings: settings),
        .testTarget(name: "MetastoreModelTests", dependencies: ["MetastoreModel"], swiftSettings: settings),
    ],
    swiftLanguageModes: [.v6]
)
