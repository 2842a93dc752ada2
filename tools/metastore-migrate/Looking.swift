import ArgumentParser
import MetastoreCommandLine

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says which schema the store has, and what is to be done about it.",
        discussion: """
            Examples:
              metastore-migrate status metastore.db
              metastore-migrate status metastore.db -o json

            Writes nothing, and works beside a running master. Exit codes: 0 up to date · 1 steps are pending · 3 \
            newer than this binary · 4 drift.
            """)

    @OptionGroup var place: StoreArguments

    func run() async throws { try await place.run { try $0.status() } }
}

struct Plan: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what an upgrade would do, how long it takes, and what it needs. Writes nothing.",
        discussion: """
            Examples:
              metastore-migrate plan metastore.db
              metastore-migrate rehearse metastore.db -o json >rehearsal.json
              metastore-migrate plan metastore.db --rehearsal rehearsal.json

            Without a rehearsal times are estimated: each step on an empty store in memory, and the tables it reads \
            from a sample of their rows.
            """)

    @OptionGroup var place: StoreArguments

    @Option(help: "The schema to stop at. (default: the newest)")
    var target: Int64?

    @Option(help: "Where the backup will go.", completion: .directory)
    var backupDir: String?

    @Option(help: "What rehearse -o json wrote, for its times.", completion: .file())
    var rehearsal: String?

    func run() async throws {
        let (target, backupDir, rehearsal) = (target, backupDir, rehearsal)
        try await place.run { upgrade in
            try upgrade.plan(
                target: target, backupDirectory: backupDir,
                rehearsal: try rehearsal.map { try RehearsalReport(file: $0) })
        }
    }
}

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Recomputes everything the store says of itself: files, foreign keys, invariants, log and digests.",
        discussion: """
            Examples:
              metastore-migrate verify metastore.db

            Writes nothing, and works beside a running master, on one snapshot. Exit codes: 0 no findings · 65 \
            findings, each with the key of its record.
            """)

    @OptionGroup var place: StoreArguments

    func run() async throws { try await place.run { try $0.verify() } }
}

struct Check: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Names every table, column, constraint, index and view that isn't as the schema has it.",
        discussion: """
            Examples:
              metastore-migrate check metastore.db

            Writes nothing. Exit codes: 0 none · 4 drift.
            """)

    @OptionGroup var place: StoreArguments

    func run() async throws { try await place.run { try $0.check() } }
}

struct History: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says who brought the store to its schema: when, from where, how long it took, with which backup.",
        discussion: """
            Examples:
              metastore-migrate history metastore.db
            """)

    @OptionGroup var place: StoreArguments

    func run() async throws { try await place.run { try $0.history() } }
}

struct Lock: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows who holds the right to migrate, or takes it from a holder that is dead.",
        discussion: """
            Examples:
              metastore-migrate lock show metastore.db
              metastore-migrate lock break postgresql://master@db1/training
            """,
        subcommands: [Show.self, Break.self])

    struct Show: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Shows the holder: process, host, since when.")
        @OptionGroup var place: StoreArguments
        func run() async throws { try await place.run { try $0.lockHolder() } }
    }

    struct Break: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes the lock from a dead holder; fails with 75 when it is alive.")
        @OptionGroup var place: StoreArguments
        func run() async throws { try await place.run { try $0.breakLock() } }
    }
}
