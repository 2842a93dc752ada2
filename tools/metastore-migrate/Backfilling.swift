import ArgumentParser
import MetastoreCommandLine

struct Backfill: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "What is filled in after an upgrade, beside the writers: shows it, steers it, or does it.",
        discussion: """
            Examples:
              metastore-migrate backfill status   metastore.db
              metastore-migrate backfill pause    metastore.db
              metastore-migrate backfill resume   metastore.db
              metastore-migrate backfill throttle metastore.db 5000
              metastore-migrate backfill throttle metastore.db none
              metastore-migrate backfill run      metastore.db

            The process that holds the store does it, in small steps between its writes: start the master, and there \
            is nothing else to do. Orders reach it within about a second, last until others are given, and don't \
            touch the database of a running master.
            """,
        subcommands: [Status.self, Pause.self, Resume.self, Throttle.self, Run.self])

    struct Status: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Says how far it is, who works on it, and what to do if nobody does.",
            discussion: """
                Examples:
                  metastore-migrate backfill status metastore.db
                  metastore-migrate backfill status metastore.db -o json

                Writes nothing, and works beside a running master. Exit codes: 0 everything is filled in · 1 something \
                is left to do.
                """)
        @OptionGroup var place: StoreArguments
        func run() async throws { try await place.run { try $0.backfillStatus() } }
    }

    struct Pause: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets it rest until it is resumed, restarts of the master included.",
            discussion: """
                Examples:
                  metastore-migrate backfill pause metastore.db
                """)
        @OptionGroup var place: StoreArguments
        func run() async throws { try await place.run { try $0.pauseBackfill() } }
    }

    struct Resume: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Lets it go on.",
            discussion: """
                Examples:
                  metastore-migrate backfill resume metastore.db
                """)
        @OptionGroup var place: StoreArguments
        func run() async throws { try await place.run { try $0.resumeBackfill() } }
    }

    struct Throttle: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Bounds it to so many rows a second; none leaves it its share of the writer's time.",
            discussion: """
                Examples:
                  metastore-migrate backfill throttle metastore.db 5000
                  metastore-migrate backfill throttle metastore.db none
                """)
        @OptionGroup var place: StoreArguments

        @Argument(help: "Rows a second, or none.", completion: .list(["none"]))
        var rows: String

        func validate() throws { _ = try bound() }

        private func bound() throws -> Int64? {
            if rows == "none" { return nil }
            guard let bound = Int64(rows) else {
                throw ValidationError("'\(rows)' is no number of rows a second. Write a whole number, or none.")
            }
            guard bound > 0 else {
                throw ValidationError(
                    "\(rows) rows a second is none at all: metastore-migrate backfill pause does that.")
            }
            return bound
        }

        func run() async throws {
            let bound = try bound()
            try await place.run { try $0.throttleBackfill(rowsPerSecond: bound) }
        }
    }

    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Does it, where no master runs.",
            discussion: """
                Examples:
                  metastore-migrate backfill run metastore.db
                  metastore-migrate backfill run postgresql://master@db1/training

                Holds a store in a file as a master does; on a server it is one of the processes, and leaves a \
                master that writes its time. Obeys the orders. Ctrl-C ends it after the step it is at; killed, the \
                next run or the master goes on. Exit codes: 0 everything is filled in · 75 a master holds the \
                store, and does it itself · 130 interrupted.
                """)
        @OptionGroup var place: StoreArguments
        func run() async throws { try await place.run(endingGently: true) { try await $0.runBackfill() } }
    }
}
