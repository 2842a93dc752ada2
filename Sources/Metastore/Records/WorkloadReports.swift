// Invariants (DOMAIN 3.1, 3.3)
// 1. A report belongs to the trial's current generation; an older one is refused.
// 2. Reporting the same twice changes nothing; reporting something else under the same key is refused.
// 3. A validation or a checkpoint of a step needs that step's live, COMPLETED RUN_STEP, of any generation, and has its
//    total batches, so that a rollback takes both or neither.
// 4. There is at most one live workload per trial, step and kind.
// 5. The trial's best, latest, total batches and summaries move in the same transaction.

internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Workload, Access == Writing {
    /// Records that a workload began (ACTIVE) or how it ended (COMPLETED or ERROR), with its metrics.
    ///
    /// - Throws: ``StoreError/staleGeneration(path:reported:current:)``, ``StoreError/reportConflict(path:field:)``,
    ///   ``StoreError/refused(path:reason:)`` when the trial has ended or the step hasn't run,
    ///   ``StoreError/invalid(field:reason:)``, ``StoreError/notFound(path:)``.
    @discardableResult
    public func report(_ report: WorkloadReport) throws(StoreError) -> Workload {
        try validating { () throws(ModelError) in
            try FieldValidation.range(report.step, field: "step", in: 0 ... .max)
            try FieldValidation.range(report.totalBatches, field: "totalBatches", in: 0 ... .max)
            try report.metrics?.validate(field: "metrics")
        }
        if report.state == .active, report.metrics != nil {
            throw .invalid(field: "metrics", reason: "metrics can't be stored: a workload that is ACTIVE has none yet.")
        }
        let trial = try trial(report.trial)
        try trial.checkGeneration(report.generation)
        let present = try workloads(like: report)
        if let existing = present.first(where: { $0.generation == report.generation }) {
            guard try !isRepetition(report, of: existing) else { return existing }
            try trial.checkIsLive()
            return try complete(existing, with: report, trial)
        }
        try trial.checkIsLive()
        try checkStep(report, trial, live: present.first { !$0.isRolledBack })
        return try add(report, trial)
    }

    private func trial(_ id: ID<Trial>) throws(StoreError) -> Trial {
        if let last = writer.lastTrial, last.id == id { return last }
        return try Repository<Trial, Reading>(session).get(id)
    }

    /// Those that keep the report from being a new one: the one of its generation, and the live one of any.
    private func workloads(like report: WorkloadReport) throws(StoreError) -> [Workload] {
        let key: [Value] = [
            report.trial.sqlValue, .integer(report.step), .integer(Int64(report.kind.rawValue)),
            .integer(report.generation),
        ]
        return try session.all(SQL(trusted: Workload.presentText, values: key)) { try Workload(row: $0) }
    }

    /// True when the report says what is stored; throws when it says something else about what has ended.
    private func isRepetition(_ report: WorkloadReport, of existing: Workload) throws(StoreError) -> Bool {
        let path = existing.recordKey.path
        func refuse(_ field: String) -> StoreError { .reportConflict(path: path, field: field) }
        if existing.totalBatches != report.totalBatches { throw refuse("total batches") }
        if existing.state == .active, report.state != .active { return false }
        if existing.state != report.state { throw refuse("state") }
        if try metrics(existing.id) != report.metrics { throw refuse("metrics") }
        return true
    }

    private func checkStep(_ report: WorkloadReport, _ trial: Trial, live: Workload?) throws(StoreError) {
        if let live {
            throw .exists(
                path: "\(trial.recordKey.path) \(report.kind.name) of step \(report.step)",
                reason: "generation \(live.generation) reported it")
        }
        guard report.kind == .computeValidationMetrics || report.kind == .checkpointModel else { return }
        let step: Workload? = try session.record(
            """
            WHERE trial = \(trial.id) AND step = \(report.step) AND kind = 1 AND is_rolled_back = 0 AND state = 2 \
            LIMIT 1
            """
        )
        guard let step else {
            throw .refused(
                path: trial.recordKey.path,
                reason: "step \(report.step) has no live, COMPLETED RUN_STEP for this \(report.kind.name).")
        }
        // Else a rollback could take the step away and leave its validation.
        guard step.totalBatches == report.totalBatches else {
            throw .reportConflict(path: step.recordKey.path, field: "total batches")
        }
    }

    private func add(_ report: WorkloadReport, _ trial: Trial) throws(StoreError) -> Workload {
        try writer.atomically { () throws(StoreError) in
            var workload = Workload(
                id: ID(rawValue: writer.head.take(.workload)), trial: trial.id, experiment: trial.experiment,
                generation: report.generation, step: report.step, kind: report.kind, state: report.state,
                totalBatches: report.totalBatches, metrics: nil, metricsDocument: nil, searcherMetric: nil,
                isRolledBack: false, start: writer.time, end: nil, createdRevision: .absent, revision: .absent)
            try finish(&workload, report)
            let stored = try writer.insert(workload)
            try advance(trial, with: stored, report.metrics)
            return stored
        }
    }

    private func complete(
        _ existing: Workload, with report: WorkloadReport, _ trial: Trial
    ) throws(StoreError) -> Workload {
        try writer.atomically { () throws(StoreError) in
            var workload = existing
            workload.state = report.state
            try finish(&workload, report)
            let stored = try writer.update(workload, from: existing)
            try advance(trial, with: stored, report.metrics)
            return stored
        }
    }

    /// Fills in what a workload has once it has ended.
    private func finish(_ workload: inout Workload, _ report: WorkloadReport) throws(StoreError) {
        guard report.state != .active else { return }
        workload.end = writer.time
        guard let metrics = report.metrics else { return }
        if metrics.text.utf8.count > Limits.inlineMetricsBytes {
            workload.metricsDocument = try writer.hold(Array(metrics.text.utf8), field: "metrics")
        } else {
            workload.metrics = metrics
        }
        guard report.kind == .computeValidationMetrics, report.state == .completed else { return }
        let experiment = try Repository<Experiment, Reading>(session).get(workload.experiment)
        if let metric = metrics[experiment.metric], metric.isFinite {
            workload.searcherMetric = metric == 0 ? 0 : metric
        }
    }

    /// What a workload that COMPLETED moves in its trial.
    private func advance(_ trial: Trial, with workload: Workload, _ metrics: Metrics?) throws(StoreError) {
        guard workload.state == .completed else { return }
        if let metrics { writer.summarise(workload, metrics) }
        var next = trial
        next.totalBatches = max(trial.totalBatches, workload.totalBatches)
        next.lastActivity = writer.time
        if workload.kind == .computeValidationMetrics {
            next.latestValidation = try writer.latestValidation(of: trial.id)
            if try isBetter(workload, in: trial) {
                next.bestValidation = workload.id
                next.bestMetric = workload.searcherMetric
                next.bestTotalBatches = workload.totalBatches
            }
        }
        let stored = try writer.update(next, from: trial)
        try writer.keepBestOrder(stored, before: trial.bestMetric)
        writer.lastTrial = stored
    }

    private func isBetter(_ workload: Workload, in trial: Trial) throws(StoreError) -> Bool {
        guard
            let candidate = ValidationOrder.Candidate(
                metric: workload.searcherMetric, totalBatches: workload.totalBatches, requestID: trial.requestID,
                step: workload.step)
        else { return false }
        guard let best = trial.bestValidation, let metric = trial.bestMetric, let batches = trial.bestTotalBatches
        else {
            return true
        }
        let isTie = metric == candidate.metric && batches == candidate.totalBatches
        let step = isTie ? try get(best).step : 0
        let present = ValidationOrder.Candidate(
            metric: metric, totalBatches: batches, requestID: trial.requestID, step: step)
        let experiment = try Repository<Experiment, Reading>(session).get(trial.experiment)
        return present.map { ValidationOrder(smallerIsBetter: experiment.smallerIsBetter).precedes(candidate, $0) }
            ?? true
    }
}

// Statements of every report: their texts are not put together each time.
extension Workload {
    /// Of one trial, step, kind and generation.
    static let byKeyText =
        table.selectText + "WHERE trial = \u{1} AND step = \u{1} AND kind = \u{1} AND generation = \u{1}"

    /// Of one trial, step and kind: of this generation, or live.
    fileprivate static let presentText =
        table.selectText
        + "WHERE trial = \u{1} AND step = \u{1} AND kind = \u{1} AND (generation = \u{1} OR is_rolled_back = 0)"
}

extension Trial {
    /// Refuses a report of another generation than the current one.
    func checkGeneration(_ reported: Int64) throws(StoreError) {
        if reported < generation {
            throw .staleGeneration(path: recordKey.path, reported: reported, current: generation)
        }
        if reported > generation {
            throw .invalid(
                field: "generation",
                reason: "generation can't be stored: \(recordKey.path) is in generation \(generation), not \(reported)."
            )
        }
    }

    func checkIsLive() throws(StoreError) {
        if state.isTerminal {
            throw .refused(path: recordKey.path, reason: "it is \(state.name) and takes no more reports.")
        }
    }
}
