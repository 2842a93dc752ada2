import ArgumentParser
import MetastoreCommandLine

/// The truth about a dead master's volume.
@main
struct MetastoreInspect: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metastore-inspect",
        abstract: "Shows what is in a store, and changes nothing.",
        usage: "metastore-inspect <store> <command> [options]",
        discussion: """
            Examples:
              metastore-inspect /mnt/snapshot info
              metastore-inspect /mnt/snapshot check --full
              metastore-inspect /mnt/archive list experiments
              metastore-inspect metastore.db list trials --under experiments/1 --state ERROR
              metastore-inspect metastore.db describe experiments/1/trials/3
              metastore-inspect metastore.db tree experiments/1
              metastore-inspect metastore.db history trials/3
              metastore-inspect metastore.db list experiments --at 2026-11-21T03:00:00Z
              metastore-inspect metastore.db diff other.db
              metastore-inspect metastore.db export -o ndjson > all.ndjson
              metastore-inspect metastore.db report --to report.html

            A store is a database file, a directory or mount point that it lies in, an archive's folder, or a \
            postgresql:// URL. Files are \
            read without a trace: nothing is written, locked or made, and what only stands in the write-ahead log is \
            shown, too. A store that somebody has open is read through its own locks. Of an archive the newest state \
            that it proves is rebuilt, in memory or in a folder in TMPDIR that is gone afterwards.

            Answers go to standard output, everything else to standard error. The shapes of the JSON are in \
            docs/INSPECT.md.

            Exit codes: 0 as asked · 1 the answer is no (diff: they differ) · 3 a newer schema than this program's · \
            64 usage · 65 damaged · 66 no such store · 73 where it was to write something is · 74 I/O · 75 in use, \
            try later · 77 no permission · 130 interrupted · 141 nobody reads any more.
            """,
        version: InspectVersion.text,
        subcommands: [
            Info.self, Check.self, List.self, Describe.self, Tree.self, History.self, Log.self, Metrics.self,
            Diff.self, SQL.self, Export.self, Report.self,
            Salvage.self,
        ])

    /// The store stands before the command, as in a sentence; ArgumentParser wants it after.
    static func main() {
        do {
            let arguments = ProgramArguments.all
            if let script = CompletionScript.asked(arguments, commands: commands) { return print(script) }
            var command = try Self.parseAsRoot(reordered(arguments))
            try command.run()
        } catch {
            Self.exit(withError: error)
        }
    }

    private static var commands: [String] { configuration.subcommands.map { $0._commandName } + ["help"] }

    private static func reordered(_ arguments: [String]) -> [String] {
        guard let first = arguments.first, !first.hasPrefix("-"), !commands.contains(first) else { return arguments }
        guard arguments.count > 1 else { return ["info", first] }
        guard commands.contains(arguments[1]) else {
            return arguments[1].hasPrefix("-") ? ["info"] + arguments : [arguments[1], first] + arguments.dropFirst(2)
        }
        return [arguments[1], first] + arguments.dropFirst(2)
    }
}
