internal import MetastoreModel
internal import MetastoreTerminal

extension ReportPage {
    /// A number that people ask for first, and where more of it stands.
    struct Tile {
        let target: String
        let number: String
        let noun: String
        let detail: String
    }

    static func tiles(_ data: ReportData) -> [Tile] {
        let experiments = data.experimentStates.reduce(0) { $0 + $1.count }
        let trials = data.trialStates.reduce(0) { $0 + $1.count }
        let checkpoints = data.checkpointStates.reduce(0) { $0 + $1.count }
        let lag = data.consumers.rows.compactMap(\.lag).max()
        return [
            Tile(
                target: "experiments", number: Shown.grouped(experiments),
                noun: experiments == 1 ? "experiment" : "experiments",
                detail: active(data.experimentStates)),
            Tile(
                target: "best", number: Shown.grouped(trials), noun: trials == 1 ? "trial" : "trials",
                detail: active(data.trialStates)),
            Tile(
                target: "curves", number: data.workloads.map(Shown.grouped) ?? "?",
                noun: data.workloads == 1 ? "workload" : "workloads",
                detail: data.workloads == nil ? "could not be counted" : "steps, validations, saves"),
            Tile(
                target: "checkpoints", number: Shown.grouped(checkpoints),
                noun: checkpoints == 1 ? "checkpoint" : "checkpoints", detail: reportBytes(data.keptBytes) + " kept"),
            Tile(
                target: "agents", number: Shown.grouped(data.agents.total),
                noun: data.agents.total == 1 ? "agent" : "agents",
                detail: "\(Shown.grouped(data.usedSlots)) of \(Shown.count(data.slots, "slot")) used"),
            Tile(
                target: "consumers", number: Shown.grouped(data.consumers.total),
                noun: data.consumers.total == 1 ? "consumer" : "consumers",
                detail: lag.map { "at most \(Shown.count(Int($0), "revision")) behind" } ?? "no position known"),
        ]
    }

    private static func active(_ states: [ReportData.Count]) -> String {
        let active = states.first { $0.state == "ACTIVE" }?.count ?? 0
        let failed = states.first { $0.state == "ERROR" }?.count ?? 0
        return "\(Shown.grouped(active)) active, \(Shown.grouped(failed)) failed"
    }

    /// Records of a kind by state: a bar as long as there are any, and the numbers.
    struct StateBar {
        struct Part {
            let state: String
            let tone: String
            let count: String
            let at: String
            let width: String
        }

        let stateTitle: String
        let stateTotal: String
        let stateSummary: String
        let hasStates: Bool
        let parts: [Part]

        init(_ title: String, _ counts: [ReportData.Count]) {
            let total = counts.reduce(0) { $0 + $1.count }
            var before = 0
            parts = counts.map { row in
                defer { before += row.count }
                return Part(
                    state: row.state, tone: Tone.of(row.state), count: Shown.grouped(row.count),
                    at: CurveChart.percent(Double(before) / Double(max(1, total))),
                    width: CurveChart.percent(Double(row.count) / Double(max(1, total))))
            }
            stateTitle = title
            stateTotal = Shown.grouped(total)
            stateSummary = "\(title) by state: " + parts.map { "\($0.state) \($0.count)" }.joined(separator: ", ")
            hasStates = total > 0
        }
    }

    /// The timeline, with what is said around it.
    struct Timeline {
        struct Legend {
            let tone: String
            let toneName: String
        }

        let rows: [TimelineChart.Row]
        let ticks: [TimelineChart.Tick]
        let height: Int
        let start: String
        let end: String
        let barsMore: String
        let tones: [Legend]

        init?(_ bars: ReportData.Shown<ReportData.Bar>, now: Timestamp) {
            guard let chart = TimelineChart(bars.rows, now: now) else { return nil }
            (rows, ticks) = (chart.rows, chart.ticks)
            (height, start, end) = (chart.height, chart.start, chart.end)
            barsMore = bars.hidden > 0 ? "… and \(Shown.grouped(bars.hidden)) further experiments and trials." : ""
            var states: [String] = []
            for bar in bars.rows where !states.contains(bar.state) { states.append(bar.state) }
            tones = states.sorted().map { Legend(tone: Tone.of($0), toneName: $0) }
        }
    }
}
