// Invariants
// 1. Where the archive ends is found by following its line object by object, each compared with the store's own log and
//    epochs. A hint where to begin counts only if an object stands after it that was written by whoever had the store's
//    link there, and only if that place is kept: retention frees names, and this store may have taken one.
// 2. What is found to be archived leads to a link of this store's log: so all of it is this store's history.
// 3. That the archive has more than the store counts only by a later look at the store: another archiver may be at work
//    on the same store.

internal import Metastore
internal import MetastoreModel

/// Finds where in an archive a store's history ends.
struct ArchiveApproach {
    let store: Metastore
    let line: ArchiveLine
    let ahead: ArchiveAheadPolicy

    /// Where the line goes on.
    struct Found: Sendable {
        let end: ArchivePlace
        /// Before the last object of the line that is this store's: what stands after it proves it. Nil where there is
        /// none.
        let hint: ArchivePlace?
        /// How many objects were read.
        let objects: Int
    }

    /// - Parameter hint: a place that was before an object of this store's history. A list of names has another, often
    ///   a later one: what was promoted knows only where its leader's archiver once stood.
    /// - Returns: nil where there is no archive.
    /// - Throws: ``ArchiveError``: `forked`, `fenced`, `behind` and `gap` are for good. `StoreError`.
    func find(after hint: Position?) async throws -> Found? {
        var kept: KeptRecord?
        let hints = [hint, try await listedHint()].compactMap(\.self).sorted { $0.revision > $1.revision }
        for hint in hints {
            guard let place = try await place(of: hint), let found = try await walk(from: place, isProven: false) else {
                continue
            }
            kept = try await line.kept()
            if kept.map({ !$0.isBeyond(place) }) ?? true { return found }
        }
        guard let beginning = try await line.beginning() else { return nil }
        // What is before was removed by retention: the line goes on from there.
        kept = try await line.kept(after: kept)
        let (epoch, start) = (kept?.epoch.epoch ?? beginning.epoch, kept?.start ?? beginning.start)
        let lineage = try await store.lineage()
        let link = try await store.link(of: start.revision)
        guard lineage.contains(beginning.epoch), lineage.contains(epoch), link == nil || link == start.chain else {
            throw ArchiveError.forked(object: "\(line.names.beginning)", after: .absent)
        }
        return try await walk(from: start, isProven: true)
    }

    /// Before the newest object of this store's epochs that a list of names has; nil where there is none, or the store
    /// has no link there.
    private func listedHint() async throws -> Position? {
        let (lineage, head) = (try await store.lineage(), try await store.logHead().revision)
        for epoch in lineage.epochs.reversed() {
            let last = lineage.end(of: epoch) ?? head
            guard let first = try await line.listed(upTo: last, of: epoch.epoch, after: epoch.fork) else { continue }
            let before = Revision(rawValue: first.rawValue - 1)
            guard let chain = try await store.link(of: before) else { return nil }
            return Position(
                cluster: line.cluster, epoch: epoch.epoch, revision: before, chainPrefix: Position.prefix(of: chain))
        }
        return nil
    }

    /// The hint with the store's own link; nil where the store has none.
    private func place(of hint: Position) async throws -> ArchivePlace? {
        guard let chain = try await store.link(of: hint.revision), Position.prefix(of: chain) == hint.chainPrefix else {
            return nil
        }
        return ArchivePlace(epoch: hint.epoch, revision: hint.revision, chain: chain)
    }

    /// - Returns: nil where nothing proves that the line goes through the place.
    private func walk(from start: ArchivePlace, isProven: Bool) async throws -> Found? {
        var (place, hint, objects) = (start, ArchivePlace?.none, 0)
        var walk = Walk(look: try await look())
        while let object = try await line.object(after: place) {
            if objects == 0, !isProven, case .segment(let first) = object, !first.follows(place) { return nil }
            objects += 1
            if walk.isBehind(object) { walk.look = try await look() }
            let isOurs = !walk.isAhead
            switch object {
            case .epoch(let record):
                try walk.take(record, at: place, line)
                if isOurs { hint = place }
                place = record.start
            case .segment(let segment):
                let shared = min(segment.header.last, walk.look.head)
                try walk.take(segment, at: place, try await store.link(of: shared), of: shared, line)
                if isOurs { hint = place }
                place = segment.end
            }
        }
        guard objects > 0 || isProven else { return nil }
        if let common = walk.common {
            guard ahead == .leaveBehind else { throw ArchiveError.behind(after: common) }
            return Found(end: place, hint: nil, objects: objects)
        }
        guard let link = try await store.link(of: place.revision) else {
            throw place.revision > walk.look.head
                ? ArchiveError.behind(after: walk.look.head)
                : ArchiveError.gap(after: place.revision, through: try await store.lineage().compacted)
        }
        guard link == place.chain else {
            throw ArchiveError.forked(object: "\(line.names.beginning)", after: start.revision)
        }
        return Found(end: place, hint: hint, objects: objects)
    }

    private func look() async throws -> StoreLook {
        StoreLook(head: try await store.logHead().revision, lineage: try await store.lineage())
    }
}

/// A store's history, as it was known last.
private struct StoreLook {
    /// The newest revision.
    let head: Revision
    let lineage: HistoryLineage
}

/// What was met on the way, compared with the store's history.
private struct Walk {
    var look: StoreLook
    /// The last revision of the epoch that is this store's, once the archive goes beyond it.
    var common: Revision?
    var isAhead: Bool { common != nil }

    /// The store had none of it when it was looked at.
    func isBehind(_ object: ArchiveObject) -> Bool {
        switch object {
        case .epoch(let record): !look.lineage.epochs.contains { $0.epoch.number >= record.epoch.number }
        case .segment(let segment): segment.header.last > look.head
        }
    }

    /// - Throws: `fenced` for an epoch that this store never was in.
    mutating func take(_ record: EpochRecord, at place: ArchivePlace, _ line: ArchiveLine) throws(ArchiveError) {
        guard let own = look.lineage.epochs.first(where: { $0.epoch == record.epoch }) else {
            throw .fenced(epoch: record.epoch.number, holder: record.holder, after: record.fork)
        }
        guard own.fork == record.fork, own.chain == record.chain else {
            throw .forked(object: "\(line.foundName(after: place))", after: record.fork)
        }
        // What was beyond it was left behind before.
        common = nil
    }

    /// - Parameter link: of its last revision that the store has, too, as the store has it.
    mutating func take(
        _ segment: Segment, at place: ArchivePlace, _ link: [UInt8]?, of shared: Revision, _ line: ArchiveLine
    ) throws(ArchiveError) {
        let forked = ArchiveError.forked(object: "\(line.foundName(after: place))", after: place.revision)
        guard segment.follows(place) else { throw forked }
        let next = look.lineage.epochs.first { $0.epoch.number > segment.header.epoch.number }
        if let next, segment.header.last > next.fork {
            // This store went on in another epoch before.
            if !isAhead, segment.link(of: next.fork) != next.chain { throw forked }
            common = next.fork
            return
        }
        if let link, let found = segment.link(of: shared), link != found { throw forked }
        if segment.header.last > look.head { throw .behind(after: look.head) }
    }
}
