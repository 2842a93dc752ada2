import ArgumentParser
import MetastoreCommandLine

/// Upgrades nobody has to fear.
@main
struct MetastoreMigrate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metastore-migrate",
        abstract: "Brings a store to another schema, checks it, copies it, and goes back.",
        discussion: """
            Examples:
              metastore-migrate status   /var/lib/master/metastore.db
              metastore-migrate plan     /var/lib/master/metastore.db
              metastore-migrate rehearse /var/lib/master/metastore.db
              metastore-migrate up       /var/lib/master/metastore.db --backup-dir /var/backups
              metastore-migrate backfill status /var/lib/master/metastore.db
              metastore-migrate rollback /var/lib/master/metastore.db
              metastore-migrate status   'postgresql://master@db1/training?schema=metastore'
              metastore-migrate copy --from metastore.db --to postgresql://master@db1/training

            A store is named by a path, sqlite:PATH, or a postgresql:// URL without a password: that comes from \
            --password-file or METASTORE_PASSWORD. Answers go to standard output, as text or with -o json; the \
            shapes of the JSON are in docs/MIGRATE.md. Everything else goes to standard error.

            Every command may be killed at any moment: run it again, and it finishes or finds nothing left to do.

            Exit codes: 0 as it should be · 1 something is pending, or the answer is no · 3 a newer schema than \
            this binary's · 4 drift · 64 usage · 65 damaged · 66 no such store · 73 can't be made · 74 I/O, no room \
            · 75 locked or out of reach, try later · 77 no permission · 130 interrupted.
            """,
        version: Upgrade.version,
        subcommands: [
            Status.self, Plan.self, Rehearse.self, Up.self, Backfill.self, Verify.self, Check.self, Rollback.self,
            History.self, Lock.self, New.self, Copy.self,
        ])
}

/// What every command on a store is told.
struct StoreArguments: ParsableArguments {
    @Argument(help: "The store: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var store: String

    @Option(help: "A file whose first line is the server's password.", completion: .file())
    var passwordFile: String?

    @Option(name: .shortAndLong, help: "How to answer.")
    var output = OutputFormat.table

    /// Runs a command on the store, and prints its answer.
    ///
    /// - Parameter isGentle: see `CommandRun.run`.
    func run<Report: CommandReport>(
        endingGently isGentle: Bool = false, _ body: @escaping @Sendable (Upgrade) async throws -> Report
    ) async throws {
        let (store, file) = (store, passwordFile)
        try await CommandRun(output).run(endingGently: isGentle) { screen in
            try await body(try Upgrade(try StoreURL(store), password: Password(file: file), screen: screen))
        }
    }
}
