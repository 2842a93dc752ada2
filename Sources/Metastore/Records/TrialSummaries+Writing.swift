// Invariants
// 1. The row of a filled trial is the fold of its live COMPLETED workloads with metrics, by step, then by kind; there
//    is none where there is no such workload. Whether it was folded one by one or all at once makes no difference.
// 2. What a closure changed in a trial is written once: when it is sealed, or when it asks for a summary itself.
// 3. A workload that doesn't come after those in the row, or that is no longer live, makes the row anew from the
//    workloads. What the backfill has still to do is left to it; what it has done and was changed, it begins anew.
// 4. Rows are neither logged nor digested: a replica makes its own.

internal import MetastoreEngine
internal import MetastoreModel

/// What a closure changed that isn't in the rows of summaries yet.
struct PendingSummaries {
    struct Completion {
        let trial: ID<Trial>
        let place: WorkloadPlace
        let metrics: Metrics
    }

    /// By trial, then in the order in which a trial's workloads are taken in.
    fileprivate static func areInOrder(_ left: Completion, _ right: Completion) -> Bool {
        left.trial == right.trial ? left.place < right.place : left.trial.rawValue < right.trial.rawValue
    }

    fileprivate static func areInOrder(_ completions: ArraySlice<Completion>) -> Bool {
        completions.indices.dropFirst().allSatisfy { areInOrder(completions[$0 - 1], completions[$0]) }
    }

    fileprivate var completions: [Completion] = []
    /// Trials whose workloads are fewer than before.
    fileprivate var shrunk: Set<ID<Trial>> = []
    /// Trials that are being deleted.
    fileprivate var dropped: Set<ID<Trial>> = []

    mutating func removeAll() {
        guard !completions.isEmpty || !shrunk.isEmpty || !dropped.isEmpty else { return }
        completions.removeAll(keepingCapacity: true)
        shrunk.removeAll()
        dropped.removeAll()
    }
}

extension WriteSession {
    /// A workload became live and COMPLETED.
    func summarise(_ workload: Workload, _ metrics: Metrics) {
        pendingSummaries.completions.append(
            PendingSummaries.Completion(
                trial: workload.trial,
                place: WorkloadPlace(step: workload.step, kind: Int64(workload.kind.rawValue)), metrics: metrics))
    }

    /// A live COMPLETED workload was rolled back.
    func unsummarise(_ workload: Workload) {
        if workload.hasSummary { pendingSummaries.shrunk.insert(workload.trial) }
    }

    /// The trial's workloads begin to be deleted. From then on the trial is nobody's business.
    func dropSummaries(of trial: ID<Trial>) throws(StoreError) {
        guard pendingSummaries.dropped.insert(trial).inserted else { return }
        pendingSummaries.completions.removeAll { $0.trial == trial }
        pendingSummaries.shrunk.remove(trial)
        _ = summaryMemory?.take(trial)
        if case .filling = try standing(of: trial) { try beginAnew() }
        try enqueue("DELETE FROM trial_summaries WHERE trial = \(trial)")
    }

    /// Brings the rows up to date with what this closure changed so far.
    func writeSummaries() throws(StoreError) {
        guard !pendingSummaries.completions.isEmpty || !pendingSummaries.shrunk.isEmpty else { return }
        var completions = pendingSummaries.completions[...]
        let shrunk = pendingSummaries.shrunk
        pendingSummaries.completions.removeAll()
        pendingSummaries.shrunk.removeAll()
        if !PendingSummaries.areInOrder(completions) { completions.sort(by: PendingSummaries.areInOrder) }
        while let trial = completions.first?.trial {
            let own = completions.prefix { $0.trial == trial }
            completions.removeFirst(own.count)
            if !shrunk.contains(trial) { try takeIn(own, trial) }
        }
        for trial in shrunk.sorted(by: { $0.rawValue < $1.rawValue }) {
            switch try standing(of: trial) {
            case .filled: try makeAnew(trial)
            case .filling: try beginAnew()
            case .waiting: continue
            }
        }
    }

    private func takeIn(
        _ completions: ArraySlice<PendingSummaries.Completion>, _ trial: ID<Trial>
    ) throws(StoreError) {
        guard let first = completions.first else { return }
        switch try standing(of: trial) {
        case .waiting: return
        case .filling(let place):
            if first.place <= place { try beginAnew() }
        case .filled:
            var next = TrialSummaries()
            if let remembered = summaryMemory?.take(trial) {
                next = remembered
            } else if let stored = try storedSummaries(of: trial) {
                next = stored
            }
            let isThere = !next.isEmpty
            guard first.place > next.through else { return try makeAnew(trial) }
            for completion in completions { next.fold(completion.metrics, at: completion.place) }
            try save(next, of: trial, over: isThere)
            summaryMemory?.keep(next, of: trial)
        }
    }

    private func makeAnew(_ trial: ID<Trial>) throws(StoreError) {
        _ = summaryMemory?.take(trial)
        guard let computed = try computeSummaries(of: trial) else {
            return try enqueue("DELETE FROM trial_summaries WHERE trial = \(trial)")
        }
        try enqueue(
            """
            INSERT INTO trial_summaries (trial, through_step, through_kind, content) VALUES (\(trial), \
            \(computed.through.step), \(computed.through.kind), \(computed.summaries.bytes)) \
            ON CONFLICT (trial) DO UPDATE SET through_step = excluded.through_step, \
            through_kind = excluded.through_kind, content = excluded.content
            """)
    }

    /// - Parameter over: whether there is a row.
    func save(_ summaries: TrialSummaries, of trial: ID<Trial>, over isThere: Bool) throws(StoreError) {
        let values: [Value] = [
            .integer(summaries.through.step), .integer(summaries.through.kind), .bytes(summaries.summaries.bytes),
            trial.sqlValue,
        ]
        try enqueue(SQL(trusted: isThere ? Self.updateText : Self.insertText, values: values))
    }

    private static let updateText =
        "UPDATE trial_summaries SET through_step = \u{1}, through_kind = \u{1}, content = \u{1} WHERE trial = \u{1}"
    private static let insertText =
        "INSERT INTO trial_summaries (through_step, through_kind, content, trial) VALUES (\u{1}, \u{1}, \u{1}, \u{1})"

    // MARK: The backfill

    private func standing(of trial: ID<Trial>) throws(StoreError) -> Backfill.Standing {
        isBackfilled ? .filled : try loadBackfill().standing(of: trial)
    }

    /// As the transaction sees it; read once.
    func loadBackfill() throws(StoreError) -> Backfill {
        if let backfill { return backfill }
        do {
            let loaded = try Backfill.load(connection)
            backfill = loaded
            return loaded
        } catch {
            throw StoreError(error)
        }
    }

    func keep(_ new: Backfill) throws(StoreError) {
        backfill = new
        try enqueue(new.update)
    }

    /// The trial that is being filled was changed where it is filled already.
    private func beginAnew() throws(StoreError) {
        var backfill = try loadBackfill()
        guard let filling = backfill.filling else { return }
        backfill.filling = nil
        backfill.fillingRows = 0
        try enqueue("DELETE FROM trial_summaries WHERE trial = \(filling.trial)")
        try keep(backfill)
    }
}

extension Workload {
    /// Whether it takes part in its trial's summaries.
    var hasSummary: Bool {
        state == .completed && !isRolledBack && (metrics != nil || metricsDocument != nil)
    }
}
