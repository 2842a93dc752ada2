import Metastore
import MetastoreModel
import Testing

/// A trial's summaries worked out in the plainest way, from the workloads that a caller can list.
struct PlainSummaries {
    private(set) var values: [String: [(step: Int64, value: Double)]] = [:]
    private(set) var omitted: Int64 = 0

    init(_ workloads: [(Workload, Metrics?)]) {
        let live = workloads.filter { $0.0.state == .completed && !$0.0.isRolledBack }
        let ordered = live.sorted { ($0.0.step, $0.0.kind.rawValue) < ($1.0.step, $1.0.kind.rawValue) }
        var names: [[UInt8]] = []
        for (workload, metrics) in ordered {
            for (name, value) in metrics?.values ?? [:] {
                let isKnown = names.contains(Array(name.utf8))
                guard isKnown || names.count < 1_000 && name.utf8.count <= 256 else {
                    omitted += 1
                    continue
                }
                if !isKnown { names.append(Array(name.utf8)) }
                // Swift's dictionary takes both spellings of a letter for one: the bytes are the name.
                values["\(Array(name.utf8))", default: []].append((workload.step, value))
            }
        }
    }

    /// What is different, for a message; nil when nothing is.
    func difference(from found: MetricSummaries) -> String? {
        if found.omitted != omitted { return "\(found.omitted) omitted instead of \(omitted)" }
        if found.values.count != values.count { return "\(found.values.count) names instead of \(values.count)" }
        for (name, summary) in found.values {
            guard let all = values["\(Array(name.utf8))"] else { return "\(name) wasn't measured" }
            let finite = all.filter(\.value.isFinite)
            let (least, most) = (finite.map(\.value).min(), finite.map(\.value).max())
            let isEqual =
                summary.count == finite.count
                && summary.sum.bitPattern == finite.reduce(0) { $0 + $1.value }.bitPattern
                && summary.minimum?.value == least && summary.maximum?.value == most
                && summary.minimum?.step == finite.first { $0.value == least }?.step
                && summary.maximum?.step == finite.first { $0.value == most }?.step
                && (summary.last == all.last!.value || summary.last.isNaN && all.last!.value.isNaN)
                && summary.nanCount == all.count { $0.value.isNaN }
                && summary.infinityCount == all.count { $0.value == .infinity }
                && summary.negativeInfinityCount == all.count { $0.value == -.infinity }
                && summary.mean == (finite.isEmpty ? nil : summary.sum / Double(finite.count))
            if !isEqual { return "\(name): \(summary) of \(all)" }
        }
        return nil
    }
}

extension Snapshot {
    func plainSummaries(of trial: ID<Trial>) throws -> PlainSummaries {
        PlainSummaries(try workloads.all(of: trial))
    }
}

extension Repository where Element == Workload {
    func all(of trial: ID<Trial>) throws -> [(Workload, Metrics?)] {
        var found: [(Workload, Metrics?)] = []
        var cursor: Cursor?
        repeat {
            let page = try list(of: trial, after: cursor, limit: 1_000)
            found += try page.records.map { ($0, try metrics($0.id)) }
            cursor = page.next
        } while cursor != nil
        return found
    }
}

extension Metastore {
    /// Compares every trial's summaries with a plain recomputation, in one snapshot.
    func compareSummaries(
        of trials: [ID<Trial>], _ when: String = "", sourceLocation: SourceLocation = #_sourceLocation
    ) async throws {
        let differences = try await read { snapshot in
            try trials.compactMap { trial -> String? in
                let found = try snapshot.trials.summary(trial)
                return try snapshot.plainSummaries(of: trial).difference(from: found).map { "trial \(trial): \($0)" }
            }
        }
        #expect(differences.isEmpty, "\(when): \(differences)", sourceLocation: sourceLocation)
    }
}
