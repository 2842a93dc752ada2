package import MetastoreCommandLine
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
package import MetastoreTerminal

/// What `archive` did.
package struct ArchiveReport: CommandReport {
    package let store: String
    package let archive: String
    package let cluster: String
    /// What was archived before.
    package let began: Int64
    /// What is archived now.
    package let revision: Int64
    package let segments: Int
    /// Of records, before compression.
    package let bytes: Int
    /// Revisions that are committed and not archived.
    package let missing: Int64
    package let seconds: Double

    /// Of one line: those before it were, too.
    package static var isOneLine: Bool { true }
    package var exitStatus: ExitStatus { missing == 0 ? .success : .no }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        fields.add("archive", archive)
        fields.add("cluster", cluster)
        fields.add(
            "archived",
            "\(Shown.count(Int(revision - began), "revision")), through revision \(revision): "
                + "\(Shown.count(segments, "segment")) of \(Shown.bytes(bytes)) in "
                + Shown.duration(.seconds(seconds)), .green)
        if missing > 0 {
            fields.add("missing", "\(Shown.count(Int(missing), "revision")) are committed and not archived", .red)
        }
        return fields.lines(style)
    }
}

/// Where `archive` is.
package struct ArchiveMoment: CommandReport {
    let time: String
    /// `opening`, `archiving`, `retrying`, `alarm`, `stopped`.
    let state: String
    let revision: Int64?
    let lagRevisions: Int?
    let lagBytes: Int?
    let lagSeconds: Double?
    let reason: String?

    package static var isOneLine: Bool { true }

    /// What of a status is worth a line when it changes.
    struct Sight: ChangingSight {
        let state: String
        let reason: String?
        let revision: Int64?
        let lag: ArchiveLag?

        var key: String { state + (reason ?? "") }

        init(_ status: ArchiverStatus) {
            (revision, lag) = (status.archived?.rawValue, status.lag)
            switch status.state {
            case .stopped: (state, reason) = ("stopped", nil)
            case .opening: (state, reason) = ("opening", nil)
            case .following: (state, reason) = ("archiving", nil)
            case .retrying(let why): (state, reason) = ("retrying", why)
            case .alarm(let error): (state, reason) = ("alarm", "\(error)")
            }
        }
    }

    init(_ sight: Sight) {
        time = TimeSource.system.now().description
        (state, revision, reason) = (sight.state, sight.revision, sight.reason)
        (lagRevisions, lagBytes, lagSeconds) = (sight.lag?.revisions, sight.lag?.bytes, sight.lag?.age.inSeconds)
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var text = "\(time.toTheSecond) \(state)"
        if let revision { text += ", revision \(revision) archived" }
        if let lagRevisions, lagRevisions > 0 {
            text += ", \(Shown.count(lagRevisions, "revision")) (\(Shown.bytes(lagBytes ?? 0))) behind"
        }
        if let reason { text += ": \(reason)" }
        return [text]
    }
}
