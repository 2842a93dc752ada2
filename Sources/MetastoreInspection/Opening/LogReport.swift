internal import MetastoreSQLite
internal import MetastoreTerminal

/// What lies in the write-ahead log beside a database, and how much of it is shown.
package struct LogReport: Sendable, Hashable {
    /// Whole commits.
    package let commits: Int
    /// Frames up to the flaw, or all: a frame is a page of the database.
    package let frames: Int
    /// So many of the commits are shown.
    package let shownCommits: Int
    /// Where the log can't be read on, and how much is not shown for it; nil where it is whole.
    package let flaw: String?

    /// Nil where there is no log, or nothing in it.
    init?(_ file: FrozenFile) {
        guard let log = file.log else { return nil }
        commits = log.commits.count
        frames = log.frameCount
        shownCommits = file.shownCommits
        flaw = log.flaw.map { Self.words($0, log) }
    }

    private static func words(_ flaw: LogFrames.Flaw, _ log: LogFrames) -> String {
        switch flaw {
        case .header(let reason):
            "its header can't be read (\(reason.isEmpty ? "its checksum is wrong" : reason)): nothing in it is shown"
        case .checksum(let frame):
            "frame \(frame) of \(log.frameCount + log.framesAfterFlaw) has a bad checksum: "
                + "\(Shown.count(log.framesAfterFlaw, "frame")), about "
                + "\(Shown.count(log.commitsAfterFlaw, "commit")), not shown"
        case .cut(let frame): "it ends inside frame \(frame): that frame, and what came after it, is not shown"
        }
    }
}

extension LogReport: CustomStringConvertible {
    /// One line.
    package var description: String {
        let shown = shownCommits == commits ? "" : ", \(shownCommits) of them shown"
        return "\(Shown.count(commits, "commit")) in \(Shown.count(frames, "frame"))\(shown)"
            + (flaw.map { "; \($0)" } ?? "")
    }
}
