// Invariants
// 1. Nothing is given away before the archive is known to hold the revision that the store's log begins after, with the
//    store's link: then what comes before it in the line is the store's history, and no other's.
// 2. A listing only says where to look: what is found there proves itself, and what isn't there is looked for by name.
// 3. What retention removed is not looked for: under its names somebody else may have put something.
// 4. One segment at a time is held, or two where one was merged.

package import Metastore
package import MetastoreModel
internal import Synchronization

/// Reads the history that a store's log has no longer from its archive.
package final class ArchiveSource: HistorySource {
    private let line: ArchiveLine
    /// Up to where the archive is known to hold the store's history.
    private let proven = Mutex(Revision.absent)
    /// Where the kept history begins, as far as that was looked at.
    private let kept = Mutex(KeptRecord?.none)

    package init(_ line: ArchiveLine) {
        self.line = line
    }

    package func part(
        after revision: Revision, of lineage: HistoryLineage
    ) async throws(StoreError) -> HistoryPart? {
        do throws(ArchiveError) {
            return try await read(after: revision, of: lineage)
        } catch {
            throw .historyUnreadable(place: line.target.place, reason: "\(error)")
        }
    }

    private func read(
        after revision: Revision, of lineage: HistoryLineage
    ) async throws(ArchiveError) -> HistoryPart? {
        let next = Revision(rawValue: revision.rawValue + 1)
        guard let epoch = lineage.epoch(after: revision), next <= lineage.compacted else { return nil }
        if proven.withLock({ $0 < next }) {
            guard try await prove(lineage) else { return nil }
        }
        guard let segment = try await find(next, in: epoch), let previous = segment.link(of: revision),
            try await isKept(revision)
        else { return nil }
        let last = min(proven.withLock { $0 }, lineage.end(of: epoch) ?? segment.header.last)
        let records = segment.records.filter { $0.revision > revision && $0.revision <= last }
        return records.isEmpty ? nil : HistoryPart(previous: previous, records: records)
    }

    /// Asked after what comes then was read.
    private func isKept(_ revision: Revision) async throws(ArchiveError) -> Bool {
        let newest = try await line.kept(after: kept.withLock { $0 })
        kept.withLock { if let newest, newest.number > $0?.number ?? 0 { $0 = newest } }
        return newest.map { $0.revision <= revision } ?? true
    }

    /// False where the archive hasn't got as far as the store's log begins.
    private func prove(_ lineage: HistoryLineage) async throws(ArchiveError) -> Bool {
        guard let epoch = lineage.epoch(of: lineage.compacted),
            let segment = try await find(lineage.compacted, in: epoch)
        else { return false }
        guard segment.link(of: lineage.compacted) == lineage.compactedChain else {
            throw .forked(
                object: "\(line.foundName(after: segment.start))", after: segment.start.revision)
        }
        proven.withLock { $0 = max($0, lineage.compacted) }
        return true
    }

    /// The segment of an epoch that has a revision; nil where none does.
    private func find(_ revision: Revision, in epoch: EpochStart) async throws(ArchiveError) -> Segment? {
        if let segment = try await line.segment(epoch.epoch, from: revision) { return segment }
        // Where nothing is listed, the epoch's first is where to begin.
        let first = Revision(rawValue: epoch.fork.rawValue + 1)
        let begin = try await line.listed(upTo: revision, of: epoch.epoch, after: epoch.fork) ?? first
        guard begin < revision, var found = try await line.segment(epoch.epoch, from: begin) else { return nil }
        while found.header.last < revision {
            let next = try await line.segment(
                epoch.epoch, from: Revision(rawValue: found.header.last.rawValue + 1))
            guard let next else { return nil }
            guard next.follows(found.end) else {
                throw .damaged(
                    object: "\(line.foundName(after: found.end))", offset: 0,
                    reason: "it doesn't follow the one before")
            }
            found = next
        }
        return found
    }
}
