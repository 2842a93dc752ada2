internal import FoundationEssentials
internal import MetastoreModel

extension KeptRecord {
    /// The history begins after this place: whatever stood there may be gone, and its name may have been taken since.
    func isBeyond(_ place: ArchivePlace) -> Bool {
        revision > place.revision || epoch.epoch.number > place.epoch.number
    }
}

extension ArchiveLine {
    /// The newest record of where the kept history begins; nil where all of it is kept.
    ///
    /// - Parameter known: one that was read before.
    /// - Throws: ``ArchiveError``.
    package func kept(after known: KeptRecord? = nil) async throws(ArchiveError) -> KeptRecord? {
        var newest = known
        while true {
            let number = (newest?.number ?? 0) + 1
            let name = names.kept(number)
            guard let bytes = try await target.read(name, limit: Limits.segmentObjectBytes) else { return newest }
            let record = try KeptRecord(bytes, named: name.description)
            guard record.number == number, record.epoch.cluster == cluster,
                newest.map({ $0.revision <= record.revision && $0.epoch.epoch.number <= record.epoch.epoch.number })
                    ?? true
            else {
                throw .damaged(object: name.description, offset: 0, reason: "it doesn't follow the one before")
            }
            newest = record
        }
    }
}
