// Invariants
// 1. The archive is only read, and nothing is left beside it or elsewhere.
// 2. What is shown is one verified state; where it comes from, and what is damaged or missing, is always said.

internal import FoundationEssentials
internal import Metastore
package import MetastoreCommandLine
internal import MetastoreEngine
package import MetastoreInspection
package import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTerminal

/// Reads archives for the inspector: a state is rebuilt by a restore, and looked at like a store.
package struct ArchiveInspector: ArchiveReader {
    /// Bytes of an archive that may be rebuilt in memory; above, a folder in TMPDIR is used.
    package var memoryBytes = RebuildPlace.memoryBytes
    /// Signals end the process, and what it made for a while goes first.
    package var endsOnSignals: Bool
    private let now: @Sendable () -> Timestamp

    package init(
        endsOnSignals: Bool = true, now: @escaping @Sendable () -> Timestamp = { TimeSource.system.now() }
    ) {
        (self.endsOnSignals, self.now) = (endsOnSignals, now)
    }

    package func open(
        _ archive: FoundArchive, at point: String?, screen: CommandScreen
    ) throws -> any RebuiltArchive {
        do {
            let inspected = try InspectedArchive(archive, at: point, self, screen)
            screen.clear()
            return inspected
        } catch {
            screen.clear()
            throw CommandFailure(replicating: error, at: archive.path)
        }
    }

    fileprivate func time() -> Timestamp { now() }
}

/// One archive, and one state of it.
final class InspectedArchive: RebuiltArchive {
    let inspection: Inspection
    let past: Revision?
    let archive: FoundArchive
    let options: ArchiveInspector
    let screen: CommandScreen
    let target: WatchedTarget
    let survey: ArchiveSurvey
    let state: RebuiltState
    /// What was read until the state was there.
    let read: WatchedTarget.Reading

    init(_ archive: FoundArchive, at text: String?, _ options: ArchiveInspector, _ screen: CommandScreen) throws {
        (self.archive, self.options, self.screen) = (archive, options, screen)
        guard let cluster = UUID(uuidString: archive.cluster) else {
            throw CommandFailure(.missing, "\(archive.path) is not called by a cluster's id.")
        }
        let wanted = try text.map { text in
            guard let point = RestorePoint(argument: text) else {
                throw CommandFailure(
                    .usage,
                    "--at '\(text)' is neither a revision, a time nor a label. Write 1234, 2026-11-21T03:00:00Z, or "
                        + "label:NAME.")
            }
            return point
        }
        let target = WatchedTarget(try DirectoryTarget(inspecting: archive.root), screen.reading("read"))
        let survey = try OneThread.run { try await ArchiveSurvey(target, of: cluster) }
        let point = try OneThread.run { try await survey.resolved(wanted?.point ?? .newest, at: archive.path) }
        let progress = screen.restoring("rebuild")
        let (state, after, inspection) = try RebuildPlace.lend(
            forArchiveBytes: target.read.bytes + survey.later.reduce(0) { $0 + $1.storedBytes },
            hasImages: survey.hasImages, options
        ) { place in
            let (state, after) = try OneThread.run {
                var rebuilding = ArchiveRebuilding(survey, in: place, progress)
                do {
                    let state = try await rebuilding.run(to: point.point)
                    return (state, rebuilding.survey)
                } catch ArchiveError.missing(let what, let reason) where rebuilding.survey.isBroken {
                    throw rebuilding.survey.gap(what, reason)
                }
            }
            if let link = point.link, state.report.state.chain != link {
                throw ArchiveError.forked(object: "label \(text ?? "")", after: state.history.start.revision)
            }
            if state.report.state.revision == .absent, after.isBroken { throw after.nothing }
            let said = ArchiveWords(
                archive, after, state, isNewest: point.point == Restore.Point.newest, now: options.time())
            for warning in said.warnings { screen.say("warning: \(warning)") }
            let inspection = try Inspection.open(
                rebuilt: try place.made(), from: archive.path, said.verdict,
                notices: [said.source(target.read)] + said.notices)
            return (state, after, inspection)
        }
        (self.target, self.survey, self.state, self.inspection) = (target, after, state, inspection)
        read = target.read
        past = point.point == .newest ? nil : state.report.state.revision
    }
}

extension ArchiveSurvey {
    /// A label's revision, and the link that the label says it has; other points as they are.
    fileprivate func resolved(
        _ point: Restore.Point, at place: String
    ) async throws -> (point: Restore.Point, link: [UInt8]?) {
        guard case .label(let name) = point else { return (point, nil) }
        guard let label = try await Labels(line).label(name) else {
            throw await CommandFailure(noLabel: name, in: line, at: place)
        }
        return (.revision(label.revision), label.chain)
    }

    /// Nothing that is left can be proven.
    fileprivate var nothing: CommandFailure {
        let damages = mended.damages.prefix(ArchiveWords.named).map { "  \($0)" }.joined(separator: "\n")
        return CommandFailure(
            .damaged,
            "nothing of this archive can be proven: the line breaks off before its first revision, and no snapshot is "
                + "whole. Nothing of it was changed; look for a copy of it. Damaged or missing:\n\(damages)")
    }

    /// Why a point of a broken line can't be shown.
    fileprivate func gap(_ what: String, _ reason: String) -> CommandFailure {
        let damage = mended.damages.first.map { ": \($0)" } ?? ""
        return CommandFailure(
            .damaged,
            "\(what) can't be shown: \(reason). The archive's line is broken after revision "
                + "\(front.end.revision)\(damage). Nothing of it was changed; look for a copy of the archive that has "
                + "it whole.")
    }
}
