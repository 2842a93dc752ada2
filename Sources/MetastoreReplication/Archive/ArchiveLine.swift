// Invariants
// 1. An archive is one line of objects: each segment, or record of an epoch, has the name that follows from the one
//    before, and a name is taken once. So there is one line, whoever writes.
// 2. What is read follows what was read before: cluster, epoch, revision and link, or it is refused.
// 3. Where segments were merged, the line goes on inside of the merged one, from any place.

package import FoundationEssentials
internal import Metastore
package import MetastoreModel

/// A place in the line of an archive's objects: what stands before it.
package struct ArchivePlace: Sendable, Hashable {
    /// The epoch that goes on here.
    package var epoch: Epoch
    /// The last revision before, and its link.
    package var revision: Revision
    package var chain: [UInt8]

    package init(epoch: Epoch, revision: Revision, chain: [UInt8]) {
        self.epoch = epoch
        self.revision = revision
        self.chain = chain
    }
}

/// What lies in the line.
package enum ArchiveObject: Sendable {
    /// The epoch's next revisions.
    case segment(Segment)
    /// The epoch has ended: this one comes next. Its fork may be a revision before, from which it goes on.
    case epoch(EpochRecord)
}

/// The line of objects of one cluster.
package struct ArchiveLine: Sendable {
    package let target: any ArchiveTarget
    package let cluster: UUID
    package let names: ArchiveNames
    let merges = ArchiveMerges()
    /// A merged segment that isn't there is where the line ends, for whoever looks at what is left of a damaged one.
    let endsAtGaps: Bool

    /// - Parameter endsAtGaps: true to take a merged segment that isn't there for the line's end; otherwise that is
    ///   damage.
    package init(_ target: any ArchiveTarget, of cluster: UUID, endsAtGaps: Bool = false) {
        self.target = target
        self.cluster = cluster
        self.endsAtGaps = endsAtGaps
        names = ArchiveNames(cluster)
    }

    /// The name that is taken next, where the line ends at a place.
    package func name(after place: ArchivePlace) -> ArchiveName {
        names.log(place.epoch, from: Revision(rawValue: place.revision.rawValue + 1))
    }

    /// What stands next; nil where the line ends. Of a merged segment, what comes after the place.
    ///
    /// - Throws: ``ArchiveError``; `damaged` also where it doesn't follow.
    package func object(after place: ArchivePlace) async throws(ArchiveError) -> ArchiveObject? {
        switch try await standing(after: place.revision, in: place.epoch) {
        case .nothing: return nil
        case .merged(let range): return try await merged(range, after: place.revision).map { .segment($0) }
        case .object(let bytes): return try read(bytes, after: place)
        }
    }

    private func read(_ bytes: [UInt8], after place: ArchivePlace) throws(ArchiveError) -> ArchiveObject {
        let name = name(after: place)
        func damage(_ reason: String) -> ArchiveError {
            .damaged(object: name.description, offset: 0, reason: reason)
        }
        guard !bytes.starts(with: EpochRecord.magic) else {
            let record = try EpochRecord(bytes, named: name.description)
            guard record.cluster == cluster else { throw damage("it is of another cluster") }
            guard record.epoch.number == place.epoch.number + 1, record.fork <= place.revision,
                record.fork < place.revision || record.chain == place.chain
            else { throw damage("its epoch doesn't follow") }
            return .epoch(record)
        }
        let segment = try Segment(bytes, named: name.description)
        guard segment.header.cluster == cluster else { throw damage("it is of another cluster") }
        guard segment.header.first.rawValue == place.revision.rawValue + 1,
            segment.header.epoch.number == place.epoch.number
        else { throw damage("its revisions or its epoch are not those of its name") }
        return .segment(segment)
    }
}

extension ArchiveLine {
    /// What an epoch has from a revision on, up to the end of a segment; nil where no segment begins there, and none
    /// that was merged has it.
    func segment(_ epoch: Epoch, from first: Revision) async throws(ArchiveError) -> Segment? {
        let found = try await segment(numberedAs: epoch, from: first)
        return found?.header.epoch == epoch ? found : nil
    }

    /// The same of the epoch with this number, whoever opened it.
    func segment(numberedAs epoch: Epoch, from first: Revision) async throws(ArchiveError) -> Segment? {
        let before = Revision(rawValue: first.rawValue - 1)
        switch try await standing(after: before, in: epoch) {
        case .nothing: return nil
        case .merged(let range): return try await merged(range, after: before)
        case .object(let bytes):
            guard !bytes.starts(with: EpochRecord.magic) else { return nil }
            let name = names.log(epoch, from: first)
            let found = try Segment(bytes, named: name.description)
            guard found.header.cluster == cluster, found.header.first == first,
                found.header.epoch.number == epoch.number
            else {
                throw .damaged(object: name.description, offset: 0, reason: "it is not what its name says")
            }
            return found
        }
    }
}

extension Segment {
    /// Where it ends.
    package var end: ArchivePlace { ArchivePlace(epoch: header.epoch, revision: header.last, chain: footer.chain) }

    /// Where it begins.
    var start: ArchivePlace {
        ArchivePlace(
            epoch: header.epoch, revision: Revision(rawValue: header.first.rawValue - 1), chain: header.previous)
    }

    /// Goes on with the history that leads to a place.
    package func follows(_ place: ArchivePlace) -> Bool {
        header.previous == place.chain && header.epoch == place.epoch
    }

    /// The link of one of its revisions, or of the one before the first.
    func link(of revision: Revision) -> [UInt8]? {
        let index = revision.rawValue - header.first.rawValue
        if index == -1 { return header.previous }
        return records.indices.contains(Int(index)) ? records[Int(index)].chain : nil
    }

    /// What of it comes after one of its revisions.
    package func after(_ revision: Revision) -> Segment {
        let rest = records.filter { $0.revision > revision }
        let kinds = rest.reduce(into: RecordKinds()) { $0.formUnion($1.kinds) }
        let sums = footer.digests.filter { $0.key == .cluster || kinds.contains($0.key) }
        return Segment(cluster: header.cluster, rest, after: link(of: revision) ?? [], digests: sums)
    }
}

extension EpochRecord {
    /// Where its epoch begins.
    package var start: ArchivePlace { ArchivePlace(epoch: epoch, revision: fork, chain: chain) }
}
