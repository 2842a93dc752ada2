// Invariants
// 1. A segment goes only after the one that it was merged into was read back from the archive and compared with it, and
//    after the record that says so is durable. Whoever reads meanwhile finds the one or the other.
// 2. A record says something of revisions that none before it does: its number is taken by one of those who merge at
//    once, and the others' plans are old.
// 3. What a record may still come to name isn't removed: a merged segment goes only where a record names another one
//    with some of its revisions.
// 4. A kill at any moment loses nothing, and what it left is found by the next plan.

internal import Metastore
package import MetastoreModel

/// Merges an archive's old segments into few large ones: told first, then done.
///
/// ```swift
/// let merging = Merging(line)
/// try await merging.carryOut(try await merging.plan())
/// ```
/// Every place in the line stays one: whoever stood between two segments goes on in the middle of the merged one. What
/// was merged is not merged again. It may work beside the master, followers and whoever else reads, and beside another
/// that merges. It holds one merged segment, and what that is made of.
package struct Merging: Sendable {
    private let line: ArchiveLine
    private let bound: Int
    private let most: Int

    /// - Parameters:
    ///   - bound: bytes of the records of a merged segment.
    ///   - most: merged segments that one record names, at most ``Limits/mergedRanges``.
    package init(_ line: ArchiveLine, bound: Int = Limits.mergedBytes, most: Int = Limits.mergedRanges) {
        (self.line, self.bound, self.most) = (line, bound, most)
    }

    // MARK: The plan

    /// What would be merged. Changes nothing.
    ///
    /// It lists names: what an interrupted merging left may be missing in a plan, and is in a later one.
    ///
    /// - Parameter start: only history after it; by default all that is kept.
    /// - Throws: ``ArchiveError``: `missing` where nothing was archived, `damaged` naming the object.
    package func plan(after start: Revision = .absent) async throws -> MergePlan {
        try await line.readMerges()
        let number = line.merges.number
        guard let history = try await ArchiveHistory(line) else {
            throw ArchiveError.missing(what: "cluster \(line.cluster)", reason: "nothing of it was archived")
        }
        let snapshots = try await Retention(line).snapshots(of: history, try await line.snapshots())
        var choice = MergeChoice(line.names, cuts: Set(snapshots.map(\.anchor.revision)), bound: bound)
        let through = snapshots.first?.anchor.revision
        if let through, through > start {
            try await history.forEachPart(after: max(start, history.start.revision), through: through) { part in
                choice.take(part)
            }
        }
        choice.close()
        return MergePlan(
            number: number, groups: choice.groups, leftovers: try await leftovers(history), through: through)
    }

    private func leftovers(_ history: ArchiveHistory) async throws(ArchiveError) -> [ArchiveName] {
        var found: [ArchiveName] = []
        try await line.target.forEachName(under: line.names.log) { (name) throws(ArchiveError) in
            guard let (epoch, first) = line.names.log(name), line.merges.range(of: first, in: epoch) != nil else {
                return
            }
            let place = ArchivePlace(
                epoch: Epoch(number: epoch, nonce: 0), revision: Revision(rawValue: first.rawValue - 1), chain: [])
            // What is before the beginning goes with retention.
            if history.kept?.isBeyond(place) != true { found.append(name) }
        }
        try await line.target.forEachName(under: line.names.merged) { (name) throws(ArchiveError) in
            guard let (epoch, revisions) = line.names.merged(name),
                let range = line.merges.last(upTo: Revision(rawValue: revisions.upperBound), in: epoch)
            else { return }
            if range.last.rawValue >= revisions.lowerBound, line.names.merged(range) != name { found.append(name) }
        }
        return found
    }

    // MARK: What it says

    /// Does what the plan says, some merged segments at a time.
    ///
    /// - Parameter progress: called after each object that was written or removed.
    /// - Throws: ``ArchiveError``: `exists` where the plan is old, because another was carried out meanwhile; `damaged`
    ///   naming an object, and then nothing that it concerns was removed. `CancellationError` between two objects.
    package func carryOut(_ plan: MergePlan, _ progress: @Sendable () -> Void = {}) async throws {
        try await line.readMerges()
        guard line.merges.number == plan.number else { throw old }
        try await removeLeftovers(plan, progress)
        var number = plan.number
        var rest = plan.groups[...]
        while !rest.isEmpty {
            let groups = rest.prefix(most)
            rest = rest.dropFirst(most)
            for group in groups {
                try Task.checkCancellation()
                try await put(group)
                progress()
            }
            number += 1
            try await record(groups.map(\.range), as: number)
            for group in groups {
                for first in group.firsts {
                    try Task.checkCancellation()
                    try await line.target.remove(line.names.log(group.range.epoch, from: first))
                    progress()
                }
            }
        }
    }

    private func removeLeftovers(_ plan: MergePlan, _ progress: () -> Void) async throws {
        var verified: MergedRange?
        for name in plan.leftovers {
            try Task.checkCancellation()
            if let (epoch, first) = line.names.log(name), let range = line.merges.range(of: first, in: epoch),
                verified != range
            {
                // What it was merged into is there, and whole; or it went with retention, and this will.
                let begin = Revision(rawValue: range.first.rawValue - 1)
                guard try await line.merged(range, after: begin) != nil else { continue }
                verified = range
            }
            try await line.target.remove(name)
            progress()
        }
    }

    /// Makes a merged segment durable, and compares it with what it is made of.
    private func put(_ group: MergePlan.Group) async throws(ArchiveError) {
        let merged = Segment(merging: try await sources(group))
        guard merged.range == group.range else { throw old }
        let name = line.names.merged(group.range)
        // One that is there may be of whoever was interrupted, or merges at the same time.
        _ = try await line.target.create(name, merged.bytes)
        guard let bytes = try await line.target.read(name, limit: Limits.segmentObjectBytes) else {
            throw .unavailable(place: line.target.place, reason: "\(name) was there, and can't be found any more")
        }
        guard try Segment(bytes, named: name.description).says(theSameAs: merged) else {
            throw .damaged(
                object: name.description, offset: 0, reason: "it is not what the segments say that it is made of")
        }
    }

    private func sources(_ group: MergePlan.Group) async throws(ArchiveError) -> [Segment] {
        var sources: [Segment] = []
        for first in group.firsts {
            let name = line.names.log(group.range.epoch, from: first)
            guard let bytes = try await line.target.read(name, limit: Limits.segmentObjectBytes) else { throw old }
            let segment = try Segment(bytes, named: name.description)
            guard segment.header.cluster == line.cluster, segment.header.epoch == group.range.epoch,
                segment.header.first == first, sources.last.map({ segment.follows($0.end) }) ?? true
            else {
                throw .damaged(object: name.description, offset: 0, reason: "it doesn't follow the one before")
            }
            sources.append(segment)
        }
        return sources
    }

    /// Says for good what was merged.
    private func record(_ ranges: [MergedRange], as number: Int64) async throws(ArchiveError) {
        let name = line.names.merge(number)
        let bytes = MergeRecord(number: number, cluster: line.cluster, ranges: ranges).bytes
        _ = try await line.target.create(name, bytes)
        // The same of another, who read the same, is as good.
        guard try await line.target.read(name, limit: Limits.segmentObjectBytes) == bytes else { throw old }
        try await line.readMerges()
    }

    private var old: ArchiveError {
        .exists(object: "what was merged since", reason: "this plan is old. Make a new one")
    }
}
