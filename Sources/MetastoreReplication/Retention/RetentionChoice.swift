// Invariants
// 1. What a label, a need or the newest snapshot needs bounds every other wish: age, count and bytes never go beyond.

internal import Metastore
internal import MetastoreModel

/// With which snapshot the history is to begin. Decided here from what was read, without looking anywhere.
struct RetentionChoice {
    let policy: ArchiveRetention
    let needs: [HistoryNeed]
    let labels: [LabelRecord]
    /// Those that are of the history, the newest first.
    let snapshots: [SnapshotManifest]
    /// After which revision it begins now.
    let start: Revision
    let now: Timestamp

    /// The latest beginning that a wish allows; nil for the one there is.
    private struct Bound {
        let base: SnapshotManifest?
        let reason: RetentionPlan.Reason

        /// Two snapshots may have one anchor: the earlier one gives more back.
        var revision: Revision { base?.head.revision ?? .absent }
    }

    /// Those that the history could begin with: an image alone can't be given to every engine.
    private var bases: [SnapshotManifest] { snapshots.filter { $0.form == .portable } }

    /// The newest snapshot that gives a revision back.
    private func base(of revision: Revision) -> SnapshotManifest? {
        bases.first { $0.head.revision <= revision }
    }

    /// What must not go, whatever the policy says.
    private var needed: [Bound] {
        var bounds: [Bound] = [
            Bound(base: bases.first, reason: bases.isEmpty ? .noSnapshot : .newestSnapshot)
        ]
        for label in labels { bounds.append(Bound(base: base(of: label.revision), reason: .label(label.name))) }
        for need in needs {
            let base = bases.first { $0.anchor.revision <= need.position }
            bounds.append(Bound(base: base, reason: .need(need.name)))
        }
        return bounds
    }

    private var wished: [Bound] {
        var bounds: [Bound] = []
        if let age = policy.age {
            let oldest = now + (.zero - age)
            bounds.append(Bound(base: bases.first { $0.head.time <= oldest }, reason: .age))
        }
        if let count = policy.snapshots {
            let last = kept(count).last?.head.revision
            bounds.append(Bound(base: last.flatMap(base(of:)), reason: .count))
        }
        return bounds
    }

    /// The newest snapshots, of as many revisions.
    private func kept(_ count: Int) -> [SnapshotManifest] {
        var revisions: [Revision] = []
        return snapshots.filter { snapshot in
            if revisions.last != snapshot.head.revision { revisions.append(snapshot.head.revision) }
            return revisions.count <= max(1, count)
        }
    }

    /// The beginnings that may be tried, the earliest first, each with why it can't be later.
    ///
    /// The first is what age and count ask for. With a bound of bytes each later one is tried until it is kept.
    var beginnings: [(base: SnapshotManifest?, reasons: [RetentionPlan.Reason])] {
        guard policy != ArchiveRetention() else { return [(nil, [.policy])] }
        let most = earliest(needed)
        let isUnbounded = policy.age == nil && policy.snapshots == nil
        let first = isUnbounded ? (base: nil, reasons: [.policy]) : earliest(needed + wished)
        guard policy.bytes != nil else { return [first] }
        let from = first.base?.head.revision ?? start
        let to = most.base?.head.revision ?? start
        let between = bases.filter {
            $0.head.revision > from && $0.head.revision < to && $0.anchor.revision > start
        }.reversed()
        let last = to > from ? [most] : []
        return [first] + between.map { ($0, [.policy]) } + last
    }

    private func earliest(_ bounds: [Bound]) -> (base: SnapshotManifest?, reasons: [RetentionPlan.Reason]) {
        let revision = bounds.map(\.revision).min() ?? .absent
        let bounding = bounds.filter { $0.revision == revision }
        let base = bounding.first?.base
        guard let base, base.anchor.revision > start else { return (nil, bounding.map(\.reason)) }
        return (base, bounding.map(\.reason))
    }

    /// Which of the snapshots stay when the history begins with one of them.
    func staying(_ base: SnapshotManifest?) -> [SnapshotManifest] {
        let begin = base?.head.revision ?? start
        let after = snapshots.filter { $0.head.revision >= begin }
        guard let count = policy.snapshots else { return after }
        let newest = Set(kept(count).map(\.id))
        // Where the beginning doesn't move, the snapshot it began with is the oldest there is.
        let first = base?.head.revision ?? (start == .absent ? nil : after.last?.head.revision)
        return after.filter { newest.contains($0.id) || $0.head.revision == first }
    }
}
