import ArgumentParser
import Glibc

/// The entry. Not an async one: that gives up the main thread by a call over which Debian's valgrind (3.19) crashes.
@main
enum Program {
    static func main() {
        Task.detached {
            await Bench.main()
            exit(0)
        }
        while true { pause() }
    }
}

/// What the store costs, measured through its public calls only.
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metastore-bench",
        abstract: "Measures the store, beside what the same statements cost in plain C.",
        discussion: """
            Examples:
              metastore-bench run                       every row, as a table
              metastore-bench run --rows A,B -o json    two of them, each measurement as a line
              metastore-bench measure put --clients 64 --path /tmp/bench.db
            Times are of this machine: only ratios within one run say something. docs/PERFORMANCE.md says what each
            row is.
            """,
        subcommands: [
            Run.self, Measure.self, Fill.self, OpenOnce.self, Elsewhere.self, Instructions.self,
        ])
}
