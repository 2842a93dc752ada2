// Invariants
// 1. The line isn't read from its beginning: it is entered at the segment that holds the follower's own link, and no
//    other proof is asked for. A follower whose link it lacks is of another history: that is no damage of the archive.
// 2. What is given away goes on from the follower's link, and is of the history that the newest epoch goes on from.
// 3. What retention removed is told, and never taken for the end; nor is what somebody put under its name since.

package import FoundationEssentials
package import Metastore
package import MetastoreEngine
package import MetastoreModel

/// An archive as a source. It is looked at now and then: nobody tells of a new object.
package actor ArchiveLogSource: LogSource {
    private let line: ArchiveLine
    private let polling: Duration
    /// Where the last answer ended. Several followers may ask: what one is told follows from its own call alone.
    private var known: (at: LogPlace, entry: Entry)?
    /// Where the kept history begins, as far as that was looked at.
    private var kept: KeptRecord?

    /// Where the line goes on from a follower's place, and what is known of the epochs after it.
    private struct Entry {
        var place: ArchivePlace
        var route: ArchiveRoute
    }

    package nonisolated var place: String { line.target.place }

    package init(_ line: ArchiveLine, polling: Duration) {
        self.line = line
        self.polling = polling
    }

    package nonisolated func cluster() async throws(LogSourceError) -> UUID { line.cluster }

    package nonisolated func fill(
        _ place: EngineSource, of cluster: UUID, _ options: StoreOptions,
        _ progress: @escaping @Sendable (RestoreProgress) -> Void
    ) async throws -> Position {
        guard cluster == line.cluster else { throw LogSourceError.otherCluster }
        var how = Restore.Options()
        (how.purpose, how.store) = (.replica, options)
        do {
            return try await Restore(line, how).run(to: place, at: .newest, progress).position
        } catch let error as ArchiveError {
            throw LogSourceError(error)
        }
    }

    package func next(after place: LogPlace, waiting: Duration) async throws(LogSourceError) -> SourceAnswer {
        guard place.position.cluster == line.cluster else { throw .otherCluster }
        let end = ContinuousClock.now + waiting
        do {
            while true {
                if let part = try await part(after: place) {
                    let newest = part.records.last?.revision ?? place.revision
                    return SourceAnswer(parts: [part], newest: newest)
                }
                guard ContinuousClock.now < end else { return SourceAnswer(parts: [], newest: place.revision) }
                try await Task.sleep(for: min(polling, max(.milliseconds(1), end - .now)))
            }
        } catch {
            // Whatever is known of the line is looked at anew.
            known = nil
            throw LogSourceError(error)
        }
    }

    /// The next records; nil at the line's end.
    private func part(after place: LogPlace) async throws -> LogPart? {
        var entry: Entry
        if let known, known.at == place { entry = known.entry } else { entry = try await enter(place) }
        while true {
            if let fork = entry.route.fork(before: place.revision, of: entry.place.epoch) { throw forked(at: fork) }
            if let next = end(of: entry.place, entry.route) {
                guard next.chain == entry.place.chain else { throw mismatch(entry.place) }
                entry.place = next.start
                continue
            }
            let object = try await line.object(after: entry.place)
            try await checkIsKept(place)
            switch object {
            case nil:
                known = (place, entry)
                return nil
            case .epoch(let record): entry.route.add(record)
            case .segment(let segment):
                guard segment.follows(entry.place) else { throw mismatch(entry.place) }
                return give(segment, after: place, entry.route)
            }
        }
    }

    /// The next epoch, where a place's own ends there.
    private func end(of place: ArchivePlace, _ route: ArchiveRoute) -> EpochRecord? {
        route.last(of: place.epoch) == place.revision ? route.next(after: place.epoch) : nil
    }

    /// What of a segment comes after a place, and still counts.
    private func give(_ segment: Segment, after place: LogPlace, _ route: ArchiveRoute) -> LogPart {
        let last = min(segment.header.last, route.last(of: segment.header.epoch) ?? segment.header.last)
        let records = segment.records.filter { $0.revision > place.revision && $0.revision <= last }
        let isToTheEnd = last == segment.header.last
        if let end = records.last {
            let next = ArchivePlace(epoch: segment.header.epoch, revision: last, chain: end.chain)
            known = (LogPlace(end, of: line.cluster), Entry(place: next, route: route))
        }
        return LogPart(
            cluster: line.cluster, previous: place.chain, records: records,
            digests: isToTheEnd ? segment.footer.digests : [:])
    }

    // MARK: Entering the line

    /// The place in the line that a follower's is in: its own, or the begin of the segment that its revision is in.
    private func enter(_ place: LogPlace) async throws -> Entry {
        try await checkIsKept(place)
        let start = try await start()
        guard start.revision < place.revision else { return try await entry(at: start, for: place) }
        let epoch = place.position.epoch
        var route = try await ArchiveRoute(line, from: epoch, after: place.revision)
        if let fork = route.fork(before: place.revision, of: epoch) { throw forked(at: fork) }
        let own = ArchivePlace(epoch: epoch, revision: place.revision, chain: place.chain)
        if let next = end(of: own, route) {
            if next.chain == own.chain { return Entry(place: next.start, route: route) }
        } else if try await goesOn(own) {
            return Entry(place: own, route: route)
        }
        // In the middle of a segment; or at the line's end; or on another history.
        var segment = try await line.segment(upTo: place.revision, of: epoch)
        var newest = segment?.header.last ?? .absent
        if segment?.header.epoch != epoch {
            // What the line has at this revision is of another epoch, if it has it.
            route = try await ArchiveRoute(line, allFrom: start)
            let home = route.place(before: place.revision, from: start)
            segment = try await line.segment(upTo: place.revision, of: home.epoch)
            newest = segment?.header.last ?? home.revision
        }
        guard let segment, newest >= place.revision else { throw LogSourceError.behind(newest: newest) }
        guard segment.link(of: place.revision) == place.chain else { throw forked(after: segment.start) }
        return Entry(place: place.revision < segment.header.last ? segment.start : segment.end, route: route)
    }

    /// Whether the line goes on from a place of a follower.
    private func goesOn(_ place: ArchivePlace) async throws(ArchiveError) -> Bool {
        do {
            switch try await line.object(after: place) {
            case .epoch: return true
            case .segment(let next): return next.follows(place)
            case nil: return false
            }
        } catch {
            // An epoch doesn't go on from another history. What is damaged is found again by whoever reads on.
            guard case .damaged = error else { throw error }
            return false
        }
    }

    /// What comes after a place may have been removed by retention: then the line doesn't end there.
    ///
    /// - Throws: `LogSourceError.compacted`.
    private func checkIsKept(_ place: LogPlace) async throws {
        kept = try await line.kept(after: kept)
        guard let kept, kept.revision > place.revision else { return }
        throw LogSourceError.compacted(oldest: position(kept.revision, kept.epoch.epoch, kept.chain))
    }

    /// Where the line begins, as far as it is kept.
    private func start() async throws -> ArchivePlace {
        if let kept { return kept.start }
        guard let beginning = try await line.beginning() else { throw LogSourceError.behind(newest: .absent) }
        return beginning.start
    }

    /// For whoever has what the line begins with, and no more. What came before is not here to be compared.
    private func entry(at start: ArchivePlace, for place: LogPlace) async throws -> Entry {
        guard place.revision == start.revision, place.revision == .absent || place.chain == start.chain else {
            throw LogSourceError.compacted(oldest: position(start.revision, start.epoch, start.chain))
        }
        return Entry(
            place: start, route: try await ArchiveRoute(line, from: start.epoch, after: start.revision))
    }

    private func forked(at record: EpochRecord) -> LogSourceError {
        forked(after: ArchivePlace(epoch: record.parent ?? record.epoch, revision: record.fork, chain: record.chain))
    }

    /// What retention left of a segment may begin before what is kept: nobody can go back to that.
    private func forked(after place: ArchivePlace) -> LogSourceError {
        let place = kept.map { $0.revision > place.revision ? $0.start : place } ?? place
        return .forked(lastCommon: position(place.revision, place.epoch, place.chain))
    }

    private func position(_ revision: Revision, _ epoch: Epoch, _ chain: [UInt8]) -> Position {
        Position(cluster: line.cluster, epoch: epoch, revision: revision, chainPrefix: chain)
    }

    private func mismatch(_ place: ArchivePlace) -> ArchiveError {
        .damaged(object: "\(line.foundName(after: place))", offset: 0, reason: "it doesn't follow what is before it")
    }

    // MARK: An archive has no rows

    package nonisolated func rowDigests(at position: Position) async throws(LogSourceError) -> [RecordKind: UInt128]? {
        nil
    }

    package nonisolated func sums(
        of kind: RecordKind, at position: Position
    ) async throws(LogSourceError) -> [UInt128] { throw .unavailable(reason: "an archive has no rows") }

    package nonisolated func hashes(
        of kind: RecordKind, in parts: Set<Int>, at position: Position, most: Int
    ) async throws(LogSourceError) -> [String: UInt128]? { throw .unavailable(reason: "an archive has no rows") }
}
