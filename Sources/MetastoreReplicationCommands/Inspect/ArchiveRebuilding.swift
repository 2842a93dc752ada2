// Invariants
// 1. What is shown was restored: every row, digest and link is verified, and nothing of a damaged object is in it.
// 2. Where the line is whole, its end is the newest state. Where it is broken, the newest one that stands on its own
//    is: of the latest epoch, then revision; a snapshot of a history that was left behind never is.
// 3. A point that was asked for is shown, or it is said why it can't be.

internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreReplication

/// A state of an archive, restored into a scratch place.
struct RebuiltState: Sendable {
    let report: RestoreReport
    /// The line that it was restored from: the archive's, up to where it breaks, or the one from a later snapshot on.
    let history: ArchiveHistory
    /// It stands behind a break of the line.
    let isBeyondBreak: Bool
    /// It is what the snapshot has: the line doesn't lead to it.
    let isSnapshotAlone: Bool
    /// Snapshots that weren't taken, and why.
    let passedOver: [String]
}

/// Restores a state of an archive that may be damaged.
struct ArchiveRebuilding: Sendable {
    private(set) var survey: ArchiveSurvey
    private let place: RebuildPlace
    private let progress: @Sendable (RestoreProgress) -> Void
    private var passedOver: [String] = []

    init(
        _ survey: ArchiveSurvey, in place: RebuildPlace, _ progress: @escaping @Sendable (RestoreProgress) -> Void
    ) {
        (self.survey, self.place, self.progress) = (survey, place, progress)
    }

    /// - Throws: ``ArchiveError``: `missing` for a point that isn't there, `damaged` where nothing can be proven.
    mutating func run(to point: Restore.Point) async throws -> RebuiltState {
        for snapshot in survey.later where isWanted(snapshot, point) {
            do {
                if let state = try await beyond(snapshot, point) { return state }
            } catch let error as ArchiveError {
                try passOver(snapshot.id, error)
            } catch StoreError.damaged(let place, let reason) {
                passedOver.append("\(snapshot.id): \(place): \(reason)")
            }
        }
        try await survey.again()
        let report = try await attempt { [survey, place, progress] in
            try await Restore(survey.line, Self.options).run(to: place.source, at: point, progress)
        }
        try await survey.again()
        try await tellPassedOver(report)
        return RebuiltState(
            report: report, history: survey.front, isBeyondBreak: false, isSnapshotAlone: false,
            passedOver: passedOver)
    }

    /// The line, where it is whole, says more than a snapshot that is ahead of it: its log leads there.
    private func isWanted(_ snapshot: SnapshotManifest, _ point: Restore.Point) -> Bool {
        switch point {
        case .newest: survey.isBroken
        case .revision(let revision): revision > survey.front.end.revision && snapshot.head.revision <= revision
        case .time(let time): survey.isBroken && snapshot.head.time <= time
        case .label: false
        }
    }

    private mutating func passOver(_ id: SnapshotID, _ error: ArchiveError) throws {
        switch error {
        case .damaged(let object, let offset, let reason):
            survey.mended.note(ObjectDamage(object: object, offset: offset, reason: reason))
            passedOver.append("\(id) is damaged")
        case .missing, .expired, .forked: passedOver.append("\(id): \(error)")
        default: throw error
        }
    }

    /// Of those that the line doesn't lead to nothing is said: they are of histories that were left behind.
    private mutating func tellPassedOver(_ report: RestoreReport) async throws {
        for (id, reason) in report.passedOver.sorted(by: { $0.key.revision > $1.key.revision })
        where id.revision <= report.state.revision {
            if let damage = try await survey.damage(of: id) {
                survey.mended.note(damage)
            } else if reason.contains("is damaged") {
                let object = survey.line.names.manifest(id).description
                survey.mended.note(ObjectDamage(object: object, offset: 0, reason: reason))
            } else {
                continue
            }
            passedOver.append("\(id) is damaged")
        }
    }

    /// A state that a later snapshot, and what follows it, lead to; nil where that isn't the archive's history.
    private mutating func beyond(_ snapshot: SnapshotManifest, _ point: Restore.Point) async throws -> RebuiltState? {
        let (history, name) = try await survey.history(from: snapshot)
        defer { survey.leave(name) }
        var isLedTo = history.contains(snapshot.id.epoch, snapshot.id.revision)
        if isLedTo { isLedTo = try await history.link(at: snapshot.id.revision) == snapshot.head.chain }
        if !isLedTo, history.end.epoch.number > snapshot.id.epoch {
            passedOver.append("\(snapshot.id) is of a history that was left behind")
            return nil
        }
        let isAlone = !isLedTo
        if isAlone, case .revision(let revision) = point, revision != snapshot.id.revision { return nil }
        let report = try await attempt { [survey, place, progress] in
            let restore = Restore(survey.line, Self.options)
            guard isAlone else { return try await restore.run(to: place.source, at: point, progress) }
            return try await restore.run(to: place.source, from: snapshot, beside: history, progress)
        }
        return RebuiltState(
            report: report, history: isAlone ? history : try await ArchiveSurvey.history(survey.line, survey.mended),
            isBeyondBreak: survey.isBroken, isSnapshotAlone: isAlone, passedOver: passedOver)
    }

    /// Once more without each object of the line that turns out to be damaged when it is put together.
    private func attempt(_ body: @Sendable () async throws -> RestoreReport) async throws -> RestoreReport {
        while true {
            do {
                return try await body()
            } catch let error as ArchiveError {
                guard survey.mended.leaveOut(error) else { throw error }
            }
        }
    }

    private static var options: Restore.Options {
        var options = Restore.Options()
        (options.purpose, options.damagedSnapshot) = (.replica, .takeEarlier)
        return options
    }
}
