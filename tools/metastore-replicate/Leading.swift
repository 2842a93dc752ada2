import ArgumentParser
import MetastoreCommandLine
import MetastoreReplicationCommands

struct Promote: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a store of a follower: it takes writes from then on, in a new epoch.",
        discussion: """
            Examples:
              metastore-replicate promote replica.db --archive /mnt/archive/training
              metastore-replicate promote postgresql://master@db2/training --dry-run

            For a follower whose leader is lost, or is to lead no longer. Stop the leader and the follow first. With \
            --archive the epoch is opened in the leader's archive, too: there the leader is fenced from then on, and \
            a follower that has less than the archive is refused: let it follow to the archive's end first.
            """)

    @Argument(help: "The follower: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var store: String

    @Option(help: "The archive of the leader that it followed: its folder.", completion: .directory)
    var archive: String?

    @OptionGroup var taking: TakeoverArguments

    func run() async throws {
        let archive = archive
        try await taking.run(store) { () throws(CommandFailure) in
            guard let archive else { return .promote(archive: nil) }
            return .promote(archive: try ArchiveURL(archive))
        }
    }
}

struct Adopt: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Lets a copied file go on as the store, in a new epoch.",
        discussion: """
            Examples:
              metastore-replicate adopt copied.db --dry-run
              metastore-replicate adopt copied.db --yes

            For a file that was copied, or put back from a backup, and whose original nobody will write to again. A \
            copy that is to stay up to date is followed into instead, and one to look at needs nothing: \
            metastore-inspect reads it as it is.
            """)

    @Argument(help: "The copy: a path or sqlite:PATH.", completion: .file())
    var store: String

    @OptionGroup var taking: TakeoverArguments

    func run() async throws { try await taking.run(store) { () throws(CommandFailure) in .adopt } }
}

/// How either is asked for.
struct TakeoverArguments: ParsableArguments {
    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Don't ask.")
    var yes = false

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var answering: AnswerArguments

    func run(
        _ text: String, _ kind: @escaping @Sendable () throws(CommandFailure) -> TakeoverCommand.Kind
    ) async throws {
        let (password, isDryRun, isYes) = (secret.password, dryRun, yes)
        try await answer(CommandRun(answering.output)) {
            (try StoreURL(text), try kind())
        } _: { place, screen in
            try await TakeoverCommand(place.1, place.0, screen: screen).run(password, isDryRun: isDryRun) {
                try Confirmation.ask($0, isYes: isYes)
            }
        }
    }
}
