import ArgumentParser
import MetastoreCommandLine

struct Rehearse: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Runs the whole upgrade on a copy of the real data, and throws the copy away.",
        discussion: """
            Examples:
              metastore-migrate rehearse metastore.db
              metastore-migrate rehearse metastore.db --in /var/tmp --keep

            Works beside a running master. The copy of a file is one of its own (metastore.rehearsal.db); that of a \
            schema is another schema of the database (metastore_rehearsal), which the role must be allowed to make. \
            What a killed rehearsal left is replaced by the next; whatever else has that name is refused, and left as \
            it is.
            """)

    @OptionGroup var place: StoreArguments

    @Option(help: "The schema to stop at. (default: the newest)")
    var target: Int64?

    @Option(name: .customLong("in"), help: "Where the copy of a file goes.", completion: .directory)
    var directory: String?

    @Flag(help: "Keep the copy, under a name with the time.")
    var keep = false

    func run() async throws {
        let (target, directory, keep) = (target, directory, keep)
        try await place.run { try await $0.rehearse(target: target, in: directory, keeping: keep) }
    }
}

struct Up: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Brings the store to a newer schema, after a verified backup.",
        discussion: """
            Examples:
              metastore-migrate up metastore.db
              metastore-migrate up metastore.db --backup-dir /var/backups --yes
              metastore-migrate up postgresql://master@db1/training --backup-dir /var/backups --dry-run

            Takes the lock, makes a backup and checks it, applies each step in one transaction, verifies. On SQLite \
            the master is stopped for that; on PostgreSQL it may go on. When something fails, the error says what \
            did happen and how to go back.
            """)

    @OptionGroup var place: StoreArguments

    @Option(help: "The schema to stop at. (default: the newest)")
    var target: Int64?

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Don't ask.")
    var yes = false

    @Option(help: "Where the backup goes. (default: beside a SQLite database)", completion: .directory)
    var backupDir: String?

    @Flag(help: "Make no backup. Rollback then has nothing to restore.")
    var iHaveABackup = false

    @Option(help: "How many seconds to wait for whoever holds the lock.")
    var lockTimeout = 5.0

    func validate() throws {
        guard (0...86_400).contains(lockTimeout) else { throw ValidationError("--lock-timeout is 0 to 86400 seconds.") }
    }

    func run() async throws {
        var options = UpOptions()
        options.target = target
        options.isDryRun = dryRun
        options.backupDirectory = backupDir
        options.hasBackup = iHaveABackup
        options.lockTimeout = .seconds(lockTimeout)
        let (chosen, isYes) = (options, yes)
        try await place.run { upgrade in
            try await upgrade.up(chosen) { try Confirmation.ask($0, isYes: isYes) }
        }
    }
}

struct Rollback: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Restores the verified backup, after saving what is there aside.",
        discussion: """
            Examples:
              metastore-migrate rollback metastore.db --dry-run
              metastore-migrate rollback metastore.db
              metastore-migrate rollback metastore.db --backup metastore-1-20261121T040000Z.db --yes

            Stop the master first. Commits made after the backup are only in what is saved aside, whose name is told. \
            The restored store is in a new epoch, so that whoever followed those commits is told.
            """)

    @OptionGroup var place: StoreArguments

    @Option(help: "The backup. (default: the one that the last step's entry in history names)", completion: .file())
    var backup: String?

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Don't ask.")
    var yes = false

    @Option(help: "How many seconds to wait for whoever holds the lock.")
    var lockTimeout = 5.0

    func validate() throws {
        guard (0...86_400).contains(lockTimeout) else { throw ValidationError("--lock-timeout is 0 to 86400 seconds.") }
    }

    func run() async throws {
        var options = Upgrade.RollbackOptions()
        options.backup = backup
        options.isDryRun = dryRun
        options.lockTimeout = .seconds(lockTimeout)
        let (chosen, isYes) = (options, yes)
        try await place.run { upgrade in
            try await upgrade.rollback(chosen) { try Confirmation.ask($0, isYes: isYes) }
        }
    }
}

struct Copy: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Copies a store to an empty place, on either engine.",
        discussion: """
            Examples:
              metastore-migrate copy --from metastore.db --to postgresql://master@db1/training
              metastore-migrate copy --from postgresql://master@db1/training --to /var/backups/training.db

            Rows, log, ids, revisions and consumers are those of one moment. Every digest is recomputed on both sides: \
            it ends equal, or with an error. Killed, it goes on when run again.
            """)

    @Option(help: "The store to copy.", completion: .file())
    var from: String

    @Option(help: "Where to: nothing is there, or an unfinished copy of the same.", completion: .file())
    var to: String

    @Option(help: "A file whose first line is the source's password.", completion: .file())
    var passwordFile: String?

    @Option(help: "A file whose first line is the target's password. (default: the source's)", completion: .file())
    var toPasswordFile: String?

    @Option(name: .shortAndLong, help: "How to answer.")
    var output = OutputFormat.table

    func run() async throws {
        let (from, to, file, targetFile) = (from, to, passwordFile, toPasswordFile ?? passwordFile)
        try await CommandRun(output).run { screen in
            try await CopyCommand(from: try StoreURL(from), to: try StoreURL(to), screen: screen)
                .run(password: Password(file: file), targetPassword: Password(file: targetFile))
        }
    }
}

struct New: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes the skeleton of a migration for both engines, in the sources.",
        discussion: """
            Examples:
              metastore-migrate new agent_labels
            """)

    @Argument(help: "What it is about: lower-case letters, digits and _.")
    var name: String

    @Option(help: "The sources' folder of migrations.", completion: .directory)
    var directory = "Migrations"

    @Option(name: .shortAndLong, help: "How to answer.")
    var output = OutputFormat.table

    func run() async throws {
        let (name, directory) = (name, directory)
        try await CommandRun(output).run { _ in try NewMigration(named: name, in: directory) }
    }
}
