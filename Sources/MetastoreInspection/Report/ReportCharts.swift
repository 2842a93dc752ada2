internal import Glibc
internal import MetastoreModel
internal import MetastoreTerminal

/// The curves of one metric, as the template draws them. Places are in thousandths of the plot, or in percent.
struct CurveChart {
    struct Tick {
        let at: String
        let label: String
    }

    struct Line {
        /// Of the palette, from 1.
        let color: Int
        let name: String
        let summary: String
        let path: String
        /// Dots, where there are few points.
        let dots: String
    }

    let metric: String
    let direction: String
    let scale: String
    let xTicks: [Tick]
    let yTicks: [Tick]
    let lines: [Line]
    let summary: String
    let remarks: [String]

    /// With more points than these a line has no dots.
    private static let dotted = 40
    private static let colors = 8

    /// Nil where there is nothing to draw.
    init?(_ curves: [ReportData.Curve], smallerIsBetter: Bool) {
        let drawn = curves.filter { !$0.points.isEmpty }
        guard let first = drawn.first else { return nil }
        let y = ChartAxis(drawn.flatMap { $0.points.map(\.value) })
        let x = ChartAxis(drawn.flatMap { $0.points.map { Double($0.batches) } }, mayBeLogarithmic: false)
        metric = ReportText.clipped(first.metric, to: 60)
        direction = smallerIsBetter ? "smaller is better" : "larger is better"
        scale = y.isLogarithmic ? "logarithmic" : "linear"
        xTicks = x.ticks.map { Tick(at: Self.percent($0.place), label: $0.label) }
        yTicks = y.ticks.map { Tick(at: Self.percent(1 - $0.place), label: $0.label) }
        lines = drawn.enumerated().map { number, curve in
            let places = curve.points.map { point in
                "\(Self.thousandths(x.place(Double(point.batches)))),\(Self.thousandths(1 - y.place(point.value)))"
            }
            let dots = places.count <= Self.dotted ? places.map { "M\($0)h0.01" }.joined() : ""
            return Line(
                color: number % Self.colors + 1, name: "trial \(curve.trial) of experiment \(curve.experiment)",
                summary: Self.summary(curve), path: "M" + places.joined(separator: "L"), dots: dots)
        }
        summary = "\(metric) by total batches: " + lines.map { "\($0.name): \($0.summary)" }.joined(separator: "; ")
        remarks = Self.remarks(curves)
    }

    private static func summary(_ curve: ReportData.Curve) -> String {
        let values = curve.points.map(\.value)
        guard let last = values.last, let low = values.min(), let high = values.max() else { return "" }
        return "\(Shown.count(curve.measured, "value")), \(Shown.number(low)) to \(Shown.number(high)), "
            + "last \(Shown.number(last))"
    }

    private static func remarks(_ curves: [ReportData.Curve]) -> [String] {
        var remarks: [String] = []
        let notFinite = curves.filter { $0.notFinite > 0 }
        if !notFinite.isEmpty {
            remarks.append(
                notFinite.map { "trial \($0.trial): \(Shown.count($0.notFinite, "value")) not drawn" }
                    .joined(separator: "; ") + " (NaN or infinite).")
        }
        if curves.contains(where: { $0.measured > $0.points.count }) {
            remarks.append("Thinned: of each stretch the lowest and the highest value are drawn.")
        }
        return remarks
    }

    static func percent(_ place: Double) -> String { Shown.number((place * 10_000).rounded() / 100) + "%" }

    private static func thousandths(_ place: Double) -> String { Shown.number((place * 10_000).rounded() / 10) }
}

/// Experiments and trials over time, as the template draws them. Vertical places are in pixels.
struct TimelineChart {
    struct Tick {
        let at: String
        let label: String
        let anchor: String
    }

    struct Row {
        let label: String
        let labelClass: String
        let indent: Int
        let textAt: Int
        let barAt: Int
        let barHeight: Int
        let at: String
        let width: String
        let tone: String
        let summary: String
    }

    let rows: [Row]
    let ticks: [Tick]
    let height: Int
    let start: String
    let end: String

    /// - Parameter now: where those that haven't ended end for now.
    init?(_ bars: [ReportData.Bar], now: Timestamp) {
        guard let start = bars.map(\.start).min() else { return nil }
        let end = max(now, bars.map { $0.end ?? $0.start }.max() ?? now, start)
        let axis = ChartAxis(from: start, to: end)
        // Below the labels of the axis.
        var top = 24
        rows = bars.map { bar in
            let isTrial = bar.trial != nil
            let height = isTrial ? 14 : 24
            defer { top += height }
            let name = bar.trial.map { "trial \($0)" } ?? "\(bar.experiment) \(ReportText.clipped(bar.name, to: 18))"
            let (from, to) = (axis.place(bar.start), axis.place(bar.end ?? end))
            let ended = bar.end.map(\.shown) ?? "not ended"
            let path = "experiments/\(bar.experiment)" + (bar.trial.map { "/trials/\($0)" } ?? "")
            return Row(
                label: name, labelClass: isTrial ? "minor" : "major", indent: isTrial ? 28 : 12,
                textAt: top + (isTrial ? 11 : 18),
                barAt: top + (isTrial ? 3 : 7), barHeight: isTrial ? 8 : 13, at: CurveChart.percent(from),
                width: CurveChart.percent(max(0.004, to - from)), tone: Tone.of(bar.state),
                summary: "\(path), \(bar.state): \(bar.start.shown) to \(ended)")
        }
        height = top + 8
        ticks = axis.ticks.map { tick in
            let anchor = tick.place < 0.08 ? "start" : tick.place > 0.92 ? "end" : "middle"
            return Tick(at: CurveChart.percent(tick.place), label: tick.label, anchor: anchor)
        }
        (self.start, self.end) = (start.shown, end.shown)
    }
}

/// What a state looks like: never by colour alone, its name stands beside it.
enum Tone {
    static func of(_ state: String) -> String {
        switch state {
        case "ACTIVE", "FULFILLED": "active"
        case "COMPLETED": "completed"
        case "ERROR", "DELETE_FAILED": "error"
        case "PAUSED", "DRAINING": "paused"
        case "CANCELED", "DELETED", "GONE": "canceled"
        default: "stopping"
        }
    }
}
