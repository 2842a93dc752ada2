// Invariants
// 1. What metastore-replicate verify finds is found here, in the same words: the whole of what is kept is rebuilt.
// 2. Damage that ends such a rebuilding doesn't keep the rest from being looked at, object by object.

internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreReplication

extension InspectedArchive {
    func check(_ depth: StoreCheck.Depth) throws -> [ArchiveFinding.Item] {
        do {
            defer { screen.clear() }
            let rebuilding = depth == .full ? try rebuilt() : nil
            let survey = survey
            try OneThread.run { try await survey.lookAtLabels() }
            if depth == .full { try OneThread.run { try await survey.lookAtSnapshots() } }
            return items(depth, rebuilding)
        } catch {
            throw CommandFailure(replicating: error, at: archive.path)
        }
    }

    private func items(_ depth: StoreCheck.Depth, _ rebuilding: ArchiveError?) -> [ArchiveFinding.Item] {
        var damages = survey.mended.damages
        if case .damaged(let object, let offset, let reason) = rebuilding {
            let damage = ObjectDamage(object: object, offset: offset, reason: reason)
            if !damages.contains(where: { $0.object == object }) { damages.append(damage) }
        }
        var items = [
            ArchiveFinding.Item(
                "every object of the archive is what was written",
                damages.map { damage in
                    let place = damage.offset > 0 ? "it is damaged at byte \(damage.offset): " : ""
                    return ArchiveFinding(damage.object, place + damage.reason)
                }),
            ArchiveFinding.Item(
                "the archive's line leads to every object",
                survey.unreachable.map { ArchiveFinding($0.description, "what leads to it is missing or damaged") }),
        ]
        if depth == .full {
            let findings = rebuilding.map { [ArchiveFinding(archive.path, "\($0)")] } ?? []
            items.append(ArchiveFinding.Item("all that the archive keeps can be rebuilt", findings))
        }
        return items
    }

    /// Rebuilds all that is kept.
    ///
    /// - Returns: what is wrong with it; nil where nothing is.
    private func rebuilt() throws -> ArchiveError? {
        let (cluster, target, progress) = (survey.line.cluster, target, screen.restoring("verify"))
        return try RebuildPlace.lend(
            forArchiveBytes: read.bytes, hasImages: survey.hasImages, options
        ) { place in
            try OneThread.run {
                do {
                    _ = try await ArchiveCheck(ArchiveLine(target, of: cluster)).run(in: place.discarded, progress)
                    return nil
                } catch let error as ArchiveError {
                    switch error {
                    case .damaged, .missing, .tooLarge, .forked, .expired: return error
                    default: throw error
                    }
                }
            }
        }
    }
}

extension ArchiveSurvey {
    fileprivate func lookAtLabels() async throws {
        let line = line
        _ = try await mending { try await Labels(line).all() }
    }

    fileprivate func lookAtSnapshots() async throws {
        for id in try await line.snapshots() {
            if let damage = try await damage(of: id) { mended.note(damage) }
        }
    }
}
