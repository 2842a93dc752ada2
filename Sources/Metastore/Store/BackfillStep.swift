// Invariants
// 1. A step is one closure of the writer: the derived rows and the cursor move together, or not at all. Whoever dies
//    between two steps leaves nothing half done.
// 2. It reads at most Limits.backfillRows rows, and no row after Limits.backfillBytes of metrics.
// 3. Of several processes one works. Another takes over only where nobody moved the cursor since it looked.

internal import MetastoreEngine
internal import MetastoreModel

extension WriteSession {
    /// Fills in the summaries of the next workloads, in order of their trials.
    ///
    /// - Parameters:
    ///   - worker: who does it. Another than the last one only if the cursor still stands where it was `seen`.
    ///   - rate: the rows a second, to be shown to whoever asks.
    /// - Returns: how far the backfill is now; its `worker` is another if nothing was done because of that.
    func fillSummaries(worker: Int64, seen steps: Int64, rate: Double?) throws(StoreError) -> Backfill {
        var next = try loadBackfill()
        guard next.state == .running, next.worker == worker || next.steps == steps else { return next }
        // Where rows a second are asked for, no step takes more than a second.
        let most = min(Limits.backfillRows, Int(clamping: next.rowsPerSecond ?? .max))
        var left = (rows: max(1, most), bytes: Limits.backfillBytes)
        while left.rows > 0, left.bytes > 0, next.state == .running { try fill(&next, &left) }
        next.worker = worker
        next.rate = rate
        next.steps += 1
        next.started = next.started ?? time
        next.changed = time
        try keep(next)
        return next
    }

    /// Goes on with the trial that is being filled, or with the next one.
    private func fill(_ next: inout Backfill, _ left: inout (rows: Int, bytes: Int)) throws(StoreError) {
        let isBegun = next.filling != nil
        guard let filling = isBegun ? next.filling : try nextTrial(&next, &left) else { return }
        let stored = isBegun ? try storedSummaries(of: filling.trial) : nil
        var summaries = stored ?? TrialSummaries()
        var last = filling
        var rows = 0
        try forEach(
            """
            SELECT step, kind, generation, state, is_rolled_back, metrics, metrics_document FROM workloads \
            WHERE trial = \(filling.trial) AND (step, kind, generation) > (\(filling.step), \(filling.kind), \
            \(filling.generation)) ORDER BY step, kind, generation LIMIT \(left.rows)
            """
        ) { row in
            let place = WorkloadPlace(step: try row.integer(0), kind: try row.integer(1))
            (last.step, last.kind, last.generation) = (place.step, place.kind, try row.integer(2))
            rows += 1
            let isLive = try row.integer(4) == 0
            if isLive, try row.integer(3) == Int64(WorkloadState.completed.rawValue),
                let metrics = try self.metrics(row, 5, 6)
            {
                summaries.fold(metrics, at: place)
                left.bytes -= metrics.text.utf8.count
            }
            return left.bytes > 0
        }
        if !summaries.isEmpty { try save(summaries, of: filling.trial, over: stored != nil) }
        let isAtEnd = rows < left.rows && left.bytes > 0
        // A trial without workloads takes its time as well.
        left.rows -= max(rows, 1)
        next.fillingRows += Int64(rows)
        guard isAtEnd else {
            next.filling = last
            return
        }
        next.trial = filling.trial.rawValue
        next.filling = nil
        next.rowsDone += next.fillingRows
        next.fillingRows = 0
    }

    /// The next trial, from its beginning. None when there is no other, or it is being deleted and passed over.
    private func nextTrial(
        _ next: inout Backfill, _ left: inout (rows: Int, bytes: Int)
    ) throws(StoreError) -> Backfill.Filling? {
        let found = try first(
            """
            SELECT id, (SELECT state FROM experiments WHERE experiments.id = trials.experiment) FROM trials \
            WHERE id > \(next.trial) AND id < \(next.firstNew) ORDER BY id LIMIT 1
            """
        ) { row in (id: try row.integer(0), state: try row.integer(1)) }
        guard let found else {
            next.state = .done
            return nil
        }
        guard found.state < Int64(ExperimentState.deleting.rawValue) else {
            next.trial = found.id
            left.rows -= 1
            return nil
        }
        return Backfill.Filling(trial: ID(rawValue: found.id), step: -1, kind: 0, generation: 0)
    }

    /// What was ordered, into the row: where the orders don't stand there already.
    func obey(_ orders: BackfillOrders) throws(StoreError) {
        let present = try loadBackfill()
        let state: Backfill.State = orders.isPaused ? .paused : .running
        guard present.state != .done, present.state != state || present.rowsPerSecond != orders.rowsPerSecond else {
            return
        }
        backfill = nil
        try execute(orders.update)
    }
}
