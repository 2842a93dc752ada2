import Metastore
import MetastoreModel
import MetastoreSQLite
import Testing
import FoundationEssentials

@Suite struct Smoke {
    @Test(arguments: [true, false]) func runs(_ memory: Bool) async throws {
        let dir = "/tmp/ms-smoke-\(UUID().uuidString)"
        let store = try await Metastore.open(memory ? .inMemory() : .sqlite(dir + "/m.db"))
        let experiment = try await store.write { tx in
            let experiment = try tx.experiments.create(.init(name: "mnist-asha", config: ["a": 1], labels: ["nightly"]))
            for rate in [0.1, 0.01] {
                _ = try tx.trials.create(.init(experiment: experiment.id, hparams: ["lr": .number(rate)]))
            }
            return try tx.experiments.transition(experiment.id, to: .active)
        }
        #expect(experiment.state == .active)
        let page = try await store.experiments.list(.state(.active), .label("nightly"), limit: 50)
        #expect(page.records == [experiment])
        let trials = try await store.trials.list(of: experiment.id)
        #expect(trials.records.count == 2)
        let t = trials.records[0].id
        try await store.write { tx in
            for s in 1...5 as ClosedRange<Int64> {
                try tx.workloads.report(.init(trial: t, generation: 0, step: s, kind: .runStep, totalBatches: s * 100))
                try tx.workloads.report(.init(trial: t, generation: 0, step: s, kind: .computeValidationMetrics, totalBatches: s * 100, metrics: ["validation_loss": 1.0 / Double(s)]))
                try tx.checkpoints.report(.init(uuid: UUID(), trial: t, generation: 0, totalBatches: s * 100, resources: ["w": 100]))
            }
        }
        #expect(try await store.experiments.bestTrial(experiment.id)?.bestMetric == 0.2)
        #expect(try await store.checkpoints.collectable(experiment.id).count == 4)
        var count = 0
        for try await batch in store.changes(after: try await store.position(at: 0)).batches {
            count += batch.changes.count
            if batch.position.revision == store.position.revision { break }
        }
        #expect(count == 1 + 1 + 2 + 1 + 15)
        let r = try await store.write { tx in try tx.trials.restart(t) }
        #expect(r.trial.generation == 1)
        try await store.lead(as: "m0") { l in #expect(l.epoch.number == 2) }
        for n in 0..<200 { try await store.keyValue.put(EntryKey("a/\(n)"), "x") }
        try await store.write { tx in
            for t in try tx.trials.unfinished(experiment.id) { try tx.trials.transition(t.id, to: .error) }
            try tx.experiments.transition(experiment.id, to: .error)
        }
        try await store.experiments.delete(experiment.id)
        await #expect(throws: StoreError.self) { try await store.experiments.get(experiment.id) }
        await store.close()
        if !memory {
            let again = try await Metastore.open(.sqlite(dir + "/m.db"))
            #expect(try await again.info().revision == store.position.revision)
            await again.close()
        }
    }
}
