import ArgumentParser
import FoundationEssentials
import MetastoreCommandLine
import MetastoreReplication
import MetastoreReplicationClient
import MetastoreReplicationCommands

struct Restore: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Makes a store from an archive, as it was, in an empty place.",
        discussion: """
            Examples:
              metastore-replicate restore /mnt/archive/training --into metastore.db
              metastore-replicate restore /mnt/archive/training --to 1200 --into metastore.db
              metastore-replicate restore /mnt/archive/training --to 2026-11-21T03:00:00Z --into metastore.db
              metastore-replicate restore /mnt/archive/training --to before-upgrade --into postgresql://me@db1/training

            Everything is verified before anybody can open it; killed, it leaves nothing. The store goes on in an \
            epoch of its own, so that whoever followed what comes after is told; with --replica it goes on as a \
            replica of its source. Exit codes: 1 no longer kept, or of another history · 65 an object is damaged, and \
            named · 66 no such revision, time or label · 73 the place isn't empty.
            """)

    @OptionGroup var place: ArchiveArguments

    @Option(
        name: .customLong("to"),
        help: "A revision, a time (RFC 3339) or a label; revision:N, time:T, label:NAME where it could be several.")
    var point = RestorePoint.newest

    @Option(help: "Where to: a path, sqlite:PATH or a postgresql:// URL, with nothing there.", completion: .file())
    var into: String

    @Flag(help: "A replica, to be followed with; not a store of its own.")
    var replica = false

    @Flag(help: "Begin with an earlier snapshot where one is damaged. Heartbeats and positions may then be older.")
    var passOverDamagedSnapshots = false

    @Flag(help: "Begin the log with the restored revision. What is before is in the archive alone.")
    var withoutLog = false

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var answering: AnswerArguments

    func run() async throws {
        var options = RestoreCommand.Options()
        (options.cluster, options.point, options.isReplica) = (place.cluster, point, replica)
        (options.takesEarlier, options.leavesLog) = (passOverDamagedSnapshots, withoutLog)
        let (chosen, password) = (options, secret.password)
        try await answer(CommandRun(answering.output)) {
            (try ArchiveURL(place.archive), try StoreURL(into))
        } _: { inputs, screen in
            try await RestoreCommand(inputs.0, into: inputs.1, chosen, screen: screen).run(password)
        }
    }
}

struct Verify: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Rebuilds an archive in scratch, and compares chain, digests and rows with the store.",
        discussion: """
            Examples:
              metastore-replicate verify /mnt/archive/training
              metastore-replicate verify /mnt/archive/training --store metastore.db
              metastore-replicate verify /mnt/archive/training --to before-upgrade

            Every segment and every part of every snapshot that is kept is read; with --to, what leads to that state. \
            It needs as much room as the store, in --scratch. The store goes on meanwhile. Exit codes: 0 equal · 1 it \
            differs: the rows are named, or histories have parted · 65 an object, or a row, is damaged, and named.
            """)

    @OptionGroup var place: ArchiveArguments
    @OptionGroup var other: OtherStoreArguments

    @Option(name: .customLong("to"), help: "A revision, a time or a label. (default: all that is kept)")
    var point: RestorePoint?

    @Option(help: "A folder with room for the store. (default: TMPDIR, or /tmp)", completion: .directory)
    var scratch: String?

    @OptionGroup var answering: AnswerArguments

    func run() async throws {
        var options = VerifyCommand.Options()
        (options.cluster, options.point) = (place.cluster, point)
        if let scratch { options.directory = scratch }
        let (chosen, password) = (options, other.secret.password)
        try await answer(CommandRun(answering.output)) {
            (try ArchiveURL(place.archive), try other.url())
        } _: { inputs, screen in
            try await VerifyCommand(inputs.0, chosen, screen: screen).run(comparing: inputs.1, password)
        }
    }
}

struct Follow: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Keeps a replica of a store, on either engine, until it is told to end.",
        discussion: """
            Examples:
              metastore-replicate follow --from /mnt/archive/training --into replica.db
              metastore-replicate follow --from https://master-0.example:7400 --into replica.db --token-file token
              metastore-replicate follow --from /mnt/archive/training --into postgresql://me@db1/training --once

            The replica is readable the whole time, each read at an exact revision; nothing is visible before it is \
            verified. An empty place gets a snapshot of its source. Ctrl-C and SIGTERM end it; it goes on where it \
            was. \
            The token is read from --token-file or METASTORE_TOKEN. Exit codes of --once: 0 it has everything · 1 rows \
            differ, or histories fork · 3 a newer release is needed · 75 the source doesn't answer · 77 it refuses.
            """)

    @Option(name: .customLong("from"), help: "An archive's folder, or a server's https:// URL.", completion: .directory)
    var source: String

    @Option(help: "The replica: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var into: String

    @Option(help: "Whose archive, where the folder has several.", transform: ArchiveArguments.cluster)
    var cluster: UUID?

    @Option(help: "A file whose first line is the token for the server.", completion: .file())
    var tokenFile: String?

    @Option(help: "The authorities of the server's certificate, in PEM. (default: the system's)", completion: .file())
    var authorities: String?

    @Option(help: "The certificate to show to the server, in PEM.", completion: .file())
    var certificate: String?

    @Option(help: "The key of that certificate, in PEM.", completion: .file())
    var key: String?

    @Option(help: "The name under which to acknowledge what was applied, for writes that wait for replicas.")
    var name: String?

    @Flag(help: "Where the source has another history, undo what it doesn't have. It is lost here.")
    var rewind = false

    @Flag(
        help: "Where it can't go on from what it has, replace that by a snapshot, once. What was there is kept aside.")
    var resnapshot = false

    @Flag(help: "Begin an empty place with the first revision, not with a snapshot.")
    var wholeLog = false

    @Flag(help: "Compare all rows with the source's before the end; with --once.")
    var compare = false

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var pacing: PacingArguments
    @OptionGroup var answering: AnswerArguments

    func validate() throws {
        guard (certificate == nil) == (key == nil) else { throw ValidationError("Name --certificate and --key.") }
        guard !compare || pacing.once else { throw ValidationError("--compare goes with --once.") }
        let isServer = source.hasPrefix("https://") || source.hasPrefix("http://")
        guard isServer || [tokenFile, authorities, certificate, name].allSatisfy({ $0 == nil }) else {
            throw ValidationError("--token-file, --authorities, --certificate and --name are for a server.")
        }
    }

    func run() async throws {
        var options = FollowCommand.Options()
        (options.isOnce, options.interval) = (pacing.once, .seconds(pacing.every))
        (options.compares, options.rewinds) = (compare, rewind)
        (options.resnapshots, options.takesWholeLog) = (resnapshot, wholeLog)
        let (chosen, run, tells, password) = (options, CommandRun(answering.output), !pacing.once, secret.password)
        try await answer(run) {
            (try origin(), try StoreURL(into))
        } _: { inputs, screen in
            try await FollowCommand(inputs.0, into: inputs.1, chosen, screen: screen).run(password) { moment in
                if tells { run.tell(moment) }
            }
        }
    }

    private func origin() throws -> FollowCommand.Origin {
        guard source.hasPrefix("https://") || source.hasPrefix("http://") else {
            return .archive(try ArchiveURL(source), cluster: cluster)
        }
        var address = ServerAddress(url: source)
        address.token = try BearerToken.read(file: tokenFile)
        (address.authorities, address.name) = (authorities, name)
        if let certificate, let key { address.certificate = (certificate, key) }
        do {
            return .server(try FollowedSource.server(address), place: source)
        } catch {
            throw CommandFailure(.usage, "\(source): \(error)")
        }
    }
}

struct Rewind: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Takes a replica back to an earlier revision of its own history.",
        discussion: """
            Examples:
              metastore-replicate rewind replica.db --to 1200 --dry-run
              metastore-replicate rewind replica.db --to 1200 --yes

            For a follower that went further than its source, which was restored: before-images in its log undo the \
            newest revisions, one after the other. Stop its follow first. A master's store is never rewound: restore it.
            """)

    @Argument(help: "The replica: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var store: String

    @Option(name: .customLong("to"), help: "The revision.")
    var revision: Int64

    @Flag(help: "Say what would be done, and do nothing.")
    var dryRun = false

    @Flag(name: .shortAndLong, help: "Don't ask.")
    var yes = false

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var answering: AnswerArguments

    func run() async throws {
        let (revision, password, isDryRun, isYes) = (revision, secret.password, dryRun, yes)
        try await answer(CommandRun(answering.output)) {
            try StoreURL(store)
        } _: { store, screen in
            try await RewindCommand(store, to: revision, screen: screen).run(password, isDryRun: isDryRun) {
                try Confirmation.ask($0, isYes: isYes)
            }
        }
    }
}
