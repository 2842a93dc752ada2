// Invariants
// 1. What is damaged or missing ends the line for this reader, and is named; nothing is guessed of what was there.
// 2. Where nothing is damaged, the line is the archive's own.

internal import FoundationEssentials
internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication

/// What an archive has, damaged or not: the line as far as it can be followed, and what lies beyond.
struct ArchiveSurvey: Sendable {
    let line: ArchiveLine
    let mended: MendedTarget
    /// Up to where the line breaks, or ends.
    private(set) var front: ArchiveHistory
    /// Snapshots of later revisions than that, the newest first, whose manifests are whole.
    private(set) var later: [SnapshotManifest]
    /// Objects of the line that nothing leads to.
    private(set) var unreachable: [ArchiveName]
    let hasImages: Bool

    /// So often the line is followed anew, each time without another damaged object.
    private static let triesMost = 100

    init(_ target: any ArchiveTarget, of cluster: UUID) async throws {
        mended = MendedTarget(target)
        line = ArchiveLine(mended, of: cluster, endsAtGaps: true)
        front = try await Self.history(line, mended)
        let ids = try await line.snapshots()
        hasImages = ids.contains { $0.form == .image }
        (later, unreachable) = ([], [])
        for id in ids.sorted(by: { ($0.epoch, $0.revision) > ($1.epoch, $1.revision) })
        where id.epoch >= front.end.epoch.number && id.revision > front.end.revision {
            do throws(ArchiveError) {
                if let manifest = try await line.manifest(id) { later.append(manifest) }
            } catch {
                guard case .damaged(let object, let offset, let reason) = error else { throw error }
                mended.note(ObjectDamage(object: object, offset: offset, reason: reason))
            }
        }
        try await findEnd()
    }

    /// Follows the line again: more of it turned out to be damaged.
    mutating func again() async throws {
        front = try await Self.history(line, mended)
        try await findEnd()
    }

    /// True where the line breaks off: what came after ``front`` is damaged or missing.
    var isCutShort: Bool {
        let next = line.foundName(after: front.end).description
        return mended.damages.contains { $0.object == next }
    }

    /// True where objects are missing from the line, or damaged: then later snapshots say more than it does.
    var isBroken: Bool {
        let names = line.names
        let line = [names.log, names.merged, names.merges, names.kept, names.beginning].map(\.description)
        return mended.damages.contains { damage in line.contains { damage.object.hasPrefix($0) } }
    }

    /// What is wrong with a snapshot's objects; nil where each of them is what was written.
    func damage(of id: SnapshotID) async throws(ArchiveError) -> ObjectDamage? {
        do throws(ArchiveError) {
            guard let manifest = try await line.manifest(id) else { return nil }
            for number in manifest.parts.indices { _ = try await line.part(number, of: manifest) }
            return nil
        } catch {
            guard case .damaged(let object, let offset, let reason) = error else { throw error }
            return ObjectDamage(object: object, offset: offset, reason: reason)
        }
    }

    private mutating func findEnd() async throws {
        unreachable = try await line.unreachable(after: front.end)
        while let record = try await lostEpoch() {
            let name = line.name(after: front.end)
            mended.note(ObjectDamage(object: name.description, offset: 0, reason: "it is missing"))
            mended.substitute(record.bytes, for: name)
            front = try await Self.history(line, mended)
            unreachable = try await line.unreachable(after: front.end)
        }
        // A snapshot begins at a place where the line once was.
        let hasMore = later.contains { $0.anchor.revision > front.end.revision }
        let next = line.foundName(after: front.end).description
        if hasMore || !unreachable.isEmpty, !mended.damages.contains(where: { $0.object == next }) {
            mended.note(ObjectDamage(object: next, offset: 0, reason: "it is missing"))
        }
    }

    /// The record of an epoch that is lost, as the epoch's first segment has it: its link proves from which revision of
    /// the line it goes on. Nil where no segment goes on from there.
    private func lostEpoch() async throws -> EpochRecord? {
        let (place, next) = (front.end, front.end.epoch.number + 1)
        for name in unreachable where name.words.count == 4 && Int64(name.words[2]) == next {
            guard let first = Int64(name.words[3]), first <= place.revision.rawValue + 1,
                let bytes = try await mended.read(name, limit: Limits.segmentObjectBytes),
                let segment = try? Segment(bytes, named: name.description), segment.header.epoch.number == next,
                segment.header.cluster == line.cluster, segment.header.first.rawValue == first
            else { continue }
            let fork = Revision(rawValue: first - 1)
            guard try await front.link(at: fork) == segment.header.previous else { continue }
            return EpochRecord(
                cluster: line.cluster, epoch: segment.header.epoch, parent: place.epoch, fork: fork,
                chain: segment.header.previous, holder: Self.unknown, time: segment.footer.times.lowerBound)
        }
        return nil
    }

    /// Who led, where what says so is lost.
    private static let unknown = "unknown"

    /// The line without what is damaged.
    static func history(_ line: ArchiveLine, _ mended: MendedTarget) async throws -> ArchiveHistory {
        for _ in 0..<triesMost {
            do throws(ArchiveError) {
                if let history = try await ArchiveHistory(line) { return history }
                guard try await mendBeginning(line, mended) else { throw nothing(line) }
            } catch {
                guard mended.leaveOut(error) else { throw error }
            }
        }
        throw ArchiveError.damaged(
            object: line.names.log.description, offset: 0, reason: "more than \(triesMost) of its objects are damaged")
    }

    private static func nothing(_ line: ArchiveLine) -> ArchiveError {
        .missing(what: "cluster \(line.cluster.text)", reason: "there is neither a segment nor a snapshot of it")
    }

    /// What stands in the object that a line begins with, its first segment or a snapshot says as well.
    private static func mendBeginning(_ line: ArchiveLine, _ mended: MendedTarget) async throws(ArchiveError) -> Bool {
        let name = line.names.beginning
        guard let record = try await beginning(line) else { return false }
        mended.note(ObjectDamage(object: name.description, offset: 0, reason: "it is missing"))
        mended.substitute(record.bytes, for: name)
        return true
    }

    private static func beginning(_ line: ArchiveLine) async throws(ArchiveError) -> EpochRecord? {
        if let kept = try await line.kept() { return kept.epoch }
        func record(_ place: ArchivePlace, _ time: Timestamp) -> EpochRecord {
            EpochRecord(
                cluster: line.cluster, epoch: place.epoch, parent: nil, fork: place.revision, chain: place.chain,
                holder: unknown, time: time)
        }
        for name in try await line.target.list(under: line.names.log, after: nil, limit: 16) {
            guard let bytes = try await line.target.read(name, limit: Limits.segmentObjectBytes),
                let segment = try? Segment(bytes, named: name.description), segment.header.cluster == line.cluster
            else { continue }
            let header = segment.header
            return record(
                ArchivePlace(
                    epoch: header.epoch, revision: Revision(rawValue: header.first.rawValue - 1),
                    chain: header.previous),
                segment.footer.times.lowerBound)
        }
        for id in try await line.snapshots().reversed() {
            if let manifest = try? await line.manifest(id) { return record(manifest.anchor, manifest.head.time) }
        }
        return nil
    }

    /// The line as it is from a snapshot on, as if what was before had been removed. ``leave(_:)`` ends that.
    func history(from snapshot: SnapshotManifest) async throws -> (ArchiveHistory, ArchiveName) {
        var number: Int64 = 1
        while try await mended.read(line.names.kept(number), limit: Limits.segmentObjectBytes) != nil { number += 1 }
        let (anchor, name) = (snapshot.anchor, line.names.kept(number))
        let known = front.stretches.map(\.record).last { $0.epoch == anchor.epoch && $0.fork <= anchor.revision }
        let epoch =
            known
            ?? EpochRecord(
                cluster: line.cluster, epoch: anchor.epoch, parent: nil, fork: anchor.revision, chain: anchor.chain,
                holder: Self.unknown, time: snapshot.head.time)
        let record = KeptRecord(number: number, epoch: epoch, revision: anchor.revision, chain: anchor.chain)
        mended.substitute(record.bytes, for: name)
        do {
            return (try await Self.history(line, mended), name)
        } catch {
            leave(name)
            throw error
        }
    }

    /// The line is read from its own beginning again.
    func leave(_ name: ArchiveName) { mended.substitute(nil, for: name) }
}
