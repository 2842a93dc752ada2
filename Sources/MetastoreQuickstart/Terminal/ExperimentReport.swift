package import MetastoreTerminal

/// What an experiment came to: what is read from the store at its end.
package struct ExperimentReport: Hashable, Sendable {
    package var title: String
    package var state: String
    package var metricName: String
    package var trialCount: Int
    /// The best trials first, at least those that shall be shown.
    package var trials: [Trial]
    package var collectedCount: Int
    package var collectedBytes: Int
    package var revisions: Int
    /// What to try next, one line each, in the caller's words.
    package var suggestions: [String]

    package init(
        title: String, state: String, metricName: String, trialCount: Int, trials: [Trial],
        collectedCount: Int,
        collectedBytes: Int, revisions: Int, suggestions: [String]
    ) {
        self.title = title
        self.state = state
        self.metricName = metricName
        self.trialCount = trialCount
        self.trials = trials
        self.collectedCount = collectedCount
        self.collectedBytes = collectedBytes
        self.revisions = revisions
        self.suggestions = suggestions
    }

    /// One trial, with the checkpoints that were kept.
    package struct Trial: Hashable, Sendable {
        package var request: String
        package var state: String
        package var batches: Int
        package var restarts: Int
        package var hyperparameters: Hyperparameters
        package var bestMetric: Double?
        package var checkpoints: [Checkpoint]

        package init(
            request: String, state: String, batches: Int, restarts: Int, hyperparameters: Hyperparameters,
            bestMetric: Double?, checkpoints: [Checkpoint]
        ) {
            self.request = request
            self.state = state
            self.batches = batches
            self.restarts = restarts
            self.hyperparameters = hyperparameters
            self.bestMetric = bestMetric
            self.checkpoints = checkpoints
        }
    }

    /// One kept checkpoint.
    package struct Checkpoint: Hashable, Sendable {
        package var uuid: String
        package var batches: Int
        package var bytes: Int
        package var metric: Double?

        package init(uuid: String, batches: Int, bytes: Int, metric: Double?) {
            self.uuid = uuid
            self.batches = batches
            self.bytes = bytes
            self.metric = metric
        }
    }

    /// The report as text: the tree, what was collected, the revisions, what to try next. Ends with a line
    /// break.
    /// - Parameter trialsMax: how many trials to show; the rest are counted.
    package func text(_ style: TerminalStyle, trialsMax: Int = 20) -> String {
        let dot = style.hasUnicode ? " · " : ", "
        var lines = [
            style.line([
                .init("experiment ", .dim), .init(title, .bold), .init(" "), stateSpan(state),
                .init(dot + Shown.count(trialCount, "trial")),
            ])
        ]
        let shown = trials.prefix(trialsMax)
        let hidden = trialCount - shown.count
        for (index, trial) in shown.enumerated() {
            let isLast = index == shown.count - 1 && hidden <= 0
            lines += branch(trial, isBest: index == 0 && trial.bestMetric != nil, isLast: isLast, dot, style)
        }
        if hidden > 0 {
            lines.append(
                style.line([
                    .init(Self.corner(true, style), .dim), .init("and \(Shown.count(hidden, "more trial"))"),
                ]))
        }
        lines.append("")
        lines.append(
            style.line([
                .init("collected   ", .dim),
                .init("\(Shown.count(collectedCount, "checkpoint"))\(dot)\(Shown.bytes(collectedBytes))"),
            ]))
        lines.append(style.line([.init("revisions   ", .dim), .init(Shown.grouped(revisions))]))
        if !suggestions.isEmpty {
            lines.append(style.line([.init("try next", .dim)]))
            // Never cut: it is to be copied.
            lines += suggestions.map { "  " + TerminalText.clean($0, width: .max) }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private func branch(
        _ trial: Trial, isBest: Bool, isLast: Bool, _ dot: String, _ style: TerminalStyle
    ) -> [String] {
        var spans: [TerminalStyle.Span] = [
            .init(Self.corner(isLast, style), .dim),
            .init("trial \(trial.request)", isBest ? .bold : .plain), .init(" "), stateSpan(trial.state),
            .init(dot + Shown.count(trial.batches, "batch", "batches")),
        ]
        if let metric = trial.bestMetric {
            spans.append(
                .init(
                    "\(dot)\(metricName) \(Shown.number(metric))" + (isBest ? " (best)" : ""),
                    isBest ? .green : .plain))
        }
        if trial.restarts > 0 { spans.append(.init(dot + Shown.count(trial.restarts, "restart"), .yellow)) }
        if !trial.hyperparameters.isEmpty {
            spans.append(.init(dot + ProgressView.shown(trial.hyperparameters), .dim))
        }
        let stem = isLast ? "   " : style.hasUnicode ? "│  " : "|  "
        return [style.line(spans)]
            + trial.checkpoints.enumerated().map { index, checkpoint in
                style.line([
                    .init(stem + Self.corner(index == trial.checkpoints.count - 1, style), .dim),
                    .init("checkpoint \(checkpoint.uuid)"),
                    .init(dot + "at " + Shown.count(checkpoint.batches, "batch", "batches")),
                    .init(dot + Shown.bytes(checkpoint.bytes)),
                    .init(checkpoint.metric.map { "\(dot)\(metricName) \(Shown.number($0))" } ?? ""),
                ])
            }
    }

    private func stateSpan(_ state: String) -> TerminalStyle.Span {
        .init(state, state == "COMPLETED" ? .green : state == "ERROR" ? .red : .yellow)
    }

    private static func corner(_ isLast: Bool, _ style: TerminalStyle) -> String {
        guard style.hasUnicode else { return isLast ? "`- " : "|- " }
        return isLast ? "└─ " : "├─ "
    }
}
