// Invariants
// 1. Every link from the beginning to the newest revision was followed: what is given away is one history.
// 2. What a later epoch left behind (it began at an earlier revision) is not part of it.

package import Metastore
package import MetastoreModel

/// The history that an archive holds: of each epoch, as much as the later ones go on from.
package struct ArchiveHistory: Sendable {
    /// A stretch of one epoch.
    package struct Stretch: Sendable, Hashable {
        /// The epoch's own record; of the archive's first one that of its beginning.
        package let record: EpochRecord
        /// The last revision of it that counts.
        package let last: Revision
    }

    package let line: ArchiveLine
    package let stretches: [Stretch]
    /// Where the line of objects goes on: the next segment, or the next epoch.
    package let end: ArchivePlace

    /// Follows the line from its beginning.
    ///
    /// - Throws: ``ArchiveError``; `damaged` where a part of the line is missing or doesn't follow.
    package init?(_ line: ArchiveLine) async throws(ArchiveError) {
        guard let beginning = try await line.beginning() else { return nil }
        var records = [beginning]
        var place = beginning.start
        while let object = try await line.object(after: place) {
            switch object {
            case .segment(let segment):
                guard segment.follows(place) else {
                    throw .damaged(
                        object: "\(line.name(after: place))", offset: 0, reason: "it doesn't follow the one before")
                }
                place = segment.end
            case .epoch(let record):
                records.append(record)
                place = record.start
            }
        }
        self.line = line
        end = place
        stretches = try Self.stretches(records, through: place.revision, of: line)
    }

    /// From the newest epoch back to the first, each as far as the next goes on from.
    private static func stretches(
        _ records: [EpochRecord], through last: Revision, of line: ArchiveLine
    ) throws(ArchiveError) -> [Stretch] {
        var found: [Stretch] = []
        var (next, through) = (records[records.count - 1], last)
        while true {
            found.append(Stretch(record: next, last: through))
            guard next.epoch != records[0].epoch else { return found.reversed() }
            guard let parent = records.last(where: { $0.epoch == next.parent }), parent.fork <= next.fork else {
                throw .damaged(
                    object: "\(line.names.epoch(next.epoch.number))", offset: 0,
                    reason: "the epoch it goes on from is not in the archive")
            }
            (next, through) = (parent, next.fork)
        }
    }

    /// What a reader is given: the records of a segment, or of a part of it.
    package struct Part: Sendable {
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
        var chain = stretches[0].record.chain
        for stretch in stretches {
            var place = stretch.record.start
            guard place.chain == chain else { throw broken(place, "its epoch goes on from another history") }
            let end = min(stretch.last, last)
            while place.revision < end {
                guard case .segment(let segment) = try await line.object(after: place) else {
                    throw broken(place, "it is missing")
                }
                guard segment.follows(place) else {
                    throw broken(place, "it doesn't follow the one before")
                }
                let wanted = segment.records.filter { $0.revision > revision && $0.revision <= end }
                let isWhole = wanted.last?.revision == segment.header.last
                if !wanted.isEmpty {
                    try await take(Part(records: wanted, digests: isWhole ? segment.footer.digests : nil))
                }
                place = segment.end
                chain = segment.link(of: min(place.revision, end)) ?? chain
            }
            if stretch.last >= last { return }
        }
    }

    private func broken(_ place: ArchivePlace, _ reason: String) -> ArchiveError {
        .damaged(object: "\(line.name(after: place))", offset: 0, reason: reason)
    }
}

extension ArchiveLine {
    /// What an archive begins with; nil where there is none.
    func beginning() async throws(ArchiveError) -> EpochRecord? {
        guard let bytes = try await target.read(names.beginning, limit: Limits.segmentObjectBytes) else { return nil }
        let record = try EpochRecord(bytes, named: names.beginning.description)
        guard record.cluster == cluster else {
            throw .damaged(object: names.beginning.description, offset: 0, reason: "it is of another cluster")
        }
        return record
    }
}
