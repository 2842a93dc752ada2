/// How far long work has come, as text: what is shown depends on nothing but what it is told.
///
/// 1. On a terminal one line is painted over, elsewhere a line is written every ten seconds and at the end.
/// 2. A remaining time is given only once it means something: after three seconds and one part in a hundred.
package struct Progress: Sendable {
    /// How long it takes until the next line, where nothing can be painted over.
    package static let interval = Duration.seconds(10)
    /// How often a terminal's line is painted at most.
    package static let repainting = Duration.milliseconds(100)

    private let style: TerminalStyle
    private let began: Duration
    /// What was there before this run began: its rate is that of the rest.
    private let doneBefore: Int
    private var lastShown: Duration?
    private var isPainted = false

    /// - Parameters:
    ///   - now: of a clock that never goes back.
    ///   - done: what was done before, where work is resumed.
    package init(_ style: TerminalStyle, at now: Duration, done: Int = 0) {
        self.style = style
        began = now
        doneBefore = done
    }

    /// What to write now: nothing, or a line.
    ///
    /// - Parameter total: nil where nobody knows.
    package mutating func text(
        _ title: String, done: Int, of total: Int?, unit: String, at now: Duration, isEnd: Bool = false
    ) -> String? {
        let due =
            (lastShown ?? (style.isLive ? began - Self.repainting : began))
            + (style.isLive ? Self.repainting : Self.interval)
        guard isEnd || now >= due else { return nil }
        lastShown = now
        let line = self.line(title, done: done, of: total, unit: unit, at: now, isEnd: isEnd)
        guard style.isLive else { return line + "\n" }
        defer { isPainted = !isEnd }
        return "\r\(line)\u{1B}[K" + (isEnd ? "\n" : "")
    }

    /// What to write before anything else is, so that a painted line isn't continued.
    package mutating func clear() -> String {
        defer { isPainted = false }
        return isPainted ? "\r\u{1B}[K" : ""
    }

    private func line(
        _ title: String, done: Int, of total: Int?, unit: String, at now: Duration, isEnd: Bool
    ) -> String {
        let elapsed = (now - began) / .seconds(1)
        let rate = elapsed >= 1 ? Double(done - doneBefore) / elapsed : nil
        var parts = Parts(title)
        if let total {
            let share = total > 0 ? Double(done) / Double(total) : 1
            if style.isLive { parts.add(ProgressBar.bar(share, columns: 20, style), .green, leaves: 1) }
            parts.add(ProgressBar.percent(share))
            parts.add("  \(Shown.grouped(done)) of \(Shown.grouped(total)) \(unit)", leaves: 3)
            if let rate { parts.add("  \(Shown.grouped(Int(rate)))/s", .dim, leaves: 2) }
            if let rate, !isEnd, rate > 0, elapsed >= 3, share >= 0.01, total > done {
                parts.add("  \(Shown.duration(.seconds(Double(total - done) / rate))) left", .dim)
            }
        } else {
            parts.add("\(Shown.grouped(done)) \(unit)")
            if let rate { parts.add("  \(Shown.grouped(Int(rate)))/s", .dim, leaves: 2) }
        }
        if isEnd { parts.add("  in \(Shown.duration(now - began))", .dim) }
        return style.line(parts.fitting(style.width))
    }

    /// What a line is made of. Where it is too narrow for all of it, whole parts leave, the least needed first.
    private struct Parts {
        private var parts: [(span: TerminalStyle.Span, leaving: Int?)]

        init(_ title: String) { parts = [(.init(title + " ", .bold), nil)] }

        mutating func add(_ text: String, _ look: TerminalStyle.Look = .plain, leaves rank: Int? = nil) {
            parts.append((.init(text, look), rank))
        }

        func fitting(_ width: Int?) -> [TerminalStyle.Span] {
            var kept = parts
            func columns() -> Int { kept.reduce(0) { $0 + TerminalText.width($1.span.text) } }
            while columns() > width ?? .max, let first = kept.compactMap(\.leaving).min() {
                kept.removeAll { $0.leaving == first }
            }
            return kept.map(\.span)
        }
    }
}
