internal import Metastore
internal import MetastoreEngine
package import MetastoreModel

/// How one metric of one trial went.
package struct MetricCurve: Sendable, Hashable {
    package struct Point: Sendable, Hashable {
        package let totalBatches: Int64
        package let step: Int64
        package let workload: ID<Workload>
        /// May be infinite or not a number: diverging training reports that.
        package let value: Double
        /// The rows it comes from have the hashes they were stored with.
        package let isProven: Bool
    }

    package let experiment: ID<Experiment>
    package let trial: ID<Trial>
    package let name: String
    package let isValidation: Bool
    package let points: [Point]
}

extension Inspection {
    /// The curves of a trial over its live COMPLETED workloads, by metric name.
    ///
    /// - Parameters:
    ///   - name: only this one.
    ///   - note: told what of the trial's workloads is doubtful, or can't be read.
    package func curves(
        of trial: ID<Trial>, named name: String? = nil, noting note: (Listed) -> Void = { _ in }
    ) throws -> [MetricCurve] {
        var listed = Listed()
        defer { note(listed) }
        var points: [Series: [MetricCurve.Point]] = [:]
        var experiment = ID<Experiment>(rawValue: 0)
        let condition: SQL = " AND trial = \(trial.rawValue) AND state = 2 AND is_rolled_back = 0"
        try store.forEachRow(of: .workload, where: condition, orderedBy: "total_batches") { read in
            let row: StoredRow
            switch read {
            case .row(let found): row = found
            case .unreadable(let reason):
                listed.add(unreadable: reason)
                return true
            }
            guard case .workload(let above, _, let id) = row.key else { return true }
            experiment = above
            listed.shown += 1
            let found = try metrics(of: row)
            if !row.isProven || found?.isProven == false { listed.doubtful += 1 }
            guard let found else {
                if row.hasMetrics { listed.add(unreadable: "the metrics of \(row.key)") }
                return true
            }
            guard case .integer(let batches) = row.value("total_batches"), case .integer(let step) = row.value("step")
            else { return true }
            let isValidation = row.value("kind") == .integer(Int64(WorkloadKind.computeValidationMetrics.rawValue))
            for (metric, value) in found.metrics.values where name == nil || metric == name {
                points[Series(name: metric, isValidation: isValidation), default: []].append(
                    MetricCurve.Point(
                        totalBatches: batches, step: step, workload: id, value: value,
                        isProven: row.isProven && found.isProven))
            }
            return true
        }
        return points.sorted { ($0.key.isValidation ? 0 : 1, $0.key.name) < ($1.key.isValidation ? 0 : 1, $1.key.name) }
            .map { series, points in
                MetricCurve(
                    experiment: experiment, trial: trial, name: series.name, isValidation: series.isValidation,
                    points: points)
            }
    }

    private struct Series: Hashable {
        let name: String
        let isValidation: Bool
    }

    /// Nil where there are none, or they can't be read.
    private func metrics(of row: StoredRow) throws -> (metrics: Metrics, isProven: Bool)? {
        if case .text(let text) = row.value("metrics") { return (try? Metrics(parsing: text)).map { ($0, true) } }
        guard case .bytes(let bytes) = row.value("metrics_document"), let hash = DocumentHash(bytes: bytes),
            case .row(let document)? = try store.row(.document(hash)),
            case .bytes(let content) = document.value("content"),
            let metrics = try? Metrics(parsing: String(decoding: content, as: UTF8.self))
        else { return nil }
        return (metrics, document.isProven)
    }
}

extension StoredRow {
    fileprivate var hasMetrics: Bool { value("metrics") != .null || value("metrics_document") != .null }
}
