import ArgumentParser
import FoundationEssentials
import MetastoreCommandLine
import MetastoreReplicationCommands

/// Archives, restores and replicas.
@main
struct MetastoreReplicate: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metastore-replicate",
        abstract: "Ships a store's history into an archive, restores from it, and keeps replicas.",
        discussion: """
            Examples:
              metastore-replicate archive   --store metastore.db --to /mnt/archive/training
              metastore-replicate snapshot  --store metastore.db --to /mnt/archive/training
              metastore-replicate status    /mnt/archive/training --store metastore.db
              metastore-replicate verify    /mnt/archive/training --store metastore.db
              metastore-replicate label set /mnt/archive/training before-upgrade
              metastore-replicate restore   /mnt/archive/training --to before-upgrade --into restored.db
              metastore-replicate follow    --from /mnt/archive/training --into replica.db
              metastore-replicate follow    --from https://master-0.example:7400 --into replica.db
              metastore-replicate promote   replica.db --archive /mnt/archive/training
              metastore-replicate adopt     copied.db
              metastore-replicate retention /mnt/archive/training --keep-age 30d

            A store is named by a path, sqlite:PATH, or a postgresql:// URL without a password: that comes from \
            --password-file or METASTORE_PASSWORD. An archive is named by its folder. Answers go to standard output, \
            as text or with -o json; the shapes of the JSON are in docs/REPLICATE.md. Everything else goes to \
            standard error.

            Every command may be killed at any moment: run it again, and it finishes or finds nothing left to do.

            Exit codes: 0 as it should be · 1 the answer is no: it differs, another master leads, histories fork · 3 a \
            newer release wrote it · 64 usage · 65 damaged · 66 no such store, archive, revision or label · 73 can't \
            be made: the place isn't empty · 74 I/O, no room · 75 it doesn't answer, try later · 77 no permission · \
            130 interrupted.
            """,
        version: ReplicateVersion.text,
        subcommands: [
            Status.self, Archive.self, Snapshot.self, Restore.self, Verify.self, Follow.self, Promote.self, Adopt.self,
            Rewind.self, Label.self, Retention.self,
        ])
}

/// An archive that is there, and whose.
struct ArchiveArguments: ParsableArguments {
    @Argument(help: "The archive: its folder.", completion: .directory)
    var archive: String

    @Option(help: "Whose archive, where the folder has those of several clusters.", transform: cluster)
    var cluster: UUID?

    @Sendable static func cluster(_ text: String) throws -> UUID {
        guard let cluster = UUID(uuidString: text) else { throw ValidationError("'\(text)' is no cluster's UUID.") }
        return cluster
    }
}

/// How a command answers.
struct AnswerArguments: ParsableArguments {
    @Option(name: .shortAndLong, help: "How to answer.")
    var output = OutputFormat.table
}

/// Where a server's password is.
struct PasswordArguments: ParsableArguments {
    @Option(help: "A file whose first line is the server's password.", completion: .file())
    var passwordFile: String?

    var password: Password { Password(file: passwordFile) }
}

/// A store that a command may look at beside its archive.
struct OtherStoreArguments: ParsableArguments {
    @Option(help: "The store: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var store: String?

    @OptionGroup var secret: PasswordArguments

    func url() throws -> StoreURL? { try store.map { try StoreURL($0) } }
}

/// How often a command that goes on says where it is.
struct PacingArguments: ParsableArguments {
    @Flag(help: "End once everything there is was taken.")
    var once = false

    @Option(help: "How many seconds at least between two lines that tell of numbers alone.")
    var every = 10.0

    func validate() throws {
        guard (0...86_400).contains(every) else { throw ValidationError("--every is 0 to 86400 seconds.") }
    }
}

/// Runs a command and prints its answer. What its words mean is found out inside: what is wrong with them is an error
/// like any other, with its exit code.
func answer<Inputs: Sendable, Report: CommandReport>(
    _ run: CommandRun, _ inputs: () throws -> Inputs,
    _ body: @escaping @Sendable (Inputs, CommandScreen) async throws -> Report
) async throws {
    let inputs = Result { try inputs() }
    try await run.run(endingGently: true) { screen in try await body(try inputs.get(), screen) }
}
