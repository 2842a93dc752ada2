import ArgumentParser
import Glibc

/// The entry. Not an async one: that gives up the main thread by a call over which Debian's valgrind (3.19) crashes.
@main
enum Program {
    static func main() {
        // Before there is another thread: all leave these signals to this one.
        var signals = sigset_t()
        sigemptyset(&signals)
        for signal in [SIGINT, SIGTERM] { sigaddset(&signals, signal) }
        pthread_sigmask(SIG_BLOCK, &signals, nil)
        Task.detached {
            await Bench.main()
            exit(0)
        }
        var signal: Int32 = 0
        while sigwait(&signals, &signal) != 0 {}
        Scratch.removeAll(exitingWith: 128 + signal)
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
            Run.self, Measure.self, Fill.self, OpenOnce.self, Elsewhere.self, Instructions.self, UpgradeRun.self,
        ])
}
