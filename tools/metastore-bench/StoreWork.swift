import ArgumentParser
import Metastore
import MetastoreModel

/// What the store is made to do, named as the floor names it.
enum StoreWork: String, CaseIterable, ExpressibleByArgument, Sendable {
    /// A new key-value entry of 250 bytes.
    case put
    /// A workload that COMPLETED, with its metrics, and its trial moved on.
    case report
    /// A trial's state, compared and set, to and fro between ACTIVE and PAUSED.
    case transition
    /// A trial by its id, inside one read.
    case read
    /// A trial by its id, each an awaited call.
    case readAwaited = "read.awaited"
    /// The newest 50 experiments, inside one read.
    case page
    /// The same, as one awaited call.
    case pageAwaited = "page.awaited"
    /// 50 experiments with nine tenths of all before them.
    case deepPage = "page.deep"
    /// All workloads of a trial, their metrics taken apart.
    case workloads
    /// The best trial of an experiment.
    case best

    /// Its name in the output.
    var name: String { "store.\(rawValue)" }

    /// Measures it once.
    func measure(
        _ store: Metastore, _ dataset: Dataset, clients: Int = 1, seconds: Double
    ) async throws -> Measurement {
        switch self {
        case .put, .report, .transition:
            try await measureTasks(
                name, seconds: seconds, clients: clients, commits(store, dataset, clients: clients))
        case .readAwaited:
            try await measureTasks(name, seconds: seconds, clients: clients) { client, number in
                _ = try await store.trials.get(dataset.point(number &+ client &* 101))
            }
        case .pageAwaited:
            try await measureTasks(name, seconds: seconds, clients: clients) { _, _ in
                _ = try await store.experiments.list(limit: 50)
            }
        case .read, .page, .deepPage, .workloads, .best:
            try await measureInside(store, dataset, seconds: seconds)
        }
    }

    /// One commit by a client.
    private func commits(
        _ store: Metastore, _ dataset: Dataset, clients: Int
    ) async throws -> @Sendable (_ client: Int, _ number: Int) async throws -> Void {
        // No earlier run has used numbers from here on.
        let base = store.position.revision.rawValue
        switch self {
        case .report:
            return { client, number in
                let step = Int(base) + number
                let report = dataset.report(dataset.writer(client), step, metrics: Values.metrics(number))
                try await store.write { tx in _ = try tx.workloads.report(report) }
            }
        case .transition:
            var states: [TrialState] = []
            for client in 0..<clients { states.append(try await store.trials.get(dataset.writer(client)).state) }
            let first = states
            return { client, number in
                let isActive = (first[client] == .active) == number.isMultiple(of: 2)
                try await store.write { tx in
                    try tx.trials.transition(
                        dataset.writer(client), to: isActive ? .paused : .active,
                        if: .state(isActive ? .active : .paused))
                }
            }
        default:
            return { client, number in
                let key = EntryKey(namespace: "bench", key: "\(base)/\(client)/\(number)")
                try await store.write { tx in _ = try tx.keyValue.put(key, Values.entry) }
            }
        }
    }

    /// As often as there is time, in one snapshot.
    private func measureInside(_ store: Metastore, _ dataset: Dataset, seconds: Double) async throws -> Measurement {
        let name = name
        let deep = self == .deepPage ? try await cursor(store, dataset) : nil
        return try await store.read { snapshot in
            switch self {
            case .page, .deepPage:
                try measureEach(name, seconds: seconds) {
                    _ = try snapshot.experiments.list(after: deep, limit: 50)
                }
            case .workloads:
                try measureEach(name, seconds: seconds) {
                    let page = try snapshot.workloads.list(
                        of: ID(rawValue: dataset.listed), limit: dataset.workloads)
                    for workload in page.records { _ = workload.metrics?.values }
                }
            case .best:
                try measureEach(name, seconds: seconds) {
                    _ = try snapshot.experiments.bestTrial(Dataset.pointed)
                }
            default:
                try measureMany(name, seconds: seconds) { number in
                    _ = try snapshot.trials.get(dataset.point(number))
                }
            }
        }
    }

    /// To the deep page, the way a program gets there: page by page.
    private func cursor(_ store: Metastore, _ dataset: Dataset) async throws -> Cursor? {
        var after: Cursor?
        for _ in 0..<9 { after = try await store.experiments.list(after: after, limit: dataset.tenth).next }
        return after
    }
}
