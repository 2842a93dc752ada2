import ArgumentParser
import Metastore
import MetastoreModel

/// A fixed number of calls, for a counting profiler: tools/bench-instructions.
struct Instructions: AsyncParsableCommand {
    enum Work: String, ExpressibleByArgument, CaseIterable {
        case put, report, load, transition, read, page, workloads, catchUp = "catch-up"
    }

    static let configuration = CommandConfiguration(
        abstract: "Does one work a fixed number of times, one after the other, and prints nothing.",
        discussion: """
            catch-up reads the newest revisions, so many; put makes some of one change each. load makes so many reports,
            in whole thousands, one thousand a write.
            """)
    @Argument(help: "The work: \(Work.allCases.map(\.rawValue).joined(separator: ", ")).")
    var work: Work

    @Option(help: "A store that Fill made; it is written.")
    var path: String

    @Option(help: "How often.")
    var count = 1_000

    @Option(help: "The --scale of Fill.")
    var scale = 1.0

    func run() async throws {
        // What the store does now and then depends on how long the run takes.
        var options = benchOptions
        options.housekeepingInterval = .seconds(3_600)
        let store = try await openStore(at: path, options)
        let dataset = Dataset(scale: scale)
        let (work, count) = (work, count)
        switch work {
        case .put:
            for number in 0..<count {
                let key = EntryKey(namespace: "bench", key: "\(1_000_000 + number)")
                try await store.write { tx in _ = try tx.keyValue.put(key, Values.entry) }
            }
        case .report:
            for number in 0..<count {
                let report = dataset.report(dataset.writer(0), number, metrics: Values.metrics(0))
                try await store.write { tx in _ = try tx.workloads.report(report) }
            }
        case .load:
            for start in stride(from: 0, to: count, by: Dataset.workloadsPerLoader) {
                let trial = dataset.loader(start / Dataset.workloadsPerLoader)
                let reports = (0..<Dataset.workloadsPerLoader).map { step in
                    dataset.report(trial, step, metrics: Values.metrics(step))
                }
                try await store.write { tx in
                    for report in reports { try tx.workloads.report(report) }
                }
            }
        case .transition:
            for number in 0..<count {
                try await store.write { tx in
                    try tx.trials.transition(dataset.writer(0), to: number.isMultiple(of: 2) ? .paused : .active)
                }
            }
        case .read:
            try await store.read { snapshot in
                for number in 0..<count { _ = try snapshot.trials.get(dataset.point(number)) }
            }
        case .page:
            try await store.read { snapshot in
                for _ in 0..<count { _ = try snapshot.experiments.list(limit: 50) }
            }
        case .workloads:
            try await store.read { snapshot in
                for _ in 0..<count {
                    let page = try snapshot.workloads.list(of: ID(rawValue: dataset.listed), limit: dataset.workloads)
                    for workload in page.records { _ = workload.metrics?.values }
                }
            }
        case .catchUp:
            let start = try await store.position(
                at: Revision(rawValue: store.position.revision.rawValue - Int64(count)))
            var seen = 0
            for try await batch in store.changes(after: start).batches {
                seen += batch.commits.count
                if seen == count { break }
            }
        }
        await store.close()
    }
}
