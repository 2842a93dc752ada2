internal import Metastore
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTerminal

/// What is said of a rebuilt state: where it comes from, what is missing, and what that means.
struct ArchiveWords {
    private let archive: FoundArchive
    private let survey: ArchiveSurvey
    private let state: RebuiltState
    private let isNewest: Bool
    private let now: Timestamp
    private let damages: [ObjectDamage]

    /// More objects aren't named one by one.
    static let named = 20

    init(
        _ archive: FoundArchive, _ survey: ArchiveSurvey, _ state: RebuiltState, isNewest: Bool, now: Timestamp
    ) {
        (self.archive, self.survey, self.state, self.isNewest, self.now) = (archive, survey, state, isNewest, now)
        damages = survey.mended.damages
    }

    private var revision: Revision { state.report.state.revision }

    var verdict: Verdict {
        guard let first = damages.first else { return .archived(upTo: survey.front.end.revision) }
        let more = damages.count > 1 ? ", and \(Shown.count(damages.count - 1, "object")) more" : ""
        let shown =
            survey.isCutShort
            ? ". Its line of objects breaks off after revision \(survey.front.end.revision); shown is revision "
                + "\(revision)"
            : ". Its log is whole up to revision \(survey.front.end.revision)"
        return .damaged(reason: "\(first)\(more)\(shown)")
    }

    /// Where the state comes from.
    func source(_ read: WatchedTarget.Reading) -> String {
        let head = state.report.state
        let age = max(0, now.microseconds - head.time.microseconds)
        let way =
            state.isSnapshotAlone
            ? "what \(Self.name(state.report.snapshot)) has"
            : "\(Self.name(state.report.snapshot)) and \(Shown.count(Int(state.report.revisions), "revision")) after it"
        return "rebuilt from the archive \(archive.path): revision \(revision), committed \(head.time.shown) "
            + "(\(Shown.duration(.microseconds(age))) ago), from \(way); "
            + "\(Shown.count(read.objects, "object")), \(Shown.bytes(read.bytes)) read"
    }

    private static func name(_ snapshot: SnapshotID?) -> String {
        snapshot.map { "the \($0.form.word) snapshot at revision \($0.revision)" } ?? "the first revision"
    }

    /// What the reader has to know besides.
    var notices: [String] {
        var notices: [String] = []
        let end = state.history.end.revision
        if !isNewest, end > revision { notices.append("the archive goes on to revision \(end)") }
        if let ahead = survey.later.first, isNewest, !survey.isBroken, ahead.head.revision > revision {
            notices.append(
                "a snapshot at revision \(ahead.head.revision) is ahead of what was archived of the log: --at "
                    + "\(ahead.head.revision) shows it")
        }
        if state.isSnapshotAlone, state.report.snapshot?.form == .portable {
            notices.append("of the log there is nothing that leads to it: history, log and diff know its rows alone")
        }
        return notices
    }

    /// What is damaged or missing; said whatever is left out otherwise.
    var warnings: [String] {
        var warnings = damages.prefix(Self.named).map { "the archive is damaged: \($0)" }
        if damages.count > Self.named {
            warnings.append("and \(Shown.count(damages.count - Self.named, "object")) more (info names them)")
        }
        guard survey.isCutShort || state.isBeyondBreak else { return warnings }
        let (front, unreachable) = (survey.front.end.revision, lost)
        if let first = unreachable.first, let last = unreachable.last {
            warnings.append(
                "nothing leads to \(Shown.count(unreachable.count, "object")) beyond the break: \(first)"
                    + (unreachable.count > 1 ? " to \(last)" : ""))
        }
        if state.isBeyondBreak, let snapshot = state.report.snapshot {
            warnings.append(
                "the line is broken after revision \(front). Shown is revision \(revision): "
                    + "\(Self.name(snapshot)) is whole, and proves its rows. That it goes on from what is before the "
                    + "break can't be proven, and the commits in between can't be shown"
                    + (front > .absent ? "; --at \(front) shows the last state before it" : ""))
        } else if isNewest {
            warnings.append("shown is revision \(revision), the last before the break. What came later can't be proven")
        }
        return warnings
    }

    /// Objects that nothing leads to, without those that a later snapshot leads to.
    var lost: [String] {
        let names = survey.unreachable.map(\.description)
        guard state.isBeyondBreak else { return names }
        let line = survey.line
        let (from, to) = ("\(line.name(after: state.history.start))", "\(line.name(after: state.history.end))")
        return names.filter { $0 < from || $0 > to }
    }
}
