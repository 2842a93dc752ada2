package import MetastoreModel

/// Which snapshot: of which moment, and in which form. Its name says no more.
package struct SnapshotID: Sendable, Hashable, CustomStringConvertible {
    /// The epoch's counter.
    package let epoch: Int64
    package let revision: Revision
    package let form: SnapshotForm

    package init(epoch: Int64, revision: Revision, form: SnapshotForm) {
        self.epoch = epoch
        self.revision = revision
        self.form = form
    }

    package var description: String { "the \(form.word) snapshot of epoch \(epoch) at revision \(revision)" }
}

/// What a snapshot's parts hold.
package enum SnapshotForm: UInt8, Sendable, Hashable, CaseIterable {
    /// Rows, for any engine.
    case portable = 0
    /// A database file of SQLite's, page by page, for SQLite.
    case image = 1

    /// As names have it.
    package var word: String {
        switch self {
        case .portable: "portable"
        case .image: "image"
        }
    }
}

extension SnapshotID {
    /// From the words of a manifest's or a part's name, below the cluster's; nil for any other name.
    init?(words: some Collection<Substring>) {
        let words = Array(words)
        guard words.count >= 4, words[0] == "snapshots", let epoch = Int64(words[1]), let revision = Int64(words[2]),
            let form = SnapshotForm.allCases.first(where: { words[3] == $0.word || words[3].hasPrefix($0.word + "-") })
        else { return nil }
        self.init(epoch: epoch, revision: Revision(rawValue: revision), form: form)
    }
}
