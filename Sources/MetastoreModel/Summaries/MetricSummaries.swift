// Invariants
// 1. A pure fold over (step, kind, metrics) in that order: whoever folds the same in the same order has the same, bit
//    for bit, however it came about.
// 2. The names are in the order of their bytes, each once, and at most Limits.summarisedMetrics of them.

/// What a trial's live COMPLETED workloads measured, summed up by the metric's name.
///
/// It holds the first ``Limits/summarisedMetrics`` names that the trial measured (by step, then by kind of workload,
/// then by the names' bytes), and none of more than ``Limits/nameBytes``. Values under other names are only counted, in
/// ``omitted``; they are in the workloads.
public struct MetricSummaries: Sendable {
    private var entries: [(key: String, value: MetricSummary)]
    /// How many values have no summary, because there are too many names or theirs is too long.
    public private(set) var omitted: Int64

    /// Of no workload.
    package init() {
        entries = []
        omitted = 0
    }

    /// Stored ones, whose names are known to be in order, each once.
    package init(inOrder entries: [(key: String, value: MetricSummary)], omitted: Int64) {
        self.entries = entries
        self.omitted = omitted
    }

    /// How many names have one.
    package var count: Int { entries.count }

    /// Lends each in turn, by name: no values of a generic type are made on the way.
    package func forEach(_ body: (String, MetricSummary) -> Void) {
        for (name, summary) in entries { body(name, summary) }
    }

    /// All of them, by name.
    public var values: NamedValues<MetricSummary> { NamedValues(inOrder: entries) }

    /// That of a name; nil when no workload measured it, or it is left out.
    public subscript(name: String) -> MetricSummary? { values[name] }

    /// Takes in what a workload measured that comes after all before, by step, then by kind.
    package mutating func fold(_ metrics: Metrics, step: Int64) {
        var place = 0
        // Not from `values`: nearly always the names are those that are here, and none of them is needed as a text.
        metrics.forEach { (scanner, key, value) throws(JSONFault) in
            if place < entries.count, try scanner.isEqual(key, entries[place].key) {
                entries[place].value.fold(value, step: step)
                place += 1
            } else {
                try fold(try scanner.text(key), value, step: step, at: &place)
            }
        }
    }

    /// - Parameter place: where the name is looked for, and where the next one is.
    private mutating func fold(
        _ name: String, _ value: Double, step: Int64, at place: inout Int
    ) throws(JSONFault) {
        while place < entries.count, entries[place].key.precedesByBytes(name) { place += 1 }
        if place < entries.count, entries[place].key.equalsByBytes(name) {
            entries[place].value.fold(value, step: step)
        } else if entries.count < Limits.summarisedMetrics, name.utf8.count <= Limits.nameBytes {
            entries.insert((name, MetricSummary(value, step: step)), at: place)
        } else {
            omitted += 1
            return
        }
        place += 1
    }
}

extension MetricSummaries: Hashable {
    /// Whether both have the same summaries, bit for bit, under the same names.
    public static func == (left: MetricSummaries, right: MetricSummaries) -> Bool {
        left.omitted == right.omitted && left.values == right.values
    }

    /// Feeds the names and their summaries.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(values)
        hasher.combine(omitted)
    }
}
