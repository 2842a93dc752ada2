internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel

extension ReportReader {
    /// The newest.
    func experiments() throws -> ReportData.Shown<ReportData.ExperimentRow> {
        var query = RecordQuery(.experiment)
        query.sortBy = "id"
        query.isDescending = true
        let rows = try records(query, limit: bounds.experiments) { record -> ReportData.ExperimentRow? in
            guard case .experiment(let id) = record.key, let start = record.time("start_time") else { return nil }
            return ReportData.ExperimentRow(
                id: id.rawValue, name: record.text("name"), state: record.text("state"), owner: record.text("owner"),
                pool: record.text("pool"), progress: record.real("progress"), metric: record.text("metric"),
                smallerIsBetter: record.flag("smaller_is_better"), start: start, end: record.time("end_time"))
        }
        return ReportData.Shown(rows: rows, total: Int(try inspection.store.count(of: .experiment)))
    }

    /// All trials by state; those of each experiment that is shown are counted into its row.
    func trialStates(_ experiments: inout [ReportData.ExperimentRow]) throws -> [ReportData.Count] {
        let places = places(experiments)
        var counts: [Int64: Int] = [:]
        try inspection.connection.forEachRow(
            "SELECT experiment, state, count(*) FROM trials GROUP BY experiment, state"
        ) { row in
            let (state, count) = (try row.integer(1), Int(try row.integer(2)))
            counts[state, default: 0] += count
            if let place = places[try row.integer(0)] {
                experiments[place].trials += count
                let isOver = Int16(exactly: state).flatMap(TrialState.init(rawValue:))?.isTerminal ?? true
                if !isOver { experiments[place].unfinishedTrials += count }
            }
            return true
        }
        return counts.sorted { $0.key < $1.key }
            .map { ReportData.Count(state: Self.name(.trial, $0.key), count: $0.value) }
    }

    private func places(_ experiments: [ReportData.ExperimentRow]) -> [Int64: Int] {
        Dictionary(experiments.indices.map { (experiments[$0].id, $0) }, uniquingKeysWith: { first, _ in first })
    }

    /// The best of each experiment that is shown, the newest first; then their second best, and so on. Metrics of
    /// different experiments don't compare.
    func bestTrials(_ experiments: inout [ReportData.ExperimentRow]) throws -> [ReportData.BestTrial] {
        var ranked: [[Int64]] = []
        for place in experiments.indices {
            let best = try inspection.connection.all(
                """
                SELECT id, best_metric FROM trials WHERE experiment = \(experiments[place].id) \
                AND best_order IS NOT NULL ORDER BY best_order, best_total_batches, request_id \
                LIMIT \(bounds.bestTrials)
                """
            ) { row in (id: try row.integer(0), value: row.isNull(1) ? nil : try row.real(1)) }
            ranked.append(best.map(\.id))
            experiments[place].best = best.first?.value
        }
        var found: [ReportData.BestTrial] = []
        for rank in 0..<bounds.bestTrials {
            for (place, ids) in ranked.enumerated() where ids.count > rank && found.count < bounds.bestTrials {
                let experiment = experiments[place]
                let key = RecordKey.trial(experiment: ID(rawValue: experiment.id), ID(rawValue: ids[rank]))
                guard let record = try record(key), let value = record.real("best_metric") else { continue }
                var hparams = ""
                if case .json(let text) = record["hparams"] { hparams = text }
                found.append(
                    ReportData.BestTrial(
                        experiment: experiment.id, trial: ids[rank], rank: rank + 1, state: record.text("state"),
                        metric: experiment.metric, smallerIsBetter: experiment.smallerIsBetter, value: value,
                        batches: record.integer("best_total_batches"), hparams: hparams))
            }
        }
        return found
    }

    /// Of the first of the best trials, the metric that their experiment is judged by.
    func curves(_ best: [ReportData.BestTrial]) throws -> [ReportData.Curve] {
        var curves: [ReportData.Curve] = []
        for trial in best.prefix(bounds.curves) {
            let all = try inspection.curves(of: ID(rawValue: trial.trial), named: trial.metric)
            guard let curve = all.first(where: \.isValidation) else { continue }
            let finite = curve.points.filter(\.value.isFinite)
            let points = finite.map { ReportData.Curve.Point(batches: $0.totalBatches, value: $0.value) }
            curves.append(
                ReportData.Curve(
                    experiment: trial.experiment, trial: trial.trial, metric: trial.metric,
                    points: Thinning.thinned(points, to: bounds.points), measured: finite.count,
                    notFinite: curve.points.count - finite.count))
        }
        return curves
    }

    /// The newest experiments, each with some of its trials: those that run, then those that ended last.
    func bars(_ data: ReportData) throws -> ReportData.Shown<ReportData.Bar> {
        let experiments = data.experiments
        var shown = ReportData.Shown<ReportData.Bar>()
        shown.total = experiments.total + data.trialStates.reduce(0) { $0 + $1.count }
        // Where there are few experiments, more of each.
        let share = max(bounds.trialsPerExperiment, bounds.bars / max(1, experiments.rows.count) - 1)
        for experiment in experiments.rows where shown.rows.count < bounds.bars {
            shown.rows.append(
                ReportData.Bar(
                    experiment: experiment.id, trial: nil, name: experiment.name, state: experiment.state,
                    start: experiment.start, end: experiment.end))
            let room = min(share, bounds.bars - shown.rows.count)
            let trials = try inspection.connection.all(
                """
                SELECT id, state, start_time, end_time FROM trials WHERE experiment = \(experiment.id) \
                ORDER BY CASE WHEN end_time IS NULL THEN 0 ELSE 1 END, end_time DESC, id DESC LIMIT \(room)
                """
            ) { row in
                ReportData.Bar(
                    experiment: experiment.id, trial: try row.integer(0), name: "",
                    state: Self.name(.trial, try row.integer(1)),
                    start: Timestamp(microseconds: try row.timestamp(2)),
                    end: row.isNull(3) ? nil : Timestamp(microseconds: try row.timestamp(3)))
            }
            shown.rows += trials.sorted { ($0.trial ?? 0) < ($1.trial ?? 0) }
        }
        return shown
    }

    func checkpointStates() throws -> [ReportData.Count] {
        // As doubles: a sum of integers may be more than one is.
        try inspection.connection.all(
            """
            SELECT state, count(*), sum(CAST(size AS DOUBLE PRECISION)) FROM checkpoints GROUP BY state ORDER BY state
            """
        ) { row in
            ReportData.Count(
                state: Self.name(.checkpoint, try row.integer(0)), count: Int(try row.integer(1)),
                bytes: try row.real(2))
        }
    }

    /// Those experiments whose checkpoints take up the most room.
    func holders() throws -> [ReportData.Holder] {
        let (whole, partial) = (CheckpointState.completed.rawValue, CheckpointState.partiallyDeleted.rawValue)
        let found = try inspection.connection.all(
            """
            SELECT experiment, count(*), sum(CAST(size AS DOUBLE PRECISION)) AS bytes FROM checkpoints \
            WHERE state IN (\(Int64(whole)), \(Int64(partial))) GROUP BY experiment \
            ORDER BY bytes DESC, experiment LIMIT \(bounds.holders)
            """
        ) { row in (id: try row.integer(0), count: Int(try row.integer(1)), bytes: try row.real(2)) }
        return try found.map { holder in
            let name = try record(.experiment(ID(rawValue: holder.id)))?.text("name") ?? ""
            return ReportData.Holder(
                experiment: holder.id, name: name, checkpoints: holder.count, bytes: holder.bytes)
        }
    }
}
