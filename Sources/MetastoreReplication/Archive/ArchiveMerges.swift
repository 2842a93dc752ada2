// Invariants
// 1. What it knows is what the first so many records say, and no revision of an epoch is in two ranges.
// 2. It only grows: what was merged once stays merged. So whoever shares it may read and add at any time.

internal import MetastoreModel
internal import Synchronization

/// What was merged in an archive, as far as its records were read. All copies of a line share one.
final class ArchiveMerges: Sendable {
    private struct State {
        var number: Int64 = 0
        /// By the epoch's number, ascending.
        var ranges: [Int64: [MergedRange]] = [:]
    }

    private let state = Mutex(State())

    /// How many records were read.
    var number: Int64 { state.withLock { $0.number } }

    /// The range that has a revision of an epoch; nil where none is known.
    func range(of revision: Revision, in epoch: Int64) -> MergedRange? {
        last(upTo: revision, in: epoch).flatMap { $0.contains(revision) ? $0 : nil }
    }

    /// The last known range of an epoch that begins at a revision or before it.
    func last(upTo revision: Revision, in epoch: Int64) -> MergedRange? {
        state.withLock { state in
            guard let ranges = state.ranges[epoch] else { return nil }
            let end = Self.end(of: ranges, upTo: revision)
            return end == 0 ? nil : ranges[end - 1]
        }
    }

    /// Takes in a record, if it is the next: another task may have been faster.
    ///
    /// - Returns: false where it says something else of a revision than an earlier one.
    func take(_ record: MergeRecord) -> Bool {
        state.withLock { state in
            guard record.number == state.number + 1 else { return true }
            for range in record.ranges {
                let known = state.ranges[range.epoch.number] ?? []
                let place = Self.end(of: known, upTo: range.first)
                guard place == 0 || known[place - 1].precedes(range),
                    place == known.count || range.precedes(known[place])
                else { return false }
                state.ranges[range.epoch.number, default: []].insert(range, at: place)
            }
            state.number = record.number
            return true
        }
    }

    /// How many of these begin at a revision or before it.
    private static func end(of ranges: [MergedRange], upTo revision: Revision) -> Int {
        var (low, high) = (0, ranges.count)
        while low < high {
            let middle = (low + high) / 2
            if ranges[middle].first <= revision { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
