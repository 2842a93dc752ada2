package import MetastoreModel
package import MetastoreTerminal

/// Progress as text: a pure function of the picture and the style.
package enum ProgressView {
    /// The lines of a live display: at most the terminal's height less one, each at most its width.
    package static func lines(_ picture: ProgressPicture, _ style: TerminalStyle) -> [String] {
        let dot = style.hasUnicode ? " · " : " - "
        var summary: [TerminalStyle.Span] = [
            .init(ProgressBar.bar(picture.progress, columns: 24, style), .green),
            .init(" " + ProgressBar.percent(picture.progress), .bold),
            .init(dot + "\(picture.trialsEnded) of \(Shown.count(picture.trialsInAll, "trial")) ended"),
            .init(
                dot + "\(picture.agentsThere) of \(Shown.count(picture.agentsInAll, "agent"))",
                picture.agentsThere < picture.agentsInAll ? .yellow : .plain),
        ]
        if let metric = picture.bestMetric, let request = picture.bestRequest {
            summary.append(.init(dot + "best \(Shown.number(metric)) (\(request))", .cyan))
        }
        let head = style.line([.init(picture.name, .bold), .init(dot + "virtual time \(picture.time)", .dim)])
        let room = max(1, style.height - 3)
        let hidden = picture.rows.count > room ? picture.rows.count - room + 1 : 0
        var lines = [head, style.line(summary)]
        lines += picture.rows.dropLast(hidden).map { row($0, style) }
        if hidden > 0 {
            lines.append(style.line([.init("  and \(Shown.count(hidden, "more trial"))", .dim)]))
        }
        return lines
    }

    /// What to write so that `lines` stand where the `replaced` lines of the last call stood. Writing it
    /// twice is harmless.
    package static func repaint(_ lines: [String], replacing replaced: Int) -> String {
        let up = replaced > 0 ? "\u{1B}[\(replaced)A\r" : ""
        return up + lines.map { $0 + "\u{1B}[K\n" }.joined() + "\u{1B}[J"
    }

    /// The line for where nothing can be painted over, or nil for what is too small to mention. `metrics` is
    /// what was reported with a completed workload.
    package static func plainLine(
        _ decision: Decision, at time: VirtualTime, metrics: NamedValues<Double> = [:]
    ) -> String? {
        let text: String? =
            switch decision {
            case .createTrial(let request, let ordinal, let hyperparameters, _):
                "trial \(request.short) created (#\(ordinal + 1)): \(shown(hyperparameters))"
            case .complete(let work) where work.key.kind == .validate:
                "trial \(work.key.request.short) validated at \(batches(work.batches.upperBound)): "
                    + metrics.map { "\($0.key) \(Shown.number($0.value))" }.joined(separator: ", ")
            case .complete(let work) where work.key.kind == .checkpoint:
                "trial \(work.key.request.short) saved at \(batches(work.batches.upperBound))"
            case .restart(let request, let generation, _, let from, _):
                "trial \(request.short) goes back to \(batches(from.batches)), "
                    + "generation \(generation)"
            case .endTrial(let request, let ending, _):
                "trial \(request.short) " + (ending == .completed ? "completed" : "failed: too many restarts")
            case .loseAgent(let agent, let until, _): "agent-\(agent) lost, back at \(until)"
            case .regainAgent(let agent, _): "agent-\(agent) is back"
            case .endExperiment(let ending, _):
                "experiment " + (ending == .completed ? "completed" : "failed")
            case .start, .complete, .fail: nil
            }
        return text.map { "\(time)  \($0)" }
    }

    /// Hyperparameters on one line, by name.
    package static func shown(_ hyperparameters: Hyperparameters) -> String {
        hyperparameters.sorted { $0.key < $1.key }
            .map { name, value in
                let shown = TerminalText.clean(value.description, width: 40)
                return "\(TerminalText.clean(name, width: 40)) \(shown)"
            }
            .joined(separator: ", ")
    }

    private static func row(_ row: ProgressPicture.Row, _ style: TerminalStyle) -> String {
        let share = row.target > 0 ? Double(row.batches) / Double(row.target) : 0
        let agents = row.agents.map { "agent-\($0)" }.joined(separator: "+")
        var spans: [TerminalStyle.Span] = [
            .init("  \(row.request) ", .cyan),
            .init(ProgressBar.bar(share, columns: 12, style), row.agents.isEmpty ? .dim : .green),
            .init(" " + TerminalText.padded(left: "\(row.batches)/\(row.target)", to: 13)),
            .init("  " + TerminalText.padded(row.activity, to: 9)),
            .init("  " + TerminalText.padded(agents, to: 8), .dim),
            .init("  " + TerminalText.padded(left: row.metric.map { Shown.number($0) } ?? "", to: 8)),
        ]
        if row.restarts > 0 { spans.append(.init("  " + Shown.count(row.restarts, "restart"), .yellow)) }
        return style.line(spans)
    }

    private static func batches(_ count: Int) -> String { Shown.count(count, "batch", "batches") }

}
