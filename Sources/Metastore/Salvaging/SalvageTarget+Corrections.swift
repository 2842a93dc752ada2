// Invariants
// 1. A row that something in it no longer fits is set right in a revision of its own, by the salvage, with the old
//    values in the log: what the lost store had is never written over silently.
// 2. Nothing is made up: a reference to what is lost becomes null, what is computed from other rows is computed anew,
//    and what later rows prove to be over is over.

internal import MetastoreEngine
internal import MetastoreModel

extension WriteSession {
    /// Sets right what no longer fits.
    ///
    /// - Parameter isWhole: every row is there: only the log may be shorter than it was.
    /// - Returns: how many rows.
    func correct(isWhole: Bool) throws -> Int {
        var corrections = Corrections(session: self)
        try corrections.consumers()
        if !isWhole {
            try corrections.documents()
            try corrections.trials()
            try corrections.checkpoints()
            try corrections.allocations()
            try corrections.slots()
            try corrections.instances()
        }
        _ = try seal()
        return corrections.count
    }
}

/// Goes through the rows in which something no longer fits.
private struct Corrections {
    /// How many rows one revision sets right.
    private static let batch = 1_000

    let session: WriteSession
    private(set) var count = 0

    init(session: WriteSession) { self.session = session }

    /// Changes each of these records, and keeps those that are another then.
    private mutating func each<R: StoredRecord>(_ rest: SQL, _ change: (inout R) throws -> Void) throws {
        let records: [R] = try session.records(rest)
        for record in records { try keep(record, change) }
    }

    private mutating func keep<R: StoredRecord>(_ record: R, _ change: (inout R) throws -> Void) throws {
        var next = record
        try change(&next)
        guard next != record else { return }
        try session.update(next, from: record)
        count += 1
        if count.isMultiple(of: Self.batch) {
            _ = try session.seal()
            session.begin(actor: session.actor)
        }
    }

    /// A consumer can't go on from where the log no longer is.
    mutating func consumers() throws {
        let (oldest, newest) = (session.head.compactedRevision.rawValue, session.head.revision.rawValue)
        try each(
            """
            WHERE (is_expired = 0 AND position_revision < \(oldest)) OR position_revision > \(newest) ORDER BY name
            """
        ) { (consumer: inout Consumer) in consumer.isExpired = true }
        try session.execute(
            """
            UPDATE consumers SET position_revision = \(oldest), \
            position_chain = \(Position.prefix(of: session.head.compactedChain)) \
            WHERE position_revision > \(newest)
            """)
    }

    /// What may be without a document is without it once it is lost.
    mutating func documents() throws {
        try each(
            """
            WHERE model_definition IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents \
            WHERE documents.hash = model_definition) ORDER BY id
            """
        ) { (experiment: inout Experiment) in experiment.modelDefinition = nil }
        try each(
            """
            WHERE metrics_document IS NOT NULL AND NOT EXISTS (SELECT 1 FROM documents \
            WHERE documents.hash = metrics_document) ORDER BY id
            """
        ) { (workload: inout Workload) in workload.metricsDocument = nil }
    }

    mutating func trials() throws {
        // One after the other: all of them, and most fit.
        for id in try session.all("SELECT id FROM trials ORDER BY id", { try $0.integer(0) }) {
            guard let trial = try session.find(Trial.self, .integer(id)),
                let experiment = try session.find(Experiment.self, .integer(trial.experiment.rawValue))
            else { continue }
            let reached = try session.first(
                """
                SELECT coalesce(max(CASE WHEN is_rolled_back = 0 AND state = 2 THEN total_batches END), 0), \
                coalesce(max(generation), 0), (SELECT coalesce(max(total_batches), 0) FROM checkpoints \
                WHERE checkpoints.trial = \(id) AND checkpoints.state = 2) FROM workloads WHERE trial = \(id)
                """
            ) { row in (batches: max(try row.integer(0), try row.integer(2)), generation: try row.integer(1)) }
            try keep(trial) { [session] next in
                if let reached {
                    next.totalBatches = max(next.totalBatches, reached.batches)
                    next.generation = max(next.generation, reached.generation)
                }
                if !experiment.state.isBeingDeleted { try session.recomputeBest(&next) }
                if experiment.state.rawValue >= 7, next.state.rawValue <= 6 {
                    next.state = .error
                    next.end = experiment.end
                }
            }
        }
    }

    /// A checkpoint may be without the workload that saved it.
    mutating func checkpoints() throws {
        try each(
            """
            WHERE workload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM workloads WHERE workloads.id = \
            checkpoints.workload AND workloads.trial = checkpoints.trial AND workloads.kind = 3) ORDER BY number
            """
        ) { (checkpoint: inout Checkpoint) in checkpoint.workload = nil }
    }

    /// An allocation ends with its task.
    mutating func allocations() throws {
        try each(
            """
            WHERE state <= 7 AND EXISTS (SELECT 1 FROM tasks WHERE tasks.id = allocations.task \
            AND end_time IS NOT NULL) ORDER BY id
            """
        ) { [session] (allocation: inout Allocation) in
            allocation.state = .terminated
            allocation.end = try session.find(ClusterTask.self, .integer(allocation.task.rawValue))?.end
        }
    }

    /// A slot whose container is gone, or lives elsewhere, is free.
    mutating func slots() throws {
        try each("WHERE container IS NOT NULL ORDER BY agent, slot") { [session] (slot: inout Slot) in
            guard let id = slot.container else { return }
            if let container = try session.find(Container.self, .integer(id.rawValue)), container.state.rawValue <= 4,
                container.agent == slot.agent, container.slots.contains(Int64(slot.index))
            {
                return
            }
            slot.container = nil
        }
    }

    /// An instance may be without the spot request that brought it.
    mutating func instances() throws {
        try each(
            """
            WHERE spot_request IS NOT NULL AND NOT EXISTS (SELECT 1 FROM spot_requests \
            WHERE spot_requests.client_token = spot_request) ORDER BY client_token
            """
        ) { (instance: inout Instance) in instance.spotRequest = nil }
    }
}
