internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreTerminal

extension InspectSession {
    /// `metrics TRIAL…`: curves on a terminal, values elsewhere.
    ///
    /// - Parameters:
    ///   - name: of the metric; nil for all.
    ///   - isPlotted: draw, wherever it goes.
    package func metrics(_ trials: [String], named name: String?, isPlotted: Bool) throws {
        var curves: [MetricCurve] = []
        var all = Inspection.Listed()
        for text in trials {
            guard case .trial(_, let id) = try key(Int64(text) == nil ? text : "trials/\(text)") else {
                throw CommandFailure(.usage, "'\(text)' is no trial. Give its id, or its key.")
            }
            curves += try inspection.curves(of: id, named: name) { all.add($0) }
        }
        if options.format.isTable, style.width != nil || isPlotted {
            if curves.isEmpty { write("no metrics\n") }
            for curve in curves {
                for line in MetricPlot(curve).lines(style) { write(line + "\n") }
            }
            return tellCompleteness(all)
        }
        var printer = try list("points", titles: ["trial", "metric", "kind", "total_batches", "step", "value"])
        for curve in curves {
            for point in curve.points { try printer.add(Self.item(curve, point)) }
        }
        printer.end()
        tellCompleteness(all)
    }

    private static func item(_ curve: MetricCurve, _ point: MetricCurve.Point) -> ListItem {
        let kind = curve.isValidation ? "validation" : "training"
        let value = Shown.exact(point.value)
        var members = [
            ("trial", String(curve.trial.rawValue)), ("metric", JSON.quoted(curve.name)), ("kind", JSON.quoted(kind)),
            ("total_batches", String(point.totalBatches)), ("step", String(point.step)),
            ("workload", String(point.workload.rawValue)),
            ("value", point.value.isFinite ? value : JSON.quoted(value)),
        ]
        if !point.isProven { members.append(("doubtful", "true")) }
        let cells = [
            String(curve.trial.rawValue), curve.name, kind, String(point.totalBatches), String(point.step), value,
        ]
        return ListItem(
            json: JSONText.object(members), name: "\(curve.trial)", cells: [cells],
            lines: [cells.joined(separator: "\t")])
    }
}

extension Shown {
    /// Every digit there is.
    fileprivate static func exact(_ value: Double) -> String {
        value.isFinite ? "\(value)" : value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity"
    }
}
