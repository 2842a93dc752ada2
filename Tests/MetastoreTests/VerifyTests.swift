import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Verification finds what was changed behind the store's back` {
    private func fill(_ tx: borrowing Transaction) throws {
        let agent = try tx.aPool()
        let allocation = try tx.anAllocation()
        _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: agent.id, slots: [0, 1]))
        _ = try tx.ports.reserve(.notebook, on: "h", for: allocation.id)
        let experiment = try tx.experiments.create(
            NewExperiment(name: "a", config: ["a": 1], labels: ["x"], startsActive: true))
        let trial = try tx.aTrial(of: experiment)
        for step in 1...3 as ClosedRange<Int64> {
            try tx.run(trial, step: step)
            try tx.validate(trial, step: step, Double(step))
            try tx.save(trial, step: step)
        }
        try tx.snapshots.put(experiment.id, version: 1, content: [:])
        try tx.keyValue.put("n/a", "1", lease: try tx.leases.grant(timeToLive: .seconds(60)).id)
    }

    /// What is done to the file, and one finding that tells of it: the invariant and the key.
    static let damages: [(SQL, String, String)] = [
        ("UPDATE experiments SET name = 'b'", "a row has its hash", "experiments/1"),
        (
            "UPDATE workloads SET total_batches = 101 WHERE id = 1", "a row has its hash",
            "experiments/1/trials/1/workloads/1"
        ),
        ("DELETE FROM key_value", "the digest of a kind is the sum of its rows", "head"),
        ("UPDATE key_value SET row_hash = row_hash + 1", "a row has its hash", "kv/n/a"),
        (
            "UPDATE documents SET content = \([0x7b, 0x7d] as [UInt8])", "a document has the content of its hash",
            "documents/"
        ),
        ("UPDATE documents SET holders = 2", "a document counts its holders", "documents/"),
        (
            "UPDATE trials SET best_order = 2", "a trial's place in the order is its best metric's",
            "experiments/1/trials/1"
        ),
        (
            "UPDATE trials SET best_validation = 4", "a trial's best validation is the best of what is live",
            "experiments/1/trials/1"
        ),
        (
            "UPDATE trials SET latest_validation = 2", "a trial's latest validation is the latest of what is live",
            "experiments/1/trials/1"
        ),
        (
            "UPDATE workloads SET is_rolled_back = 1 WHERE id = 3",
            "a live validation or checkpoint has its step's live COMPLETED RUN_STEP",
            "experiments/1/trials/1/workloads/4"
        ),
        ("DELETE FROM experiment_labels", "every label is in the index of labels", "experiments/1"),
        ("INSERT INTO experiment_labels VALUES ('y', 1)", "the index of labels holds nothing else", "experiments"),
        (
            "UPDATE slots SET container = NULL WHERE slot = 1", "a live container has its slots",
            "tasks/1/allocations/1/containers/1"
        ),
        (
            "UPDATE containers SET state = 5", "a slot's container lives, on the slot's agent",
            "agents/gpu-agent/slots/0"
        ),
        ("UPDATE allocations SET state = 8, end_time = \(Value.timestamp(1))", "a port's holder lives", "ports/h/2900"),
        ("UPDATE ports SET purpose = 10", "an ephemeral reservation takes no fixed port", "ports/h/2900"),
        ("UPDATE experiments SET state = 8", "an ended experiment has no live trial", "experiments/1"),
        (
            "UPDATE trials SET end_time = \(Value.timestamp(1))", "a trial has an end exactly when it has ended",
            "experiments/1/trials/1"
        ),
        (
            "UPDATE checkpoints SET size = 1 WHERE number = 1", "a checkpoint's size is its files'",
            "experiments/1/trials/1/checkpoints/"
        ),
        ("UPDATE head SET next_trial = 1", "an id is given once", "head"),
        ("UPDATE log SET actor = 'b' WHERE revision = 2", "a log record has its link", "log/2"),
        ("UPDATE log SET kinds = 2 WHERE revision = 2", "a log record names its kinds", "log/2"),
        ("UPDATE log SET body = \([0] as [UInt8]) WHERE revision = 2", "a log record can be read", "log/2"),
        ("DELETE FROM log WHERE revision = 2", "revisions have no hole", "log/3"),
        ("DELETE FROM log WHERE revision = 3", "the log ends at the head's revision", "head"),
        ("UPDATE head SET log_bytes = log_bytes + 1", "the head counts the log's bytes", "head"),
        ("UPDATE head SET chain = \([UInt8](repeating: 0, count: 32))", "the log ends at the head's link", "head"),
        ("UPDATE head SET revision = 2", "a row's revisions are of this history", "kv/n/b"),
        (
            "UPDATE trial_summaries SET content = \([1, 0, 0] as [UInt8])",
            "a trial's metric summaries are those of its workloads", "experiments/1/trials/1"
        ),
        (
            "UPDATE trial_summaries SET through_step = 2", "a trial's metric summaries are those of its workloads",
            "experiments/1/trials/1"
        ),
        (
            "DELETE FROM trial_summaries", "a trial's metric summaries are those of its workloads",
            "experiments/1/trials/1"
        ),
        (
            "UPDATE trial_summaries SET content = \([2] as [UInt8])", "a trial's metric summaries can be read",
            "experiments/1/trials/1"
        ),
        (
            "UPDATE backfills SET state = 1, first_new_trial = 9",
            "a trial's metric summaries are those of its workloads", "experiments/1/trials/1"
        ),
        ("DELETE FROM backfills", "a backfill can be read", "backfills"),
        ("DELETE FROM epochs", "the head's epoch is in the table of epochs", "head/epoch"),
    ]

    @Test(arguments: TestEngine.allCases)
    func `each by the name of the invariant and the offending key`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            let store = bench.store
            try await store.write { tx in try fill(tx) }
            try await store.keyValue.put("n/b", "1")
            let clean = try await store.verify()
            #expect(clean.isClean && clean.revision == 3 && clean.logRecords == 3 && clean.rows[.workload] == 6)
            for (damage, invariant, key) in Self.damages {
                let report = try await damaged(bench, damage)
                #expect(!report.isClean, "\(damage.text)")
                #expect(
                    report.findings.contains { $0.invariant == invariant && $0.key.hasPrefix(key) },
                    "\(damage.text): \(report)")
            }
        }
    }

    /// The report of a state that is rolled back at once: verified inside a transaction that fails.
    private func damaged(_ bench: Bench, _ damage: SQL) async throws -> VerificationReport {
        bench.faults.arm(
            .statement(containing: "SELECT cluster, epoch"), nth: 2,
            .run { connection in
                // References are broken as well.
                try connection.executeScript(
                    connection.dialect == .sqlite
                        ? "PRAGMA defer_foreign_keys = ON" : "SET LOCAL session_replication_role = replica")
                try connection.execute(damage)
            })
        do {
            try await bench.store.write { tx in throw Seen(report: try tx.verify()) }
            throw Planned("the closure throws")
        } catch let seen as Seen {
            return seen.report
        }
    }

    private struct Seen: Error {
        let report: VerificationReport
    }

    @Test(arguments: TestEngine.allCases)
    func `and nothing in a store of a thousand revisions`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let count = Seeded.count(20_000, least: 200)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for worker in 0..<4 {
                    group.addTask {
                        for number in 0..<(count / 4) {
                            try await store.keyValue.put(EntryKey("n/\(number % 50)"), "\(worker) \(number)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            let report = try await store.verify()
            #expect(report.isClean, "\(report)")
            #expect(report.logRecords >= count / 4)
        }
    }
}
