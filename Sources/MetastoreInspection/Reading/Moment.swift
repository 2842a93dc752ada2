internal import FoundationEssentials
internal import Metastore
package import MetastoreModel

/// A moment of a store's history: a revision, or a time, which stands for the last revision at or before it.
package enum Moment: Sendable, Hashable {
    case revision(Revision)
    case time(Timestamp)

    /// From what is typed: `1234`, or RFC 3339 such as `2026-11-21T03:00:00Z`; without its end a time means the
    /// beginning of that day, hour or minute, in UTC.
    package init?(_ text: String) {
        if let number = Int64(text) {
            guard number >= 0 else { return nil }
            self = .revision(Revision(rawValue: number))
            return
        }
        let rest = "0000-01-01T00:00:00Z".dropFirst(text.count)
        let spellings = [text, text + "Z", text + rest, text.replacing(" ", with: "T") + rest]
        guard let time = spellings.lazy.compactMap(Timestamp.init).first else { return nil }
        self = .time(time)
    }
}

extension Inspection {
    /// From now on every reading call sees the store as it was then.
    ///
    /// - Returns: the revision that is shown.
    /// - Throws: ``StoreError/compacted(oldest:)``, ``StoreError/futureRevision(asked:head:)``.
    @discardableResult
    package func showPast(at moment: Moment, progress: (Int, Int) throws -> Void = { _, _ in }) throws -> Revision {
        let revision: Revision
        switch moment {
        case .revision(let asked): revision = asked
        case .time(let time):
            revision = try store.revision(at: time)
            let oldest = try store.oldestShown()
            guard revision > .absent || oldest == .absent else {
                throw StoreError.compacted(oldest: try store.oldestPosition())
            }
        }
        try store.showPast(at: revision, progress: progress)
        return revision
    }
}
