import ArgumentParser
import MetastoreCommandLine
import MetastoreInspection
import MetastoreModel
import MetastoreTerminal

struct Info: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Who wrote it, when, with which schema, how far, and whether it was closed.",
        discussion: """
            Examples:
              metastore-inspect /mnt/snapshot info
              metastore-inspect /mnt/snapshot info --sizes -o json

            Reads the head row and the end of the log; with --sizes every page. Of an archive it reads every object: \
            epochs, snapshots and whether they are whole, labels, and what is damaged or missing.
            """)
    @OptionGroup var place: InspectArguments
    @Flag(help: "How large each table is, and how many rows it has.") var sizes = false

    func run() throws { try place.show { try $0.info(sizes: sizes) } }
}

struct Check: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Looks for what is wrong.",
        discussion: """
            Examples:
              metastore-inspect /mnt/snapshot check
              metastore-inspect /mnt/snapshot check --full -o json

            --quick looks at the files, the catalogue and the end of the log. --full looks at everything: pages, \
            indexes, foreign keys, each row's hash, the digests, every invariant, the whole chain of the log. Of an \
            archive it rebuilds all that is kept, and looks at every object. \
            Exit codes: 0 no findings · 65 damaged.
            """)
    @OptionGroup var place: InspectArguments
    @Flag(exclusivity: .exclusive, help: "How much to look at.") var depth: Depth = .quick

    enum Depth: String, EnumerableFlag { case quick, full }

    func run() throws { try place.run { try $0.check(depth == .full ? .full : .quick) } }
}

struct List: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The records of a kind.",
        discussion: """
            Examples:
              metastore-inspect metastore.db list experiments
              metastore-inspect metastore.db list trials --under experiments/1 --sort-by best_metric --limit 10
              metastore-inspect metastore.db list checkpoints --state COMPLETED -o name
            """)
    @OptionGroup var place: InspectArguments
    @Argument(help: "experiments, trials, workloads, checkpoints, agents, kv, …", completion: .list(kinds))
    var kind: String
    @Option(help: "Only those at or below this key: experiments/1.") var under: String?
    @Option(help: "Only those in this state.") var state: String?
    @Option(help: "A column to sort by, rather than by key.") var sortBy: String?
    @Flag(help: "Sort the largest first.") var descending = false
    @Option(help: "Only those after this key.") var after: String?
    @Option(help: "How many at most; 0 for all.") var limit = 200

    static let kinds = RecordKind.allCases.filter { $0 != .cluster }.map(\.name)

    func run() throws {
        var query = RecordQuery(try Kinds.parse(kind))
        query.under = under.map { KeyPrefix($0) }
        query.state = state
        query.sortBy = sortBy
        query.isDescending = descending
        try place.show { session in
            query.after = try after.map { try session.key($0) }
            try session.list(query, limit: limit > 0 ? limit : nil)
        }
    }
}

struct Describe: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "One record, whole.",
        discussion: """
            Examples:
              metastore-inspect metastore.db describe experiments/1/trials/3
              metastore-inspect metastore.db describe trials/3 --at 1200
            """)
    @OptionGroup var place: InspectArguments
    @Argument(help: "Its key, or kind/id.", completion: Keys.completion) var key: String

    func run() throws { try place.show { try $0.describe(key) } }
}

struct Tree: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "A record and what is below it.",
        discussion: """
            Examples:
              metastore-inspect metastore.db tree experiments/1
            """)
    @OptionGroup var place: InspectArguments
    @Argument(help: "Its key.", completion: Keys.completion) var key: String
    @Flag(help: "Workloads one by one, too.") var all = false

    func run() throws { try place.show { try $0.tree(key, all: all) } }
}

struct History: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Every change of a record, field by field: when, and by whom.",
        discussion: """
            Examples:
              metastore-inspect metastore.db history experiments/1/trials/3

            As far back as the log is kept. A record that was deleted has a history, too.
            """)
    @OptionGroup var place: InspectArguments
    @Argument(help: "Its key.", completion: Keys.completion) var key: String

    func run() throws { try place.show { try $0.history(key) } }
}

struct Log: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The commits, one after the other.",
        discussion: """
            Examples:
              metastore-inspect metastore.db log --after 1200
              metastore-inspect metastore.db log --kind trials --under experiments/1 -o ndjson
            """)
    @OptionGroup var place: InspectArguments
    @Option(help: "Only those after this revision.") var after: Int64?
    @Option(help: "Only changes of these kinds.", completion: .list(List.kinds)) var kind: [String] = []
    @Option(help: "Only changes at or below this key.") var under: String?
    @Option(help: "How many at most; 0 for all.") var limit = 200

    func run() throws {
        let kinds = try kind.reduce(into: RecordKinds()) { $0.insert(RecordKinds(try Kinds.parse($1))) }
        try place.show { session in
            try session.log(
                after: after.map { Revision(rawValue: $0) }, kinds: kinds.isEmpty ? .all : kinds,
                under: under.map { KeyPrefix($0) }, limit: limit > 0 ? limit : nil)
        }
    }
}

struct Metrics: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "The metrics of trials: curves on a terminal, values elsewhere.",
        discussion: """
            Examples:
              metastore-inspect metastore.db metrics 3 4
              metastore-inspect metastore.db metrics 3 --metric loss -o csv
            """)
    @OptionGroup var place: InspectArguments
    @Argument(help: "Trials, by id or key.") var trials: [String]
    @Option(help: "Only this metric.") var metric: String?
    @Flag(help: "Draw curves, wherever the answer goes.") var plot = false

    func run() throws { try place.show { try $0.metrics(trials, named: metric, isPlotted: plot) } }
}

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "In what two stores differ, or two moments of one: objects, not rows.",
        discussion: """
            Examples:
              metastore-inspect old.db diff new.db
              metastore-inspect metastore.db diff metastore.db --at 1200

            Exit codes: 0 nothing differs · 1 something does · 2 or more: trouble.
            """)
    @OptionGroup var place: InspectArguments
    @Argument(help: "The other store.", completion: .file()) var other: String
    @Option(help: "Show the other store as it was then.") var otherAt: String?

    func run() throws { try place.run { try $0.diff(with: other, at: otherAt) } }
}

struct SQL: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Asks in SQL. Nothing can be changed.",
        discussion: """
            Examples:
              metastore-inspect metastore.db sql 'SELECT state, count(*) FROM trials GROUP BY state'
              metastore-inspect metastore.db sql < questions.sql

            Without a statement it reads them from standard input. docs/FORMAT.md has the tables; experiment_names and \
            its like show codes as names.
            """)
    @OptionGroup var place: InspectArguments
    @Argument(help: "One statement.") var statement: String?

    func run() throws {
        // Somebody may think for hours between two statements.
        try InspectRun.run(place.options(), inOneState: false) { session in
            try session.sql(statement)
            return .success
        }
    }
}

struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "All records, or those of one kind, as NDJSON or CSV.",
        discussion: """
            Examples:
              metastore-inspect metastore.db export > all.ndjson
              metastore-inspect metastore.db export --kind trials -o csv > trials.csv
            """)
    @OptionGroup var place: InspectArguments
    @Option(help: "Only these kinds.", completion: .list(List.kinds)) var kind: [String] = []

    func run() throws {
        let kinds = try kind.map(Kinds.parse)
        try place.show(.ndjson) { try $0.export(kinds) }
    }
}

enum Kinds {
    static func parse(_ word: String) throws -> RecordKind {
        guard let kind = RecordKind(word: word) else {
            throw ValidationError(
                "'\(word)' is no kind of record. \(Suggestion.sentence(for: word, among: List.kinds))")
        }
        return kind
    }
}
