import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `No statement reads a big table from end to end` {
    /// Tables that grow with the work that was ever done.
    private static let big = [
        "log", "experiments", "trials", "workloads", "checkpoints", "tasks", "allocations", "containers", "operations",
        "documents", "key_value", "instances", "spot_requests", "experiment_labels",
    ]

    /// Statements that may, each with its reason.
    private static let named: [(text: String, reason: String)] = [
        ("SELECT 1 FROM allocations WHERE pool =", "deleting a pool, by hand"),
        ("SELECT 1 FROM instances WHERE pool =", "deleting a pool, by hand"),
        ("SELECT 1 FROM spot_requests WHERE pool =", "deleting a pool, by hand"),
        ("WHERE state IN (1, 2, 3, 4, 5, 6, 10, 11) ORDER BY id", "sorts what has not ended, at boot"),
        ("searcher_metric IS NOT NULL ORDER BY searcher_metric", "sorts one trial's validations, at a restart"),
        ("row_number() OVER", "ranks the checkpoints of one experiment"),
        ("DELETE FROM pools", "the database looks for what names the pool"),
    ]

    /// Calls every query and every write there is once.
    private func exercise(_ bench: Bench) async throws {
        let store = bench.store
        let uuid = UUID()
        _ = try await store.write(operation: OperationID(bench.time.source)) { tx in
            let agent = try tx.aPool()
            let parent = try tx.experiments.create(
                NewExperiment(name: "p", config: [:], labels: ["l"], externalID: "e", modelDefinition: [1]))
            try tx.experiments.update(parent.id, ExperimentEdit(labels: ["m"]))
            for smaller in [true, false] {
                let trial = try tx.aTrial(of: try tx.anExperiment(smallerIsBetter: smaller))
                try tx.run(trial, step: 1)
                try tx.validate(trial, step: 1, 1)
                try tx.save(trial, step: 1, uuid: smaller ? uuid : UUID())
                _ = try tx.trials.restart(trial.id)
                try tx.trials.touch(trial.id)
                try tx.snapshots.put(trial.experiment, version: 1, content: [:])
                try tx.snapshots.put(trial.experiment, version: 2, content: [:])
                _ = try tx.trials.find(trial.experiment, requestID: trial.requestID)
                _ = try tx.trials.unfinished(trial.experiment)
                _ = try tx.checkpoints.collectable(trial.experiment)
                _ = try tx.checkpoints.latest(of: trial.id)
                _ = try tx.experiments.bestTrial(trial.experiment)
                _ = try tx.experiments.checkpointTotals(trial.experiment)
                _ = try tx.workloads.series(of: [trial.id])
                _ = try tx.tasks.create(NewTask(kind: .trial, trial: trial.id))
                _ = try tx.tasks.list(of: trial.id)
            }
            _ = refused { try tx.checkpoints.delete(uuid) }
            _ = try (tx.experiments.unfinished(), tx.tasks.unfinished(), tx.allocations.unfinished())
            _ = try (tx.experiments.find(externalID: "e"), tx.agents.list(in: "gpu"), tx.slots.free(in: "gpu"))
            let allocation = try tx.anAllocation()
            _ = try tx.allocations.waiting(in: "gpu")
            _ = try tx.allocations.list(of: allocation.task)
            let container = try tx.containers.create(
                NewContainer(allocation: allocation.id, agent: agent.id, slots: [0]))
            _ = try (tx.containers.list(of: allocation.id), tx.containers.unfinished(on: agent.id))
            _ = try tx.ports.reserveForTrial(gpus: 1, on: "h", for: allocation.id)
            _ = try tx.ports.list(of: allocation.id)
            try tx.containers.transition(container.id, to: .pulling)
            try tx.allocations.transition(allocation.id, to: .terminated)
            try tx.tasks.end(allocation.task)
            try tx.pools.put(NewPool(name: "aws", tagKey: "k", tagValue: "v"))
            try tx.pools.put(NewPool(name: "spare", tagKey: "k", tagValue: "w"))
            try tx.pools.delete("spare")
            _ = try tx.spotRequests.create(NewSpotRequest(clientToken: "s", pool: "aws"))
            _ = try tx.instances.create(NewInstance(clientToken: "i", pool: "aws", instanceID: "1", spotRequest: "s"))
            try tx.instances.transition("i", to: .running, agent: "a")
            try tx.spotRequests.transition("s", to: .fulfilled, instance: "i")
            _ = try (tx.instances.unfinished(in: "aws"), tx.spotRequests.unfinished(in: "aws"))
            let lease = try tx.leases.grant(timeToLive: .seconds(9))
            try tx.keyValue.put("n/a", "1", lease: lease.id)
            try tx.leases.revoke(lease.id)
            try tx.agents.heartbeat(agent.id)
            return 1
        }
        try await exercisePages(store)
        for try await batch in store.changes(as: "c") {
            try await batch.process { _, _ in }
            break
        }
        try await store.lead(as: "m") { _ in }
        try await store.write { tx in try tx.finish(2) }
        try await store.experiments.delete(2)
        bench.time.advance(.seconds(30 * 86_400))
        try await store.consumers.remove("c")
        _ = try await eventually { try await store.info().compactedRevision > .absent }
    }

    private func exercisePages(_ store: Metastore) async throws {
        try await store.write { tx in for key in ["n/1", "n/2"] { try tx.keyValue.put(EntryKey(key), "1") } }
        let filters: [ExperimentFilter] = [
            .state(.active), .label("m"), .owner(""), .pool("default"), .archived, .notArchived,
        ]
        for filter in filters { _ = try await store.experiments.list(filter) }
        let next = try await store.experiments.list(limit: 1).next
        _ = try await store.experiments.list(.state(.active), .label("m"), after: next)
        let entry = try await store.keyValue.list("n", limit: 1).next
        _ = try await store.keyValue.list("n", prefix: "1", after: entry)
        _ = try await store.trials.list(of: 2)
        let (uuid, experiment): (UUID, ID<Experiment>) = (UUID(), 2)
        try await store.write { tx in
            for number in 0..<2 {
                let trial = try tx.aTrial(of: try tx.experiments.get(2))
                try tx.run(trial, step: 1)
                if number == 0 { try tx.validate(trial, step: 1, 1) }
                try tx.save(trial, step: 1, uuid: number == 0 ? uuid : UUID())
            }
        }
        for _ in 0..<2 {
            var cursor = try await store.trials.list(of: 2, limit: 1).next
            while let place = cursor { cursor = try await store.trials.list(of: 2, after: place, limit: 1).next }
        }
        let trial = try await store.checkpoints.get(uuid).trial
        let work = try await store.workloads.list(of: trial, limit: 1).next
        let saved = try await store.checkpoints.list(of: experiment, limit: 1).next
        _ = try await store.workloads.list(of: trial, after: work)
        _ = try await store.checkpoints.list(of: experiment, after: saved)
        _ = try await store.checkpoints.list(of: trial)
    }

    @Test func `and none sorts what an index could give in order, but for a named list`() async throws {
        try await withBench(.disk) { bench in
            bench.faults.recordTexts()
            try await exercise(bench)
            let texts = bench.faults.texts.filter { $0.contains("FROM") || $0.hasPrefix("UPDATE") }
            #expect(texts.count > 100, "the statements of the store are seen: \(texts.count)")
            let findings = Findings()
            bench.faults.arm(
                .begin,
                .run { connection in
                    for text in texts.sorted() { findings.add(text, try Self.plan(of: text, connection)) }
                })
            _ = try await bench.store.write { tx in tx.revision }
            var used: Set<String> = []
            for (text, plan) in findings.all {
                let faults = plan.filter { step in
                    step.contains("TEMP B-TREE FOR ORDER BY")
                        || Self.big.contains { step.hasPrefix("SCAN \($0)") && !Self.isPartial(step) }
                }
                guard !faults.isEmpty else { continue }
                guard let named = Self.named.first(where: { text.contains($0.text) }) else {
                    Issue.record("\(text): \(faults)")
                    continue
                }
                used.insert(named.text)
            }
            #expect(used == Set(Self.named.map(\.text)), "no exception is named that nobody needs")
        }
    }

    /// True for a scan of an index that holds only what is unfinished, archived or leased.
    private static func isPartial(_ step: String) -> Bool {
        ["_unfinished", "_archived", "_waiting", "key_value_by_lease"].contains { step.contains($0) }
    }

    /// The steps of SQLite's plan. Placeholders are bound to null, which changes no plan: nothing was analysed.
    private static func plan(of text: String, _ connection: any Connection) throws -> [String] {
        let count = text.utf8.count { $0 == SQL.placeholder }
        let statement = SQL(trusted: "EXPLAIN QUERY PLAN " + text, values: Array(repeating: .null, count: count))
        return try connection.all(statement) { try $0.text(3) }
    }
}

/// Plans, collected on another thread.
private final class Findings: @unchecked Sendable {
    // Written by the writer's thread before the write that it belongs to is answered, and read after.
    private(set) var all: [(String, [String])] = []

    func add(_ text: String, _ plan: [String]) { all.append((text, plan)) }
}
