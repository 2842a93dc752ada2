import ArgumentParser
import Metastore
import MetastoreModel
import MetastoreSQLite

#if PostgreSQL
    import MetastorePostgreSQL
#endif

/// What the store costs, measured through its public calls only.
@main
struct Bench: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "metastore-bench",
        abstract: "Measures the store: one JSON object a line.",
        discussion: """
            Examples:
              metastore-bench commits --path /tmp/bench.db
              metastore-bench commits --clients 64 --path /tmp/bench.db
              metastore-bench reads --path /tmp/bench.db
            Times are of this machine: compare within one run, with the floor (tools/bench-floor) beside it.
            """,
        subcommands: [Commits.self, Reads.self, Feed.self, Opening.self, Elsewhere.self])
}

struct StorePath: ParsableArguments {
    @Option(help: "The database file; made if it isn't there.")
    var path: String?

    @Option(help: "Instead of a file: a PostgreSQL connection string or URL.")
    var server: String?

    @Option(help: "How long each measurement runs.")
    var seconds = 5.0

    func validate() throws {
        guard (path == nil) != (server == nil) else { throw ValidationError("give either --path or --server") }
    }

    func open() async throws -> Metastore {
        if let path { return try await Metastore.open(.sqlite(path)) }
        #if PostgreSQL
            return try await Metastore.open(.postgresql(server ?? ""))
        #else
            throw ValidationError("this program was built without PostgreSQL")
        #endif
    }
}

/// Durable one-row commits.
struct Commits: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Durable commits of one row each, with their log record.")
    @OptionGroup var store: StorePath

    @Option(help: "How many tasks commit at once.")
    var clients = 1

    @Option(help: "put: a new key-value entry; report: a workload and its trial; transition: a trial's state.")
    var work = "put"

    func run() async throws {
        let store = try await store.open()
        let trial = try await makeTrial(store)
        let value = [UInt8](repeating: 120, count: 250)
        let run = Int64.random(in: 0..<1_000_000_000)
        let work = work
        let figures = try await measure(seconds: self.store.seconds, clients: clients) { client, number in
            switch work {
            case "put":
                let key = EntryKey(namespace: "bench", key: "\(run)/\(client)/\(number)")
                try await store.write { tx in _ = try tx.keyValue.put(key, value) }
            case "report":
                try await store.write { tx in
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: trial, generation: 0, step: Int64(client) * 10_000_000 + Int64(number),
                            kind: .runStep,
                            totalBatches: Int64(number), metrics: benchMetrics(number)))
                }
            case "transition":
                try await store.write { tx in
                    try tx.trials.transition(trial, to: number.isMultiple(of: 2) ? .paused : .active)
                }
            default: throw ValidationError("--work is put, report or transition, not \(work)")
            }
        }
        print(figures.line("commits.\(work)", clients: clients))
        await store.close()
    }
}

/// Point reads of a typed record.
struct Reads: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Point reads of a trial by its id.")
    @OptionGroup var store: StorePath

    @Option(help: "How many trials to choose from.")
    var trials = 10_000

    func run() async throws {
        let store = try await store.open()
        let ids = try await makeTrials(store, count: trials)
        let seconds = self.store.seconds
        let figures = try await store.read { snapshot in
            try measureBlocking(seconds: seconds) { number in
                _ = try snapshot.trials.get(ids[number &* 7_919 % ids.count])
            }
        }
        print(figures.line("reads.inside", clients: 1))
        let awaited = try await measure(seconds: seconds, clients: 1) { _, number in
            _ = try await store.trials.get(ids[number &* 7_919 % ids.count])
        }
        print(awaited.line("reads.awaited", clients: 1))
        await store.close()
    }
}

/// The feed: wake-up after a commit, and catching up.
struct Feed: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Commit to watcher, and catching up on the log.")
    @OptionGroup var store: StorePath

    @Option(help: "How many workloads to catch up on.")
    var changes = 200_000

    func run() async throws {
        let store = try await store.open()
        try await wakeUps(store)
        try await catchUp(store)
        await store.close()
    }

    private func wakeUps(_ store: Metastore) async throws {
        let start = store.position
        let count = 2_000
        let commits = Times()
        let watcher = Task {
            var latencies: [Duration] = []
            var iterator = store.changes(after: start, of: .keyValue).makeAsyncIterator()
            while latencies.count < count, try await iterator.next() != nil {
                let seen = ContinuousClock.now
                latencies.append(seen - (await commits.answered(latencies.count)))
            }
            return latencies
        }
        for number in 0..<count {
            try await store.write { tx in
                _ = try tx.keyValue.put(EntryKey(namespace: "wake", key: "\(number)"), "\(ContinuousClock.now)")
            }
            await commits.append(.now)
        }
        let latencies = try await watcher.value.sorted()
        print(
            Figures(operations: count, duration: .zero, latencies: latencies).line("feed.after-commit", clients: 1))
    }

    private func catchUp(_ store: Metastore) async throws {
        let before = store.position
        let trial = try await makeTrial(store)
        for start in stride(from: 0, to: changes, by: 256) {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in start..<min(start + 256, changes) {
                    group.addTask {
                        try await store.write { tx in
                            _ = try tx.workloads.report(
                                WorkloadReport(
                                    trial: trial, generation: 0, step: Int64(number), kind: .runStep, totalBatches: 1,
                                    metrics: benchMetrics(number)))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }
        let end = store.position.revision
        let began = ContinuousClock.now
        var seen = 0
        for try await batch in store.changes(after: before).batches {
            for commit in batch.commits { seen += commit.changes.count }
            if batch.position.revision >= end { break }
        }
        print(
            Figures(operations: seen, duration: ContinuousClock.now - began, latencies: []).line(
                "feed.catch-up", clients: 1))
    }
}

/// Opening a large store.
struct Opening: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Opening a store that holds many workloads.")
    @OptionGroup var store: StorePath

    @Option(help: "How many workloads the store must hold; missing ones are made.")
    var workloads = 1_000_000

    func run() async throws {
        var store = try await store.open()
        let trial = try await makeTrial(store)
        let have = try await store.workloads.list(of: trial, limit: 1).records.isEmpty
        if have {
            for start in stride(from: 0, to: workloads, by: 1_000) {
                try await store.write { tx in
                    for number in start..<(start + 1_000) {
                        try tx.workloads.report(
                            WorkloadReport(
                                trial: trial, generation: 0, step: Int64(number), kind: .runStep, totalBatches: 1,
                                metrics: benchMetrics(number)))
                    }
                }
            }
        }
        await store.close()
        var latencies: [Duration] = []
        for _ in 0..<20 {
            let began = ContinuousClock.now
            store = try await self.store.open()
            _ = try await store.trials.get(trial)
            latencies.append(ContinuousClock.now - began)
            await store.close()
        }
        print(Figures(operations: 20, duration: .zero, latencies: latencies.sorted()).line("open", clients: 1))
    }
}
