// Invariants
// 1. Every label, need and newest snapshot that there was at the plan can be restored before, during and after it is
//    carried out: the history that stays begins with a snapshot that was verified before anything went.
// 2. The record of the new beginning is durable before the first object goes; whoever reads meanwhile finds it.
// 3. Records of epochs, of beginnings and of merging never go: what fences a master that comes late stays.
// 4. A snapshot's manifest goes before its parts. Parts without a manifest go only where none can come to name them.

internal import Metastore
package import MetastoreModel

/// Removes what an archive need not keep: told first, then done.
///
/// ```swift
/// let retention = Retention(line)
/// let plan = try await retention.plan(ArchiveRetention(age: .seconds(30 * 86_400)), needs: consumers, now: now)
/// try await retention.carryOut(plan)
/// ```
/// It lists names: what was made a moment ago may be missing in a plan, and is kept. One process at a time plans and
/// carries out; where two do, one is told that its plan is old.
package struct Retention: Sendable {
    let line: ArchiveLine

    package init(_ line: ArchiveLine) { self.line = line }

    /// What would go, what would stay, and why. Changes nothing.
    ///
    /// - Parameters:
    ///   - needs: whoever reads the history: see ``HistoryNeed``.
    ///   - now: what age is counted from.
    /// - Throws: ``ArchiveError``.
    package func plan(
        _ policy: ArchiveRetention, needs: [HistoryNeed] = [], now: Timestamp
    ) async throws(ArchiveError) -> RetentionPlan {
        guard let history = try await ArchiveHistory(line) else {
            throw .missing(what: "cluster \(line.cluster)", reason: "nothing of it was archived")
        }
        let ids = try await line.snapshots()
        var snapshots: [SnapshotManifest] = []
        for manifest in try await self.snapshots(of: history, ids) {
            if try await history.canBegin(at: manifest.anchor) { snapshots.append(manifest) }
        }
        let labels = try await Labels(line).all()
        var live: [LabelRecord] = []
        for label in labels where label.revision >= history.start.revision {
            if try await history.link(at: label.revision) == label.chain { live.append(label) }
        }
        let choice = RetentionChoice(
            policy: policy, needs: needs, labels: live, snapshots: snapshots, start: history.start.revision, now: now)
        let lost = labels.filter { !live.contains($0) }.map(\.name)
        return try await RetentionInventory(line: line, history: history, all: ids).plan(choice, lost)
    }

    /// A snapshot that the line leads to; nil for one that is damaged or of another history.
    private func snapshot(_ id: SnapshotID, _ history: ArchiveHistory) async throws(ArchiveError) -> SnapshotManifest? {
        do throws(ArchiveError) {
            guard let manifest = try await line.manifest(id),
                history.stretches.contains(where: {
                    $0.record.epoch == manifest.head.epoch
                })
            else { return nil }
            return try await history.link(at: id.revision) == manifest.head.chain ? manifest : nil
        } catch {
            guard case .damaged = error else { throw error }
            return nil
        }
    }

    /// The snapshots that a history leads to, but for damaged ones, the newest first.
    func snapshots(
        of history: ArchiveHistory, _ ids: [SnapshotID]
    ) async throws(ArchiveError) -> [SnapshotManifest] {
        var found: [SnapshotManifest] = []
        for id in ids where history.contains(id.epoch, id.revision) {
            if let manifest = try await snapshot(id, history) { found.append(manifest) }
        }
        return found
    }

    /// Does what the plan says.
    ///
    /// A kill at any moment leaves everything that stays as it was; the next plan has what is left of this one.
    ///
    /// - Parameter progress: called after each object that went.
    /// - Throws: ``ArchiveError``: `exists` where the plan is old, because another was carried out or a label was
    ///   added;
    ///   `damaged` where the snapshot that the history is to begin with is not whole. Then nothing went.
    package func carryOut(
        _ plan: RetentionPlan, _ progress: @Sendable (RetentionPlan.Item) -> Void = { _ in }
    ) async throws {
        if let start = plan.start {
            try await checkIsNew(start)
            guard let base = plan.base else {
                throw ArchiveError.missing(what: "the snapshot to begin with", reason: "the plan names none")
            }
            guard let manifest = try await line.manifest(base) else {
                throw ArchiveError.missing(what: "\(base)", reason: "it was removed since the plan was made")
            }
            for number in manifest.parts.indices { _ = try await line.part(number, of: manifest) }
            let name = line.names.kept(start.number)
            if try await line.target.create(name, start.bytes) == .taken {
                let standing = try await line.target.read(name, limit: Limits.segmentObjectBytes)
                guard standing == start.bytes else { throw old }
            }
        }
        for item in plan.going {
            try Task.checkCancellation()
            try await line.target.remove(item.name)
            progress(item)
        }
    }

    /// Nothing was added since that needs what would go.
    private func checkIsNew(_ start: KeptRecord) async throws(ArchiveError) {
        let newest = try await line.kept()
        guard newest == start || newest?.number ?? 0 == start.number - 1 else { throw old }
        guard let history = try await ArchiveHistory(line) else { throw old }
        for label in try await Labels(line).all() {
            let isNeeded = label.revision < start.revision && label.revision >= history.start.revision
            guard isNeeded, try await history.link(at: label.revision) == label.chain else { continue }
            throw .exists(object: "label \(label.name)", reason: "it was added since. Make a new plan")
        }
        guard history.contains(start.epoch.epoch.number, start.revision) else { throw old }
    }

    private var old: ArchiveError {
        .exists(object: "a later beginning of the history", reason: "this plan is old. Make a new one")
    }
}

extension ArchiveHistory {
    /// The line can be read from there: an object begins, or a merged one goes on.
    fileprivate func canBegin(at place: ArchivePlace) async throws(ArchiveError) -> Bool {
        if self.place(before: place.revision) == place { return true }
        // Merging keeps clear of anchors, but of those that it knew.
        let next = Revision(rawValue: place.revision.rawValue + 1)
        guard let range = line.merges.range(of: next, in: place.epoch.number), range.epoch == place.epoch,
            contains(place.epoch.number, place.revision)
        else { return false }
        return try await link(at: place.revision) == place.chain
    }
}
