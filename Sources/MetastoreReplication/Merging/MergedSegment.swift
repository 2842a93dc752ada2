// Invariant: what several segments say, one says: the same records, and each digest as it was known last.

internal import Metastore
internal import MetastoreModel

extension Segment {
    /// One of several.
    ///
    /// - Parameter segments: at least one, each going on from the one before.
    init(merging segments: [Segment]) {
        var digests: [RecordKind: UInt128] = [:]
        for segment in segments {
            // What was known of the counters before is old, where they moved since and nobody said to what.
            if segment.movesCounters { digests[.cluster] = nil }
            digests.merge(segment.footer.digests) { $1 }
        }
        self.init(
            cluster: segments[0].header.cluster, segments.flatMap(\.records), after: segments[0].header.previous,
            digests: digests)
    }

    /// The same records and the same footer, whatever the bytes are.
    func says(theSameAs other: Segment) -> Bool {
        header == other.header && footer == other.footer && records.count == other.records.count
            && zip(records, other.records).allSatisfy { one, other in
                one.chain == other.chain && one.header == other.header && one.body == other.body
            }
    }

    /// A counter may have moved, and the footer doesn't say to what.
    private var movesCounters: Bool {
        guard footer.digests[.cluster] == nil else { return false }
        return records.contains { record in
            var isMoved = false
            do throws(StoreError) {
                try record.decodeBody(counters: { (_, _) throws(StoreError) in isMoved = true }) {
                    (_) throws(StoreError) in
                }
            } catch {
                // What can't be read here may say so.
                return true
            }
            return isMoved
        }
    }
}
