// Invariant: a listing only says where to look. What is found there proves itself; what was made lately may be missing.

internal import Metastore
internal import MetastoreModel

extension ArchiveLine {
    /// With which revision the last object of an epoch begins that begins at or before one, as a list of names has it.
    ///
    /// - Parameter fork: the epoch begins after it, as far as that is known.
    func listed(
        upTo revision: Revision, of epoch: Epoch, after fork: Revision = .absent
    ) async throws(ArchiveError) -> Revision? {
        try await readMerges()
        if let range = merges.range(of: revision, in: epoch.number) { return range.first }
        let named = try await named(upTo: revision, of: epoch, after: fork)
        // Whatever lost its name while names were listed has a record now.
        try await readMerges()
        let merged = merges.last(upTo: revision, in: epoch.number)?.first
        return [named, merged].compactMap(\.self).max()
    }

    /// The same, of those that have a name of their own.
    private func named(
        upTo revision: Revision, of epoch: Epoch, after fork: Revision
    ) async throws(ArchiveError) -> Revision? {
        var reach = Int64(Limits.archiveListing)
        while true {
            let from = max(fork.rawValue, revision.rawValue - reach)
            if let found = try await listed(after: Revision(rawValue: from), through: revision, of: epoch) {
                return found
            }
            guard from > fork.rawValue else { return nil }
            reach *= 16
        }
    }

    private func listed(
        after start: Revision, through revision: Revision, of epoch: Epoch
    ) async throws(ArchiveError) -> Revision? {
        var (found, after) = (Revision?.none, names.log(epoch, from: start))
        while true {
            let page = try await target.list(under: names.logs(epoch), after: after, limit: Limits.archiveListing)
            for name in page {
                guard let first = name.words.last.flatMap({ Int64($0) }), first <= revision.rawValue else {
                    return found
                }
                found = Revision(rawValue: first)
            }
            guard page.count == Limits.archiveListing, let last = page.last else { return found }
            after = last
        }
    }
}
