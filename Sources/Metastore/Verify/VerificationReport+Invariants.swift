extension VerificationReport {
    /// Every invariant that a verification makes sure of, by its name, in the order in which they are looked at.
    package static let invariants: [String] = ofRows + Rule.all.map(\.name)

    /// The invariant's name as one word, for scripts: `a-trial-has-an-experiment`.
    package static func id(of invariant: String) -> String {
        invariant.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: "-")
    }

    /// What isn't told by a query of its own.
    private static let ofRows = [
        "a row can be read",
        "a row reads as it is written",
        "a row has its hash",
        "a row's revisions are of this history",
        "a document counts its holders",
        "a document has a holder",
        "a document has its size",
        "a document has the content of its hash",
        "the digest of a kind is the sum of its rows",
        "an id is given once",
        "revisions have no hole",
        "a log record has its link",
        "times don't go back",
        "a log record can be read",
        "the log ends at the head's revision",
        "the log ends at the head's link",
        "the head has the last commit's time",
        "the head counts the log's bytes",
        "a revision has one change a key",
        "a log record names its kinds",
        "every label is in the index of labels",
        "the index of labels holds nothing else",
        "a live container has its slots",
        "a slot's container names the slot",
        "a checkpoint's size is its files'",
        "only a COMPLETED checkpoint is pinned",
        "a DELETED checkpoint has no files",
        "a backfill can be read",
        "a trial's metric summaries can be read",
        "a trial's metric summaries are those of its workloads",
    ]
}
