package import MetastoreModel

/// What can be said of a store's files as a whole, from the files alone.
package enum Verdict: Sendable, Hashable {
    /// Closed as it should be: the mark is set, no log stands beside it, and the note kept beside it knows of nothing
    /// newer.
    case clean
    /// Everything up to the revision is there and hangs together. Later commits can be neither shown nor excluded.
    case notClosedCleanly(provenUpTo: Revision)
    /// Open, and read through its own locks: what was read is what was committed.
    case live
    /// What is there contradicts itself, or is cut short.
    case damaged(reason: String)
}
