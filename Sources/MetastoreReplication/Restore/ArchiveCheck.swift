// Invariants
// 1. The kept history is rebuilt from its earliest snapshot, or from its first revision, and every object on the way is
//    read: segments, and each snapshot's parts. Nothing of what is built is kept.
// 2. A store's rows are computed anew, and compared by what its own log leads to from the archive's end on: a row that
//    was changed behind its back is told by its key. A replica that hasn't got so far is compared where it stands.

package import Metastore
package import MetastoreEngine
package import MetastoreModel
internal import Synchronization

/// Rebuilds an archive's history in a scratch place, and compares.
///
/// ```swift
/// let report = try await ArchiveCheck(line).run(in: .inMemory(), comparing: store)
/// ```
package struct ArchiveCheck: Sendable {
    /// What was found to be right, and what differs from the store.
    package struct Report: Sendable, Hashable {
        /// The archive's last revision, and its link.
        package let revision: Revision
        package let chain: [UInt8]
        /// Revisions that were applied, and snapshots that were read as a whole.
        package let revisions: Int64
        package let snapshots: [SnapshotID]
        /// Snapshots that were not read, and why.
        package let passedOver: [SnapshotID: String]
        /// Images that were opened, every row of them; the parts of the others are what was written.
        package let openedImages: [SnapshotID]
        /// Where the store was compared; nil without one.
        package let comparedAt: Revision?
        /// Kinds whose rows in the store are not what the log says. Empty: they are equal.
        package let differences: [RecordKind]
    }

    private let line: ArchiveLine
    private let options: StoreOptions

    package init(_ line: ArchiveLine, _ options: StoreOptions = StoreOptions()) {
        self.line = line
        self.options = options
    }

    /// Checks everything that is kept.
    ///
    /// - Parameters:
    ///   - scratch: an empty place; empty again afterwards. In memory it takes as much as the store has. Images are
    ///     opened in a file of SQLite's alone.
    ///   - store: the one that is archived there, or a replica; compared at its newest revision.
    /// - Throws: ``ArchiveError``: `damaged` naming the object; `forked` where the store has another history than the
    ///   archive, `behind` where it has less and is no replica, or less than what is kept; ``StoreError``: `damaged`
    ///   naming a row of the store, `misuse` for one in memory.
    package func run(
        in scratch: EngineSource, comparing store: Metastore? = nil,
        _ progress: @escaping @Sendable (RestoreProgress) -> Void = { _ in }
    ) async throws -> Report {
        guard let history = try await ArchiveHistory(line) else {
            throw ArchiveError.missing(what: "cluster \(line.cluster)", reason: "nothing of it was archived")
        }
        var candidates = SnapshotCandidates(history, line, ids: try await line.snapshots())
        let snapshots = try await candidates.all()
        for snapshot in snapshots { try await read(snapshot) }
        let sight = try await sight(of: store, history)
        let found = Mutex<StateDigests?>(nil)
        var plan = RestorePlan(
            line: line, history: history, snapshot: history.kept == nil ? nil : snapshots.last { $0.form == .portable },
            revision: history.end.revision, options: restoreOptions)
        if history.kept != nil, plan.snapshot == nil {
            throw ArchiveError.missing(what: "a snapshot to begin with", reason: "the kept history has none")
        }
        (plan.isScratch, plan.milestones, plan.more) = (true, snapshots.map(milestone), sight?.more ?? [])
        if let sight, sight.revision < history.end.revision {
            let begin = plan.snapshot?.head
            guard begin?.revision ?? .absent <= sight.revision else { throw ArchiveError.behind(after: sight.revision) }
            if begin?.revision == sight.revision { found.withLock { $0 = begin?.digests } }
            plan.milestones.append(
                RestorePlan.Milestone(revision: sight.revision) { sums in found.withLock { $0 = sums } })
        }
        let made = try await plan.run(to: scratch, progress)
        let images = try RestoredStore.takesImages(scratch, options) ? snapshots.filter { $0.form == .image } : []
        for image in images {
            var alone = RestorePlan(
                line: line, history: history, snapshot: image, revision: image.head.revision, options: restoreOptions)
            alone.isScratch = true
            _ = try await alone.run(to: scratch, progress)
        }
        let differences = sight.map { sight in
            let digests = found.withLock(\.self) ?? made.head.digests
            return RecordKind.allCases.filter { sight.digests[$0] != digests[$0] }
        }
        return Report(
            revision: history.end.revision, chain: history.end.chain,
            revisions: history.end.revision.rawValue - (plan.snapshot?.head.revision.rawValue ?? 0),
            snapshots: snapshots.map(\.id), passedOver: candidates.passedOver, openedImages: images.map(\.id),
            comparedAt: sight?.revision,
            differences: differences ?? [])
    }

    private var restoreOptions: Restore.Options {
        var options = Restore.Options()
        options.store = self.options
        options.keepsLog = false
        return options
    }

    /// A snapshot's digests are those of the log at its revision.
    private func milestone(_ snapshot: SnapshotManifest) -> RestorePlan.Milestone {
        RestorePlan.Milestone(revision: snapshot.head.revision) { [names = line.names] sums in
            guard snapshot.head.digests != sums else { return }
            throw ArchiveError.damaged(
                object: "\(names.manifest(snapshot.id))", offset: 0,
                reason: "its digests are not those of the log at its revision")
        }
    }

    /// Every part of a snapshot is what was written, and its rows can be read.
    private func read(_ snapshot: SnapshotManifest) async throws {
        for number in snapshot.parts.indices {
            let part = try await line.part(number, of: snapshot)
            let name = line.names.part(snapshot.id, attempt: snapshot.attempt, number: number)
            if snapshot.form == .portable {
                try part.forEachTable(snapshot.tables, named: name.description) { _, _ in }
            }
        }
    }

    /// What the store says of itself, at one moment.
    private struct Sight {
        let revision: Revision
        let digests: StateDigests
        let more: [LogRecord]
    }

    private func sight(of store: Metastore?, _ history: ArchiveHistory) async throws -> Sight? {
        guard let store else { return nil }
        let state = try await BlockingThread.run(named: "metastore-check") {
            let source = try SnapshotSource(store)
            defer { source.close() }
            try source.verifyRows()
            return source.head
        }
        guard state.cluster == line.cluster else { throw StoreError.otherCluster }
        if state.revision < history.end.revision {
            guard try await store.role() == .follower, let link = try await history.link(at: state.revision) else {
                throw ArchiveError.behind(after: state.revision)
            }
            guard link == state.chain else { throw forked(history) }
            return Sight(revision: state.revision, digests: state.digests, more: [])
        }
        var more: [LogRecord] = []
        while (more.last?.revision ?? history.end.revision) < state.revision {
            let next = try await store.logRecords(after: more.last?.revision ?? history.end.revision)
            more += next.filter { $0.revision <= state.revision }
        }
        let link =
            more.first.map { $0.link(after: history.end.chain) == $0.chain } ?? (state.chain == history.end.chain)
        guard link else { throw forked(history) }
        return Sight(revision: state.revision, digests: state.digests, more: more)
    }

    private func forked(_ history: ArchiveHistory) -> ArchiveError {
        .forked(object: "the archive at \(line.target.place)", after: history.start.revision)
    }
}
