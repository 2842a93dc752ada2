import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing

/// The README's example, word for word, so that it can't go stale.
@Suite struct `The README's example` {
    @Test func `compiles and runs`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "metastore-readme-\(UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: folder) }
        let path = folder.appending(path: "metastore.db").path()
        let config: JSONObject = ["searcher": "asha"]
        try await run(path, config)
        let again = try await Metastore.open(.sqlite(path))
        #expect(try await again.keyValue.list("seen").records.count == 2)
        await again.close()
    }

    private func run(_ path: String, _ config: JSONObject) async throws {
        let store = try await Metastore.open(.sqlite(path))

        let experiment = try await store.write { tx in
            let experiment = try tx.experiments.create(
                NewExperiment(name: "mnist-asha", config: config, labels: ["nightly"]))
            for rate in [0.1, 0.01] {
                _ = try tx.trials.create(NewTrial(experiment: experiment.id, hparams: ["lr": .number(rate)]))
            }
            return try tx.experiments.transition(experiment.id, to: .active)
        }

        let page = try await store.experiments.list(.state(.active), .label("nightly"), limit: 50)
        for trial in try await store.trials.list(of: experiment.id).records {
            try await store.write { tx in
                try tx.workloads.report(
                    WorkloadReport(trial: trial.id, generation: 0, step: 1, kind: .runStep, totalBatches: 100))
            }
        }

        let now = store.position.revision
        for try await batch in store.changes(as: "scheduler", of: .trials, .workloads) {
            try await batch.process { change, tx in
                if case .workload(let workload) = change, let done = workload.after, done.state == .completed {
                    try tx.keyValue.put(EntryKey(namespace: "seen", key: "\(done.trial)"), "step \(done.step)")
                }
            }
            if batch.position.revision >= now { break }
        }
        await store.close()
        #expect(page.records == [experiment])
    }
}
