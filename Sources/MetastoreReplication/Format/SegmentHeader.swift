internal import Metastore
package import FoundationEssentials
package import MetastoreModel

/// What a segment begins with: whose history it is, and which part.
package struct SegmentHeader: Sendable, Hashable {
    package var cluster: UUID
    /// Of all its records.
    package var epoch: Epoch
    package var first: Revision
    /// How many records: one for each revision.
    package var count: Int
    /// The link of the revision before the first.
    package var previous: [UInt8]
    /// The lowest and the highest schema of its records.
    package var schemas: ClosedRange<Int64>
    /// Bytes of its records, uncompressed.
    var content: Int

    package var last: Revision { Revision(rawValue: first.rawValue + Int64(count) - 1) }

    package static let magic = Array("MSSG".utf8)
    static let version: UInt8 = 1

    func write(to bytes: inout CanonicalWriter) {
        bytes.raw(Self.magic)
        bytes.byte(Self.version)
        bytes.uuid(cluster)
        bytes.number(UInt64(epoch.number))
        bytes.fixed(epoch.nonce)
        bytes.number(UInt64(first.rawValue))
        bytes.number(UInt64(count))
        bytes.raw(previous)
        bytes.number(UInt64(schemas.lowerBound))
        bytes.number(UInt64(schemas.upperBound - schemas.lowerBound))
        bytes.number(UInt64(content))
        bytes.checksum(since: 0)
    }

    init(_ reader: inout ObjectReader) throws(ArchiveError) {
        try reader.begin(Self.magic, version: Self.version, of: "a segment")
        cluster = try reader.uuid()
        epoch = Epoch(number: try reader.positive("an epoch"), nonce: try reader.fixed())
        first = Revision(rawValue: try reader.positive("a revision"))
        // Each record takes some bytes.
        count = try reader.count("the count of records", in: 1...Limits.segmentContentBytes)
        guard first.rawValue <= Int64.max - Int64(count) else { throw reader.damage("a revision is too large") }
        previous = try reader.bytes(32)
        let lowest = try reader.positive("a schema")
        let more = try reader.count("a schema", in: 0...Int(Int64.max - lowest))
        schemas = lowest...lowest + Int64(more)
        content = try reader.count("the size of the records", in: count...Limits.segmentContentBytes)
        try reader.checksum(since: 0, of: "its header")
    }

    package init(
        cluster: UUID, epoch: Epoch, first: Revision, count: Int, previous: [UInt8], schemas: ClosedRange<Int64>,
        content: Int
    ) {
        self.cluster = cluster
        self.epoch = epoch
        self.first = first
        self.count = count
        self.previous = previous
        self.schemas = schemas
        self.content = content
    }
}
