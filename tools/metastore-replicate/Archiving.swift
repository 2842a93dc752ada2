import ArgumentParser
import MetastoreCommandLine
import MetastoreReplication
import MetastoreReplicationCommands

struct Status: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Says what an archive has, whether all of it is there, and how far it is behind its store.",
        discussion: """
            Examples:
              metastore-replicate status /mnt/archive/training
              metastore-replicate status /mnt/archive/training --store metastore.db -o json

            Reads every segment, writes nothing, and works beside whoever archives. Exit codes: 0 all of it is there \
            (a lag is no fault) · 1 something is missing, or the store and the archive have parted: fenced, forked, \
            ahead, gap · 65 an object is damaged.
            """)

    @OptionGroup var place: ArchiveArguments
    @OptionGroup var other: OtherStoreArguments
    @OptionGroup var answering: AnswerArguments

    func run() async throws {
        let (cluster, password) = (place.cluster, other.secret.password)
        try await answer(CommandRun(answering.output)) {
            (try ArchiveURL(place.archive), try other.url())
        } _: { inputs, screen in
            try await StatusCommand(inputs.0, cluster: cluster, screen: screen).run(beside: inputs.1, password)
        }
    }
}

struct Archive: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ships a store's history into an archive, beside whoever writes to it, until it is told to end.",
        discussion: """
            Examples:
              metastore-replicate archive --store metastore.db --to /mnt/archive/training
              metastore-replicate archive --store postgresql://reader@db1/training --to /mnt/archive/training --once

            The store is only read: its master goes on, and needn't know. It keeps its log for 7 days or 1 GiB unless \
            told otherwise; within that this command may be stopped and started again. A master that archives by \
            itself needs no such command, and may have it beside. Ctrl-C and SIGTERM end it once what was committed by \
            then is archived. Exit codes: 0 it is · 1 another master leads, or histories part (nothing more is \
            archived, and nothing is overwritten) · 75 the archive doesn't answer.
            """)

    @Option(help: "The store: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var store: String

    @Option(name: .customLong("to"), help: "The archive: a folder that is there.", completion: .directory)
    var archive: String

    @Flag(help: "Give up what the archive has more, where the store was restored to an earlier state.")
    var leaveBehind = false

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var pacing: PacingArguments
    @OptionGroup var answering: AnswerArguments

    func run() async throws {
        var options = ArchiveCommand.Options()
        (options.isOnce, options.interval) = (pacing.once, .seconds(pacing.every))
        options.leavesBehind = leaveBehind
        let (chosen, run, tells, password) = (options, CommandRun(answering.output), !pacing.once, secret.password)
        try await answer(run) {
            (try StoreURL(store), try ArchiveURL(archive))
        } _: { inputs, screen in
            try await ArchiveCommand(inputs.0, to: inputs.1, chosen, screen: screen).run(password) { moment in
                if tells { run.tell(moment) }
            }
        }
    }
}

struct Snapshot: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Puts a snapshot of a store into its archive, while the store goes on.",
        discussion: """
            Examples:
              metastore-replicate snapshot --store metastore.db --to /mnt/archive/training
              metastore-replicate snapshot --store metastore.db --to /mnt/archive/training --form image

            A restore begins with the newest snapshot before its revision: without any it goes through the whole \
            history. Retention needs portable ones, too. One a day is a good beginning. An image of SQLite's pages \
            beside it is restored in less time, into a file only.
            """)

    @Option(help: "The store: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var store: String

    @Option(name: .customLong("to"), help: "The archive, which has the store's history.", completion: .directory)
    var archive: String

    @Option(help: "What it is made of: rows for any engine, or SQLite's pages.")
    var form = Form.portable

    enum Form: String, CaseIterable, ExpressibleByArgument {
        case portable, image

        var wanted: SnapshotForm {
            switch self {
            case .portable: .portable
            case .image: .image
            }
        }
    }

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var answering: AnswerArguments

    func run() async throws {
        let (password, form) = (secret.password, form.wanted)
        try await answer(CommandRun(answering.output)) {
            (try StoreURL(store), try ArchiveURL(archive))
        } _: { inputs, screen in
            try await SnapshotCommand(inputs.0, to: inputs.1, as: form, screen: screen).run(password)
        }
    }
}

struct Label: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Names a revision of an archive, so that it can be restored by name and is kept.",
        discussion: """
            Examples:
              metastore-replicate label set    /mnt/archive/training before-upgrade --text 'release 0.3'
              metastore-replicate label set    /mnt/archive/training good --at 1200
              metastore-replicate label list   /mnt/archive/training
              metastore-replicate label remove /mnt/archive/training good
            """,
        subcommands: [Add.self, List.self, Remove.self])

    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Names a revision: the last that is archived, unless told otherwise.",
            discussion: """
                Examples:
                  metastore-replicate label set /mnt/archive/training before-upgrade

                A label never moves: remove it first. Exit codes: 0 it is set · 1 another revision has the name.
                """)
        @OptionGroup var place: ArchiveArguments

        @Argument(help: "Of a–z, 0–9, hyphens and inner dots.")
        var name: String

        @Option(help: "The revision. (default: the last that is archived)")
        var at: Int64?

        @Option(help: "What for.")
        var text = ""

        @OptionGroup var answering: AnswerArguments

        func run() async throws {
            let (name, at, text) = (name, at, text)
            try await label(place, answering) { try await $0.set(name, at: at, text: text) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the labels.")
        @OptionGroup var place: ArchiveArguments
        @OptionGroup var answering: AnswerArguments

        func run() async throws { try await label(place, answering) { try await $0.list() } }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a label away. What it kept may go with the next retention.")
        @OptionGroup var place: ArchiveArguments

        @Argument(help: "The label.")
        var name: String

        @OptionGroup var answering: AnswerArguments

        func run() async throws {
            let name = name
            try await label(place, answering) { try await $0.remove(name) }
        }
    }
}

private func label(
    _ place: ArchiveArguments, _ answering: AnswerArguments,
    _ body: @escaping @Sendable (LabelCommand) async throws -> LabelAnswer
) async throws {
    let cluster = place.cluster
    try await answer(CommandRun(answering.output)) {
        try ArchiveURL(place.archive)
    } _: { archive, screen in
        try await body(LabelCommand(archive, cluster: cluster, screen: screen))
    }
}

struct Retention: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what an archive need not keep, or could merge, and does it where it is told to.",
        discussion: """
            Examples:
              metastore-replicate retention /mnt/archive/training --keep-age 30d
              metastore-replicate retention /mnt/archive/training --keep-age 30d --keep-count 7 --store metastore.db
              metastore-replicate retention /mnt/archive/training --keep-bytes 100GiB --apply --yes
              metastore-replicate retention /mnt/archive/training --merge --apply --yes

            Without --apply nothing is removed or merged. What labels, the newest snapshot, the consumers of --store \
            and whoever is named with --needed-by need stays, whatever else is asked for; the answer says who holds \
            what back.
            """)

    @OptionGroup var place: ArchiveArguments

    @Option(help: "Every moment that is no older can be restored: 30d, 12h, 90m.")
    var keepAge: Age?

    @Option(help: "So many of the newest snapshots stay; one always does.")
    var keepCount: Int?

    @Option(help: "The archive takes no more, if what is needed leaves room: 10GiB, 500MiB.")
    var keepBytes: Size?

    @Option(help: "A follower, or somebody else, who has everything up to a revision: NAME=REVISION. May be repeated.")
    var neededBy: [Need] = []

    @Flag(help: "Merge the segments before the newest snapshot into few large ones.")
    var merge = false

    @OptionGroup var other: OtherStoreArguments

    @Flag(help: "Do what the plan says.")
    var apply = false

    @Flag(name: .shortAndLong, help: "Don't ask.")
    var yes = false

    @OptionGroup var answering: AnswerArguments

    func validate() throws {
        guard keepAge != nil || keepCount != nil || keepBytes != nil || merge else {
            throw ValidationError("Say what to keep: --keep-age, --keep-count or --keep-bytes; or --merge.")
        }
        guard keepCount.map({ $0 > 0 }) ?? true else { throw ValidationError("--keep-count is at least 1.") }
    }

    func run() async throws {
        var options = RetentionCommand.Options()
        (options.cluster, options.age, options.snapshots) = (place.cluster, keepAge, keepCount)
        (options.size, options.needs, options.isApplied) = (keepBytes, neededBy, apply)
        (options.merges, options.showsPlan) = (merge, !yes)
        let (chosen, isYes, password) = (options, yes, other.secret.password)
        try await answer(CommandRun(answering.output)) {
            (try ArchiveURL(place.archive), try other.url())
        } _: { inputs, screen in
            try await RetentionCommand(inputs.0, chosen, screen: screen).run(beside: inputs.1, password) {
                try Confirmation.ask($0, isYes: isYes, otherwise: "the same command without --apply")
            }
        }
    }
}
