internal import Metastore
internal import MetastoreModel

/// What lies in an archive, sorted into what goes and what stays.
struct RetentionInventory {
    let line: ArchiveLine
    let history: ArchiveHistory
    /// Every snapshot that was listed.
    let all: [SnapshotID]

    /// An object of the line, or a merged segment.
    private struct LineObject {
        let item: RetentionPlan.Item
        let epoch: Int64
        /// Of one in the line its first revision, since no beginning is inside of it; of a merged one its last.
        let last: Int64
        let isEpoch: Bool

        /// Nothing of it comes after a place.
        func stands(before place: ArchivePlace) -> Bool {
            epoch < place.epoch.number || epoch == place.epoch.number && last <= place.revision.rawValue
        }
    }

    func plan(_ choice: RetentionChoice, _ lostLabels: [String]) async throws(ArchiveError) -> RetentionPlan {
        let objects = try await lineObjects()
        let parts = try await parts()
        var result: RetentionPlan?
        for (base, reasons) in choice.beginnings {
            let plan = plan(choice, base, reasons, objects, parts, lostLabels)
            result = plan
            if !plan.isOverBytes { break }
        }
        guard let result else { preconditionFailure("there is always a beginning") }
        return result
    }

    private func plan(
        _ choice: RetentionChoice, _ base: SnapshotManifest?, _ reasons: [RetentionPlan.Reason],
        _ objects: [LineObject], _ parts: [ArchiveName], _ lostLabels: [String]
    ) -> RetentionPlan {
        let start = base.map { $0.anchor } ?? history.start
        let staying = choice.staying(base)
        let stayingIDs = Set(staying.map(\.id))
        let usable = Set(choice.snapshots.map(\.id))
        // One that the history can't begin with goes once the history begins later.
        let goingIDs = all.filter { id in
            !stayingIDs.contains(id) && (usable.contains(id) || id.revision < start.revision)
        }
        var going: [RetentionPlan.Item] = goingIDs.map { .init(name: line.names.manifest($0), bytes: 0) }
        going += partsGoing(choice, start, staying, parts)
        going += objects.filter { !$0.isEpoch && $0.stands(before: start) }.map(\.item)
        let bytes =
            objects.reduce(0) { $0 + $1.item.bytes } + choice.snapshots.reduce(0) { $0 + $1.storedBytes }
        let left = bytes - going.reduce(0) { $0 + $1.bytes }
        let record = base.flatMap { base in
            history.stretches.last { $0.record.epoch == base.anchor.epoch }.map { stretch in
                KeptRecord(
                    number: (history.kept?.number ?? 0) + 1, epoch: stretch.record, revision: base.anchor.revision,
                    chain: base.anchor.chain)
            }
        }
        return RetentionPlan(
            start: record, base: base?.id, snapshots: goingIDs, going: going, staying: staying.map(\.id),
            reasons: reasons, lostLabels: lostLabels, bytes: bytes,
            isOverBytes: choice.policy.bytes.map { left > $0 } ?? false)
    }

    /// Parts that no manifest names, and none can come to: of snapshots that go, and of attempts that came second.
    private func partsGoing(
        _ choice: RetentionChoice, _ start: ArchivePlace, _ staying: [SnapshotManifest], _ parts: [ArchiveName]
    ) -> [RetentionPlan.Item] {
        var sizes: [ArchiveName: Int] = [:]
        var own: Set<ArchiveName> = []
        for manifest in choice.snapshots {
            for (number, part) in manifest.parts.enumerated() {
                let name = line.names.part(manifest.id, attempt: manifest.attempt, number: number)
                sizes[name] = part.stored
                own.insert(name)
            }
        }
        let kept = Set(staying.map(\.id))
        return parts.compactMap { name in
            guard let id = SnapshotID(words: name.words.dropFirst()) else { return nil }
            let isGoing =
                own.contains(name)
                ? !kept.contains(id) : kept.contains(id) || id.revision < start.revision
            return isGoing ? RetentionPlan.Item(name: name, bytes: sizes[name] ?? 0) : nil
        }
    }

    // MARK: What is there

    private func lineObjects() async throws(ArchiveError) -> [LineObject] {
        var found: [LineObject] = []
        try await line.target.forEachName(under: line.names.log) { (name) throws(ArchiveError) in
            guard let place = line.names.log(name),
                let bytes = try await line.target.read(name, limit: Limits.segmentObjectBytes)
            else { return }
            found.append(
                LineObject(
                    item: RetentionPlan.Item(name: name, bytes: bytes.count), epoch: place.epoch,
                    last: place.first.rawValue, isEpoch: bytes.starts(with: EpochRecord.magic)))
        }
        try await line.target.forEachName(under: line.names.merged) { (name) throws(ArchiveError) in
            guard let place = line.names.merged(name),
                let bytes = try await line.target.read(name, limit: Limits.segmentObjectBytes)
            else { return }
            found.append(
                LineObject(
                    item: RetentionPlan.Item(name: name, bytes: bytes.count), epoch: place.epoch,
                    last: place.revisions.upperBound, isEpoch: false))
        }
        return found
    }

    private func parts() async throws(ArchiveError) -> [ArchiveName] {
        var found: [ArchiveName] = []
        try await line.target.forEachName(under: line.names.snapshots) { (name) throws(ArchiveError) in
            if name.words.count == 6 { found.append(name) }
        }
        return found
    }
}
