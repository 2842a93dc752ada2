package import Metastore
package import MetastoreModel

/// What was found of a store, what of it is in the new one, and what is missing.
package struct SalvageReport: Sendable, Encodable {
    /// The rows of one kind.
    package struct Rows: Sendable, Encodable {
        /// The kind's name.
        package let kind: String
        /// How many rows there were; nil where nothing tells.
        package let expected: Int?
        /// All that were there are in the new store, each as it was: proven by the digest of the kind.
        package let isWhole: Bool
        /// Rows in the new store.
        package let recovered: Int
        /// Of these, rows that no page had any more, or only an older one: made from the log, which the chain proves.
        package let rebuilt: Int
        /// Of these, rows that prove themselves, and that nothing else confirms: they may have been changed or deleted
        /// since, or be of another store where the record of their revision is lost.
        package let unconfirmed: Int
        /// Cells of the table whose row is damaged.
        package let doubtful: Int
        /// Rows that are proven and can't be in the new store, mostly because a row they belong to is lost.
        package let aside: Int
    }

    /// The log.
    package struct Log: Sendable, Encodable {
        /// Records that were found, and those of them that follow from another.
        package let found: Int
        package let proven: Int
        /// Records that follow from one another, and whether they are this store's.
        package let stretches: [SalvagedLog.Stretch]
    }

    /// The pages of the files.
    package struct Pages: Sendable, Encodable {
        package let bytes: Int
        package let total: Int
        /// Where a page of a tree should be and none is.
        package let unreadable: Int
        /// That nothing says what they are of.
        package let unassigned: Int
        package let free: Int
        /// In frames behind a flaw of the write-ahead log.
        package let behindFlaw: Int
    }

    /// The lost store, and the new one.
    package let source: String
    package let target: String
    /// Where rows stand that are damaged or can't be in the new store; nil where there are none.
    package let asideFile: String?
    package let cluster: String
    /// The cluster's id was found; else the new store has another one.
    package let isClusterKnown: Bool
    /// The newest revision that anything proves, and the last one that is no longer in the log.
    package let revision: Revision
    package let compactedRevision: Revision
    /// The newest revision that was durable, as the note beside the lost store tells: what lies between is lost.
    package let notedRevision: Revision?
    /// The schema's own table could be read; else trees were looked for where a new store has them.
    package let hasSchema: Bool
    package let rows: [Rows]
    package let log: Log
    package let pages: Pages
    /// Rows that were set right because something they name is lost, in revisions of their own.
    package let corrected: Int
    /// What the verification of the new store found: nothing, but where older rows stand beside newer ones.
    package let findings: [String]
}
