// Invariants
// 1. It says which revisions lie in merged segments: whole segments of one epoch each, and no revision twice.
// 2. It is written after what it names is durable and was read back. The next one has the next number, and none is ever
//    removed: whoever has one finds the newest.

package import FoundationEssentials
internal import Metastore
package import MetastoreModel

/// A stretch of an epoch that lies in one segment, under a name of its own, instead of several in the line.
package struct MergedRange: Sendable, Hashable {
    package var epoch: Epoch
    package var first: Revision
    package var last: Revision
    /// The link of the last.
    package var chain: [UInt8]

    package init(epoch: Epoch, first: Revision, last: Revision, chain: [UInt8]) {
        self.epoch = epoch
        self.first = first
        self.last = last
        self.chain = chain
    }

    /// Has one of an epoch's revisions.
    func contains(_ revision: Revision) -> Bool { first <= revision && revision <= last }

    /// Comes before another, and has no revision in common with it.
    func precedes(_ other: MergedRange) -> Bool {
        epoch.number < other.epoch.number || epoch == other.epoch && last < other.first
    }
}

/// Which segments of an archive were merged, in one step of whoever merges.
package struct MergeRecord: Sendable, Hashable {
    package var number: Int64
    package var cluster: UUID
    /// In order; at least one.
    package var ranges: [MergedRange]

    package static let magic = Array("MSMR".utf8)
    static let version: UInt8 = 1

    package init(number: Int64, cluster: UUID, ranges: [MergedRange]) {
        self.number = number
        self.cluster = cluster
        self.ranges = ranges
    }

    /// As it lies in the archive.
    package var bytes: [UInt8] {
        var bytes = CanonicalWriter()
        bytes.raw(Self.magic)
        bytes.byte(Self.version)
        bytes.number(UInt64(number))
        bytes.uuid(cluster)
        bytes.number(UInt64(ranges.count))
        for range in ranges {
            bytes.number(UInt64(range.epoch.number))
            bytes.fixed(range.epoch.nonce)
            bytes.number(UInt64(range.first.rawValue))
            bytes.number(UInt64(range.last.rawValue - range.first.rawValue))
            bytes.raw(range.chain)
        }
        bytes.checksum(since: 0)
        return bytes.bytes
    }

    /// Reads one.
    ///
    /// - Parameter name: of the object, for errors.
    /// - Throws: ``ArchiveError``: `damaged` with the byte, `newer`.
    package init(_ bytes: [UInt8], named object: String) throws(ArchiveError) {
        self = try bytes.withRawBytes { (raw) throws(ArchiveError) in
            var reader = ObjectReader(raw, of: object)
            return try MergeRecord(&reader)
        }
    }

    private init(_ reader: inout ObjectReader) throws(ArchiveError) {
        try reader.begin(Self.magic, version: Self.version, of: "a record of what was merged")
        number = try reader.positive("a number")
        cluster = try reader.uuid()
        ranges = []
        for _ in 0..<(try reader.count("the count of ranges", in: 1...Limits.mergedRanges)) {
            let offset = reader.offset
            let range = try MergedRange(&reader)
            guard ranges.last?.precedes(range) ?? true else {
                throw reader.damage("a range doesn't come after the one before", at: offset)
            }
            ranges.append(range)
        }
        try reader.checksum(since: 0, of: "it")
        guard reader.isAtEnd else { throw reader.damage("something follows its end") }
    }
}

extension MergedRange {
    fileprivate init(_ reader: inout ObjectReader) throws(ArchiveError) {
        let epoch = Epoch(number: try reader.positive("an epoch"), nonce: try reader.fixed())
        let first = try reader.positive("a revision")
        let offset = reader.offset
        let more = try reader.count("a count of revisions", in: 0...Int(Int64.max - first))
        guard more > 0 else { throw reader.damage("a range of one revision was never several segments", at: offset) }
        self.init(
            epoch: epoch, first: Revision(rawValue: first), last: Revision(rawValue: first + Int64(more)),
            chain: try reader.bytes(32))
    }
}
