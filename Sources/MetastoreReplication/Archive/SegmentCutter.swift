// Invariants
// 1. Segments follow each other without a hole, each of one epoch, each cut where its records pass the bound.
// 2. The digests in a segment's footer are those after its last record, followed from the beginning of the history, or
//    from a place where the store knew them. That of the counters is left out while one of them isn't known yet.

package import FoundationEssentials
package import Metastore
internal import MetastoreModel

/// Cuts a history into segments, in order. It holds no more than the records of one segment.
package struct SegmentCutter: Sendable {
    private let cluster: UUID
    private let bound: Int
    private var digests: FollowedDigests
    private var chain: [UInt8]
    private var waiting: [LogRecord] = []
    private var bytes = 0
    private var changed: Set<RecordKind> = []

    /// From the beginning of a cluster's history.
    ///
    /// - Parameter bound: bytes of records after which a segment is cut.
    package init(cluster: UUID, bound: Int = Limits.segmentBytes) {
        self.cluster = cluster
        self.bound = bound
        digests = FollowedDigests()
        chain = LogRecord.genesis(cluster: cluster)
    }

    /// From a place in a history.
    ///
    /// - Parameter digests: those at that place.
    package init(
        cluster: UUID, bound: Int = Limits.segmentBytes, after place: ArchivePlace, digests: FollowedDigests
    ) {
        self.cluster = cluster
        self.bound = bound
        self.digests = digests
        chain = place.chain
    }

    /// The last record was a store's head: all counters are known.
    package mutating func settle(at head: LogHead) { digests.settle(at: head) }

    /// Takes in a record that is archived: the next segment comes after it.
    ///
    /// - Throws: `StoreError` `damaged`, for a record that can't be read.
    package mutating func pass(_ record: LogRecord) throws(StoreError) {
        precondition(waiting.isEmpty, "what is archived stands before what waits")
        try digests.follow(record)
        chain = record.chain
    }

    /// Takes the next record.
    ///
    /// - Returns: a segment, when the record fills one, or is of another epoch than those that wait.
    /// - Throws: `StoreError` `damaged`, for a record that can't be read.
    package mutating func add(_ record: LogRecord) throws(StoreError) -> Segment? {
        var sealed: Segment?
        if let last = waiting.last, last.epoch != record.epoch { sealed = seal() }
        changed.formUnion(try digests.follow(record))
        waiting.append(record)
        bytes += record.body.count + record.header.count
        // A large record after the end of an epoch waits for the next call: one segment is cut at a time.
        if sealed == nil, bytes >= bound { sealed = seal() }
        return sealed
    }

    /// A segment of what waits; nil when nothing does.
    package mutating func seal() -> Segment? {
        guard let last = waiting.last else { return nil }
        var sums: [RecordKind: UInt128] = [:]
        for kind in changed where kind != .cluster || digests.knowsCounters { sums[kind] = digests.digests[kind] }
        let segment = Segment(cluster: cluster, waiting, after: chain, digests: sums)
        (waiting, bytes, changed, chain) = ([], 0, [], last.chain)
        return segment
    }
}
