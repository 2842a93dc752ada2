// Invariants
// 1. Only whole segments of one epoch that follow each other become one, and only where there are at least two.
// 2. A snapshot's anchor stays a place where an object begins.
// 3. The same history and the same cuts give the same groups, from the front on: whoever merges meets under one name.

internal import Metastore
internal import MetastoreModel

/// Which segments become one. Decided here from what was read, without looking anywhere.
struct MergeChoice {
    let names: ArchiveNames
    /// No group goes across one of these.
    let cuts: Set<Revision>
    /// A group's records take at most so many bytes.
    let bound: Int
    private(set) var groups: [MergePlan.Group] = []
    private var open: [Source] = []

    init(_ names: ArchiveNames, cuts: Set<Revision>, bound: Int) {
        (self.names, self.cuts, self.bound) = (names, cuts, bound)
    }

    /// A segment that may be merged.
    private struct Source {
        let first: Revision
        let end: LogRecord
        let bytes: Int

        /// Nil for a part of one, for one that was merged, and for one that doesn't know its digests.
        init?(_ part: ArchiveHistory.Part, _ names: ArchiveNames) {
            guard let first = part.records.first, let last = part.records.last, let digests = part.digests,
                part.object == names.log(first.epoch, from: first.revision),
                !digests.isEmpty || part.records.allSatisfy({ $0.kinds.isEmpty })
            else { return nil }
            (self.first, end) = (first.revision, last)
            bytes = part.records.reduce(0) { $0 + $1.body.count + $1.header.count }
        }

        func follows(_ other: Source) -> Bool {
            first.rawValue == other.end.revision.rawValue + 1 && end.epoch == other.end.epoch
        }
    }

    /// Takes the next part of the history.
    mutating func take(_ part: ArchiveHistory.Part) {
        guard let source = Source(part, names) else { return close() }
        let bytes = open.reduce(source.bytes) { $0 + $1.bytes }
        if let last = open.last, !source.follows(last) || bytes > bound { close() }
        open.append(source)
        if cuts.contains(source.end.revision) { close() }
    }

    /// What was taken last is the end of its group.
    mutating func close() {
        defer { open = [] }
        guard open.count > 1, let last = open.last?.end else { return }
        groups.append(
            MergePlan.Group(
                range: MergedRange(
                    epoch: last.epoch, first: open[0].first, last: last.revision, chain: last.chain),
                firsts: open.map(\.first), bytes: open.reduce(0) { $0 + $1.bytes }))
    }
}
