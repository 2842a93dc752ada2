import ArgumentParser
import MetastoreCommandLine
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
    @OptionGroup var answer: AnswerArguments

    func run() async throws {
        let (archive, cluster, url) = (try ArchiveURL(place.archive), place.cluster, try other.url())
        let password = other.secret.password
        try await CommandRun(answer.output).run { screen in
            try await StatusCommand(archive, cluster: cluster, screen: screen).run(beside: url, password)
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

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var pacing: PacingArguments
    @OptionGroup var answer: AnswerArguments

    func run() async throws {
        let (store, archive, password) = (try StoreURL(store), try ArchiveURL(archive), secret.password)
        var options = ArchiveCommand.Options()
        (options.isOnce, options.interval) = (pacing.once, .seconds(pacing.every))
        let (chosen, run, tells) = (options, CommandRun(answer.output), !pacing.once)
        try await run.run(endingGently: true) { screen in
            try await ArchiveCommand(store, to: archive, chosen, screen: screen).run(password) { moment in
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

            A restore begins with the newest snapshot before its revision: without any it goes through the whole \
            history. Retention needs them, too. One a day is a good beginning.
            """)

    @Option(help: "The store: a path, sqlite:PATH or a postgresql:// URL.", completion: .file())
    var store: String

    @Option(name: .customLong("to"), help: "The archive, which has the store's history.", completion: .directory)
    var archive: String

    @OptionGroup var secret: PasswordArguments
    @OptionGroup var answer: AnswerArguments

    func run() async throws {
        let (store, archive, password) = (try StoreURL(store), try ArchiveURL(archive), secret.password)
        try await CommandRun(answer.output).run(endingGently: true) { screen in
            try await SnapshotCommand(store, to: archive, screen: screen).run(password)
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

        @OptionGroup var answer: AnswerArguments

        func run() async throws {
            let (name, at, text) = (name, at, text)
            try await answering(place, answer) { try await $0.set(name, at: at, text: text) }
        }
    }

    struct List: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Lists the labels.")
        @OptionGroup var place: ArchiveArguments
        @OptionGroup var answer: AnswerArguments

        func run() async throws { try await answering(place, answer) { try await $0.list() } }
    }

    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Takes a label away. What it kept may go with the next retention.")
        @OptionGroup var place: ArchiveArguments

        @Argument(help: "The label.")
        var name: String

        @OptionGroup var answer: AnswerArguments

        func run() async throws {
            let name = name
            try await answering(place, answer) { try await $0.remove(name) }
        }
    }
}

private func answering(
    _ place: ArchiveArguments, _ answer: AnswerArguments,
    _ body: @escaping @Sendable (LabelCommand) async throws -> LabelAnswer
) async throws {
    let (archive, cluster) = (try ArchiveURL(place.archive), place.cluster)
    try await CommandRun(answer.output).run { screen in
        try await body(LabelCommand(archive, cluster: cluster, screen: screen))
    }
}

struct Retention: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Shows what an archive need not keep, and removes it where it is told to.",
        discussion: """
            Examples:
              metastore-replicate retention /mnt/archive/training --keep-age 30d
              metastore-replicate retention /mnt/archive/training --keep-age 30d --keep-count 7 --store metastore.db
              metastore-replicate retention /mnt/archive/training --keep-bytes 100GiB --apply --yes

            Without --apply nothing is removed. What labels, the newest snapshot, the consumers of --store and whoever \
            is named with --needed-by need stays, whatever else is asked for; the answer says who holds what back.
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

    @OptionGroup var other: OtherStoreArguments

    @Flag(help: "Remove what the plan says.")
    var apply = false

    @Flag(name: .shortAndLong, help: "Don't ask.")
    var yes = false

    @OptionGroup var answer: AnswerArguments

    func validate() throws {
        guard keepAge != nil || keepCount != nil || keepBytes != nil else {
            throw ValidationError("Say what to keep: --keep-age, --keep-count or --keep-bytes.")
        }
        guard keepCount.map({ $0 > 0 }) ?? true else { throw ValidationError("--keep-count is at least 1.") }
    }

    func run() async throws {
        let (archive, url, password) = (try ArchiveURL(place.archive), try other.url(), other.secret.password)
        var options = RetentionCommand.Options()
        (options.cluster, options.age, options.snapshots) = (place.cluster, keepAge, keepCount)
        (options.size, options.needs, options.isApplied) = (keepBytes, neededBy, apply)
        options.showsPlan = !yes
        let (chosen, isYes) = (options, yes)
        try await CommandRun(answer.output).run(endingGently: true) { screen in
            try await RetentionCommand(archive, chosen, screen: screen).run(beside: url, password) {
                try Confirmation.ask($0, isYes: isYes, otherwise: "the same command without --apply")
            }
        }
    }
}
