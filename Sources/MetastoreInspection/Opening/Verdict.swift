internal import Metastore
package import MetastoreModel
internal import MetastoreTerminal

/// What can be said of a store's files as a whole, from the files alone.
package enum Verdict: Sendable, Hashable {
    /// Closed as it should be: the mark is set, no log stands beside it, and the note kept beside it knows of nothing
    /// newer.
    case clean
    /// Everything up to the revision is there and hangs together. Later commits can be neither shown nor excluded.
    case notClosedCleanly(provenUpTo: Revision)
    /// Open, and read through its own locks: what was read is what was committed.
    case live
    /// Rebuilt from an archive, whole up to its end; what the master committed after that, nobody knows here.
    case archived(upTo: Revision)
    /// What is there contradicts itself, or is cut short.
    case damaged(reason: String)
}

extension Verdict: CustomStringConvertible {
    /// One line.
    package var description: String {
        switch self {
        case .clean: "clean"
        case .notClosedCleanly(let revision):
            "not closed cleanly: proven up to revision \(revision); later commits can be neither shown nor excluded"
        case .live: "live"
        case .archived(let revision):
            "archived: proven up to revision \(revision); later commits can be neither shown nor excluded"
        case .damaged(let reason): "damaged: \(reason)"
        }
    }
}

/// What was found of a store at rest, from which its verdict follows.
struct Evidence: Sendable, Hashable {
    let ends: ClosedStore.Ends
    let log: LogReport?
    /// The reader asked for an earlier state than the last.
    let isEarlier: Bool
    /// A transaction that was cut off was taken back.
    let isRolledBack: Bool
    let missingPages: Int
    let pages: Int
    /// What the database file says without its log; nil where it can't be read without.
    let fileAlone: ClosedStore.Ends?

    var verdict: Verdict {
        if let contradiction { return .damaged(reason: contradiction) }
        let isAtRest = log == nil && !isRolledBack && !isEarlier && !ends.isNoteOfOtherStore
        return ends.isMarkedClean && isAtRest ? .clean : .notClosedCleanly(provenUpTo: ends.revision)
    }

    private var contradiction: String? {
        if missingPages > 0 {
            return "it was cut short: \(missingPages) of its \(Shown.count(pages, "page")) are missing"
        }
        if !ends.isChained { return "the last record of its log isn't the one that its head row ends with" }
        if ends.isNoteOfOtherHistory {
            return "revision \(ends.revision) is another commit than the one that was durable here"
        }
        guard !isEarlier else { return nil }
        if let fileAlone, fileAlone.cluster != ends.cluster {
            return "the write-ahead log beside it is another store's. Look with --wal ignore"
        }
        if let fileAlone, fileAlone.revision > ends.revision {
            return
                "its write-ahead log ends at revision \(ends.revision), and the database file holds "
                + "\(fileAlone.revision) already: the two are of different moments"
        }
        guard let noted = ends.noted, noted > ends.revision else { return nil }
        let missing = Int(noted.rawValue - ends.revision.rawValue)
        return "revision \(noted) was durable here, and what is left ends at \(ends.revision): "
            + "\(Shown.count(missing, "commit")) \(missing == 1 ? "is" : "are") missing"
    }

    /// What the reader has to know besides, one sentence each.
    var notices: [String] {
        var notices: [String] = []
        if let flaw = log?.flaw { notices.append("its write-ahead log can't be read to its end: \(flaw)") }
        if isEarlier, let log {
            notices.append(
                "an earlier state is shown: \(log.shownCommits) of the \(Shown.count(log.commits, "commit")) in "
                    + "its write-ahead log")
        }
        if isRolledBack { notices.append("a transaction that was cut off is left out, as opening it would undo it") }
        if !ends.isMarkedClean, log == nil {
            notices.append(
                "it was not closed cleanly, and no write-ahead log lies beside it: the commits before the end "
                    + "may be missing. Look for the -wal file where it was copied from, or for a mount without its "
                    + "journal"
            )
        }
        if ends.isNoteOfOtherStore { notices.append("the note beside it (.head) is of another store") }
        return notices
    }
}
