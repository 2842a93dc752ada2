import ArgumentParser

/// The two sides of what tools/bench-replication/run measures: a master that commits, and a follower that reads.
///
/// Each is a process of its own, and says what happened when, a line of JSON each, in nanoseconds of the machine's
/// monotonic clock.
@main
struct Program: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metastore-bench-replication",
        abstract: "A master and a follower for tools/bench-replication/run.",
        subcommands: [Master.self, Replica.self, Fill.self])
}
