internal import MetastoreModel
internal import MetastoreTerminal

/// To the second; the whole of it where it stands alone.
func reportSecond(_ time: Timestamp) -> String {
    let text = time.description
    return text.prefix { $0 != "." } + "Z"
}

func reportBytes(_ bytes: Double) -> String { Shown.bytes(Int(exactly: bytes.rounded()) ?? .max) }

/// Names and values: `batch_size 16 · learning_rate 0.02`; what is no object of some values stands as it is.
func reportParameters(_ text: String) -> String {
    guard text.utf8.count < 4_096, let object = try? JSONObject(parsing: text) else {
        return ReportText.clipped(text, to: 200)
    }
    let words = object.values.map { name, value in "\(name) \(reportValue(value))" }
    return ReportText.clipped(words.joined(separator: " · "), to: 200)
}

private func reportValue(_ value: JSON) -> String {
    switch value {
    case .null: "null"
    case .bool(let bool): bool ? "true" : "false"
    case .integer(let number): String(number)
    case .number(let number): Shown.number(number)
    case .string(let text): text
    case .array(let list): "[" + list.map(reportValue).joined(separator: ", ") + "]"
    case .object: "{…}"
    }
}

extension ReportPage {
    struct BestRow {
        let order: (Int64, Int)
        let experiment: String
        let rank: String
        let trial: String
        let state: String
        let tone: String
        let metric: String
        let direction: String
        let value: String
        let batches: String
        let hparams: String

        init(_ trial: ReportData.BestTrial) {
            order = (-trial.experiment, trial.rank)
            experiment = String(trial.experiment)
            rank = String(trial.rank)
            self.trial = String(trial.trial)
            (state, tone) = (trial.state, Tone.of(trial.state))
            metric = ReportText.clipped(trial.metric, to: 60)
            direction = trial.smallerIsBetter ? "↓" : "↑"
            value = Shown.number(trial.value)
            batches = trial.batches.map { Shown.grouped(Int($0)) } ?? "–"
            hparams = reportParameters(trial.hparams)
        }
    }

    struct ExperimentRow {
        let id: String
        let name: String
        let state: String
        let tone: String
        let owner: String
        let pool: String
        let progress: String
        let trials: String
        let unfinished: String
        let metric: String
        let bestValue: String
        let start: String
        let end: String

        init(_ row: ReportData.ExperimentRow) {
            id = String(row.id)
            name = ReportText.clipped(row.name)
            (state, tone) = (row.state, Tone.of(row.state))
            owner = ReportText.clipped(row.owner, to: 60)
            pool = ReportText.clipped(row.pool, to: 60)
            progress = row.progress.map { Shown.number(($0 * 1_000).rounded() / 10) + " %" } ?? "–"
            trials = Shown.grouped(row.trials)
            unfinished = Shown.grouped(row.unfinishedTrials)
            metric = ReportText.clipped(row.metric, to: 60)
            bestValue = row.best.map(Shown.number) ?? "–"
            start = reportSecond(row.start)
            end = row.end.map(reportSecond) ?? "–"
        }
    }

    struct CheckpointRow {
        let state: String
        let tone: String
        let count: String
        let bytes: String

        init(_ row: ReportData.Count) {
            (state, tone) = (row.state, Tone.of(row.state))
            count = Shown.grouped(row.count)
            bytes = reportBytes(row.bytes)
        }
    }

    struct HolderRow {
        let experiment: String
        let name: String
        let count: String
        let bytes: String
        let share: String

        init(_ row: ReportData.Holder, of all: Double) {
            experiment = String(row.experiment)
            name = ReportText.clipped(row.name)
            count = Shown.grouped(row.checkpoints)
            bytes = reportBytes(row.bytes)
            share = CurveChart.percent(all > 0 ? min(1, row.bytes / all) : 0)
        }
    }

    struct AgentRow {
        let id: String
        let state: String
        let tone: String
        let isDisabled: Bool
        let pool: String
        let address: String
        let slots: String
        let usedSlots: String
        let heartbeat: String
        let age: String

        /// - Parameter now: when the last commit was made.
        init(_ row: ReportData.AgentRow, now: Timestamp) {
            id = ReportText.clipped(row.id)
            (state, tone) = (row.state, Tone.of(row.state))
            isDisabled = !row.isEnabled
            pool = ReportText.clipped(row.pool, to: 60)
            address = ReportText.clipped(row.address, to: 60)
            (slots, usedSlots) = (Shown.grouped(row.slots), Shown.grouped(row.usedSlots))
            heartbeat = row.heartbeat.map(reportSecond) ?? "–"
            // A heartbeat is no commit, and may come after the last one.
            age = row.heartbeat.map { $0 < now ? Shown.duration(now - $0) : "after it" } ?? "–"
        }
    }

    struct ConsumerRow {
        let name: String
        let lag: String
        let position: String
        let time: String
        let state: String
        let tone: String
        let kinds: String
        let under: String

        init(_ row: ReportData.ConsumerRow) {
            name = ReportText.clipped(row.name)
            lag = row.lag.map { Shown.count(Int($0), "revision") } ?? "–"
            position = Shown.grouped(Int(row.position))
            time = row.time.map(reportSecond) ?? "–"
            (state, tone) = row.isExpired ? ("EXPIRED", "error") : ("FOLLOWING", "completed")
            kinds = row.kinds.count == RecordKind.allCases.count ? "all" : row.kinds.joined(separator: ", ")
            under = row.under.map { ReportText.clipped($0) } ?? "everything"
        }
    }
}
