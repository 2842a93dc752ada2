internal import DequeModule
internal import MetastoreModel

/// The stretches that readers decoded last: those who are as far and want the same needn't decode them again.
struct DecodedStretches {
    private var kept: Deque<(filter: ChangeFilter, stretch: Stretch)> = []
    /// About as much as the log has of them.
    private(set) var bytes = 0

    /// Readers that want something else have their own; few differ at any one time.
    private static let most = 16

    func find(after position: Position, _ filter: ChangeFilter) -> Stretch? {
        kept.last { $0.stretch.start == position && $0.filter == filter }?.stretch
    }

    /// Keeps it, unless another reader was faster, and lets the oldest go.
    mutating func keep(_ stretch: Stretch, _ filter: ChangeFilter) {
        guard find(after: stretch.start, filter) == nil else { return }
        kept.append((filter, stretch))
        bytes += stretch.bytes
        while kept.count > Self.most || bytes > Limits.feedBatchBytes && kept.count > 1, let oldest = kept.popFirst() {
            bytes -= oldest.stretch.bytes
        }
    }
}
