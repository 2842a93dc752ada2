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

extension ArchiveLine {
    /// The record that ends an epoch, if a list of names knows of one.
    func record(after epoch: Int64, from revision: Revision) async throws(ArchiveError) -> EpochRecord? {
        guard let last = try await lastName(of: epoch, after: revision),
            let bytes = try await target.read(last, limit: Limits.segmentObjectBytes),
            bytes.starts(with: EpochRecord.magic)
        else { return nil }
        let record = try EpochRecord(bytes, named: "\(last)")
        guard record.cluster == cluster, record.epoch.number > epoch else {
            throw .damaged(object: "\(last)", offset: 0, reason: "it is of another cluster, or of an earlier epoch")
        }
        return record
    }

    /// The last name of an epoch that a list has, and that is in the line.
    private func lastName(of epoch: Int64, after revision: Revision) async throws(ArchiveError) -> ArchiveName? {
        var last: ArchiveName?
        var after = names.log(Epoch(number: epoch, nonce: 0), from: revision)
        let folder = names.logs(Epoch(number: epoch, nonce: 0))
        while true {
            let page = try await target.list(under: folder, after: after, limit: Limits.archiveListing)
            guard let end = page.last else { return last }
            // Whatever is found under a name that merging freed is not in the line.
            try await readMerges()
            let inLine = page.last { name in
                names.log(name).map { merges.range(of: $0.first, in: $0.epoch) == nil } ?? false
            }
            (last, after) = (inLine ?? last, end)
            guard page.count == Limits.archiveListing else { return last }
        }
    }

    /// The last segment of an epoch that is listed, or merged.
    func segment(lastOf epoch: Epoch, after revision: Revision) async throws(ArchiveError) -> Segment? {
        let name = try await lastName(of: epoch.number, after: revision)
        // Whatever lost its name while names were listed has a record now.
        try await readMerges()
        let merged = merges.last(upTo: Revision(rawValue: .max), in: epoch.number)?.first
        let listed = name.flatMap { names.log($0) }?.first
        guard let first = [listed, merged].compactMap(\.self).max() else { return nil }
        return try await segment(numberedAs: epoch, from: first)
    }

    /// The last segment that begins at a revision or before it, looked for in lists of names; nil where none is found,
    /// or the epoch has ended there.
    func segment(upTo revision: Revision, of epoch: Epoch) async throws(ArchiveError) -> Segment? {
        guard let first = try await listed(upTo: revision, of: epoch) else { return nil }
        return try await segment(numberedAs: epoch, from: first)
    }
}
