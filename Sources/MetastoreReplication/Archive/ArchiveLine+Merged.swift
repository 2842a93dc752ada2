// Invariants
// 1. What a name of the line has, or lacks, counts only if no record of merging, read after it, has its revision: a
//    name that merging freed may have been taken since, by a master that woke up late.
// 2. A merged segment is the one that its record says: epoch, revisions and last link, or it is refused.
// 3. What retention removed is looked for in its own records before anything is called missing.

internal import Metastore
internal import MetastoreModel

/// Where the object after a place lies.
enum ArchiveStanding {
    /// Under the line's next name.
    case object([UInt8])
    /// In a merged segment.
    case merged(MergedRange)
    /// Nowhere.
    case nothing
}

extension ArchiveLine {
    /// Reads the records of merging that came since the last time.
    ///
    /// - Throws: ``ArchiveError``.
    func readMerges() async throws(ArchiveError) {
        while true {
            let number = merges.number + 1
            let name = names.merge(number)
            guard let bytes = try await target.read(name, limit: Limits.segmentObjectBytes) else { return }
            let record = try MergeRecord(bytes, named: name.description)
            guard record.number == number, record.cluster == cluster, merges.take(record) else {
                throw .damaged(
                    object: name.description, offset: 0, reason: "it doesn't go with its name and those before")
            }
        }
    }

    /// What comes after a revision of an epoch, and where it lies.
    func standing(after revision: Revision, in epoch: Epoch) async throws(ArchiveError) -> ArchiveStanding {
        let first = Revision(rawValue: revision.rawValue + 1)
        if let range = merges.range(of: first, in: epoch.number) { return .merged(range) }
        let bytes = try await target.read(names.log(epoch, from: first), limit: Limits.segmentObjectBytes)
        try await readMerges()
        if let range = merges.range(of: first, in: epoch.number) { return .merged(range) }
        return bytes.map { .object($0) } ?? .nothing
    }

    /// True where the name that follows a place was freed by merging: whatever is put there is not in the line.
    func isMerged(after place: ArchivePlace) async throws(ArchiveError) -> Bool {
        try await readMerges()
        return merges.range(of: Revision(rawValue: place.revision.rawValue + 1), in: place.epoch.number) != nil
    }

    /// The name of the object that was found after a place, or would be.
    package func foundName(after place: ArchivePlace) -> ArchiveName {
        let range = merges.range(of: Revision(rawValue: place.revision.rawValue + 1), in: place.epoch.number)
        return range.map { names.merged($0) } ?? name(after: place)
    }

    /// What of a merged segment comes after a revision; nil where retention removed it, or the line ends at gaps.
    ///
    /// - Throws: ``ArchiveError``; `damaged` where it is missing, or another than its record says.
    func merged(_ range: MergedRange, after revision: Revision) async throws(ArchiveError) -> Segment? {
        let name = names.merged(range)
        guard let bytes = try await target.read(name, limit: Limits.segmentObjectBytes) else {
            let place = ArchivePlace(epoch: range.epoch, revision: revision, chain: [])
            if endsAtGaps { return nil }
            if let kept = try await kept(), kept.isBeyond(place) { return nil }
            throw .damaged(
                object: name.description, offset: 0, reason: "it is missing, and a record of merging names it")
        }
        let segment = try Segment(bytes, named: name.description)
        guard segment.header.cluster == cluster, segment.range == range else {
            throw .damaged(object: name.description, offset: 0, reason: "it is not what the record of merging says")
        }
        return revision < range.first ? segment : segment.after(revision)
    }
}

extension Segment {
    /// What it has, as a record of merging says it.
    var range: MergedRange {
        MergedRange(epoch: header.epoch, first: header.first, last: header.last, chain: footer.chain)
    }
}
