// Invariants
// 1. Every link from the beginning to the newest revision was followed: what is given away is one history.
// 2. What a later epoch left behind (it began at an earlier revision) is not part of it.
// 3. Where retention moves the beginning meanwhile, a reader is told, and never takes what is missing for the end.
// 4. What is given away leads to the links that were followed: what somebody put under a name that retention freed
//    doesn't, whatever it goes on from.

package import Metastore
package import MetastoreModel

/// The history that an archive holds: of each epoch, as much as the later ones go on from.
package struct ArchiveHistory: Sendable {
    /// A stretch of one epoch.
    package struct Stretch: Sendable, Hashable {
        /// The epoch's own record; of the archive's first one that of its beginning.
        package let record: EpochRecord
        /// What stands before its first object that is kept.
        package let start: ArchivePlace
        /// The last revision of it that counts.
        package let last: Revision
    }

    package let line: ArchiveLine
    /// What the archive began with once, even if that is no longer kept.
    package let beginning: EpochRecord
    /// Where the kept history begins; nil where all of it is kept.
    package let kept: KeptRecord?
    package let stretches: [Stretch]
    /// The links of the revisions that segments of this history end with.
    private let links: [Revision: [UInt8]]
    /// Where the line of objects goes on: the next segment, or the next epoch.
    package let end: ArchivePlace

    /// Follows the line from its beginning.
    ///
    /// - Throws: ``ArchiveError``; `damaged` where a part of the line is missing or doesn't follow.
    package init?(_ line: ArchiveLine) async throws(ArchiveError) {
        guard let beginning = try await line.beginning() else { return nil }
        var kept = try await line.kept()
        try await line.readMerges()
        while true {
            let first = kept?.epoch ?? beginning
            var (records, place) = ([first], kept?.start ?? beginning.start)
            let start = place
            var links = [place.revision: place.chain]
            while let object = try await line.object(after: place) {
                switch object {
                case .segment(let segment):
                    guard segment.follows(place) else {
                        throw .damaged(
                            object: "\(line.foundName(after: place))", offset: 0,
                            reason: "it doesn't follow the one before")
                    }
                    place = segment.end
                case .epoch(let record):
                    records.append(record)
                    place = record.start
                    links = links.filter { $0.key <= place.revision }
                }
                links[place.revision] = place.chain
            }
            // What seems to be the end may have been removed while the line was followed.
            let newest = try await line.kept(after: kept)
            if newest != kept {
                kept = newest
                continue
            }
            self.line = line
            self.beginning = beginning
            self.kept = kept
            self.links = links
            end = place
            stretches = try Self.stretches(records, from: start, through: place.revision, of: line)
            return
        }
    }

    /// From the newest epoch back to the first, each as far as the next goes on from.
    private static func stretches(
        _ records: [EpochRecord], from start: ArchivePlace, through last: Revision, of line: ArchiveLine
    ) throws(ArchiveError) -> [Stretch] {
        var found: [Stretch] = []
        var (next, through) = (records[records.count - 1], last)
        while true {
            let isFirst = next.epoch == records[0].epoch
            found.append(Stretch(record: next, start: isFirst ? start : next.start, last: through))
            guard !isFirst else { return found.reversed() }
            guard let parent = records.last(where: { $0.epoch == next.parent }), parent.fork <= next.fork,
                next.fork >= start.revision
            else {
                throw .damaged(
                    object: "the record of epoch \(next.epoch.number)", offset: 0,
                    reason: "the epoch it goes on from is not in the archive")
            }
            (next, through) = (parent, next.fork)
        }
    }

    /// The link of a revision that a segment ends with; nil for others.
    package func link(of revision: Revision) -> [UInt8]? { links[revision] }

    /// Where the history begins: the last revision before what is kept, and its link.
    package var start: ArchivePlace { stretches[0].start }

    /// The newest place at or before a revision at which an object of the line begins; nil where none is kept.
    package func place(before revision: Revision) -> ArchivePlace? {
        guard let stretch = stretches.last(where: { $0.start.revision <= revision }) else { return nil }
        let found = links.keys.filter {
            $0 > stretch.start.revision && $0 <= revision && ($0 < stretch.last || stretch == stretches.last)
        }.max()
        guard let found, let chain = links[found] else { return stretch.start }
        return ArchivePlace(epoch: stretch.record.epoch, revision: found, chain: chain)
    }

    /// The link of any revision of this history; nil for one that is not in it, or not kept.
    package func link(at revision: Revision) async throws(ArchiveError) -> [UInt8]? {
        guard let place = place(before: revision), revision <= end.revision else { return nil }
        if place.revision == revision { return place.chain }
        guard case .segment(let segment) = try await line.object(after: place), segment.follows(place),
            leadsOn(segment)
        else { throw await missing(place) }
        return segment.link(of: revision)
    }

    /// A revision of an epoch is part of this history, as far as it is kept.
    package func contains(_ epoch: Int64, _ revision: Revision) -> Bool {
        stretches.contains {
            $0.record.epoch.number == epoch && $0.start.revision <= revision && revision <= $0.last
        }
    }

    /// What a reader is given: the records of a segment, or of a part of it.
    package struct Part: Sendable {
        /// The segment's name.
        package let object: ArchiveName
        package let records: [LogRecord]
        /// After the last of them, of the kinds that the segment changed; nil for a part of a segment.
        package let digests: [RecordKind: UInt128]?
    }

    /// The history's records, in order, a segment's at a time.
    ///
    /// - Parameters:
    ///   - revision: those after it.
    ///   - last: the last of them; by default all.
    /// - Throws: ``ArchiveError``, `damaged` where a part of the history is missing or doesn't follow; what the closure
    ///   throws.
    package func forEachPart(
        after revision: Revision = .absent, through last: Revision = Revision(rawValue: .max),
        _ take: (Part) async throws -> Void
    ) async throws {
        var chain = stretches[0].start.chain
        for (index, stretch) in stretches.enumerated() {
            let end = min(stretch.last, last)
            let next = index + 1 < stretches.count ? stretches[index + 1].start.revision : Revision(rawValue: .max)
            // What comes after it begins at or before the revision that is asked for.
            if next <= revision {
                chain = stretches[index + 1].start.chain
                continue
            }
            var place = stretch.start
            guard place.chain == chain else { throw broken(place, "its epoch goes on from another history") }
            if let later = self.place(before: min(revision, end)), later.epoch == place.epoch { place = later }
            while place.revision < end {
                guard case .segment(let segment) = try await line.object(after: place) else {
                    throw await missing(place)
                }
                guard segment.follows(place) else {
                    throw broken(place, "it doesn't follow the one before")
                }
                guard leadsOn(segment) else { throw await missing(place) }
                let wanted = segment.records.filter { $0.revision > revision && $0.revision <= end }
                let isWhole = wanted.last?.revision == segment.header.last
                if !wanted.isEmpty {
                    try await take(
                        Part(
                            object: line.foundName(after: place), records: wanted,
                            digests: isWhole ? segment.footer.digests : nil))
                }
                place = segment.end
                chain = segment.link(of: min(place.revision, end)) ?? chain
            }
            if stretch.last >= last { return }
        }
    }

    /// It leads to what was followed. Of what a later epoch left behind in a segment, nothing is known.
    private func leadsOn(_ segment: Segment) -> Bool {
        guard let index = stretches.firstIndex(where: { $0.record.epoch == segment.header.epoch }) else { return false }
        let (last, next) = (stretches[index].last, index + 1)
        if segment.header.last <= last { return links[segment.header.last] == segment.footer.chain }
        return next < stretches.count && segment.link(of: last) == stretches[next].start.chain
    }

    /// What was in the line isn't there: retention removed it meanwhile, or it is lost.
    private func missing(_ place: ArchivePlace) async -> ArchiveError {
        do throws(ArchiveError) {
            let newest = try await line.kept(after: kept)
            if let newest, newest.isBeyond(place) { return .expired(before: newest.revision) }
            return broken(place, "it is missing")
        } catch {
            return error
        }
    }

    private func broken(_ place: ArchivePlace, _ reason: String) -> ArchiveError {
        .damaged(object: "\(line.foundName(after: place))", offset: 0, reason: reason)
    }
}

extension ArchiveLine {
    /// What an archive begins with; nil where there is none.
    package func beginning() async throws(ArchiveError) -> EpochRecord? {
        guard let bytes = try await target.read(names.beginning, limit: Limits.segmentObjectBytes) else { return nil }
        let record = try EpochRecord(bytes, named: names.beginning.description)
        guard record.cluster == cluster else {
            throw .damaged(object: names.beginning.description, offset: 0, reason: "it is of another cluster")
        }
        return record
    }
}
