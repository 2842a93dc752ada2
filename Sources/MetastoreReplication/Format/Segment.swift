// Invariants (docs/FORMAT.md says the same, byte by byte)
// 1. A segment holds whole revisions of one epoch, without a hole, and one way only to write them.
// 2. Nothing of it is given away before all of it is known to be what was written: every checksum, the length, and the
//    links from the one in the header to the one in the footer.
// 3. Whatever the bytes are, reading them takes no more memory than the caps say, and ends.

package import FoundationEssentials
package import Metastore
package import MetastoreModel

/// A stretch of history as it lies in an archive.
package struct Segment: Sendable {
    package let header: SegmentHeader
    package let records: [LogRecord]
    package let footer: SegmentFooter

    /// - Parameters:
    ///   - records: of one epoch, each the next revision; at least one.
    ///   - previous: the link of the revision before.
    ///   - digests: after the last of them, of the kinds that they change.
    package init(cluster: UUID, _ records: [LogRecord], after previous: [UInt8], digests: [RecordKind: UInt128]) {
        precondition(!records.isEmpty, "a segment has at least one record")
        let schemas = records.map(\.schema)
        var header = SegmentHeader(
            cluster: cluster, epoch: records[0].epoch, first: records[0].revision, count: records.count,
            previous: previous, schemas: (schemas.min() ?? 0)...(schemas.max() ?? 0), content: 0)
        footer = SegmentFooter(
            chain: records[records.count - 1].chain, digests: digests,
            times: records[0].time...records[records.count - 1].time)
        self.records = records
        header.content = Self.content(header, records, footer).bytes.count
        self.header = header
    }

    private static func content(
        _ header: SegmentHeader, _ records: [LogRecord], _ footer: SegmentFooter
    ) -> (bytes: [UInt8], starts: [Int]) {
        var content = CanonicalWriter(capacity: Limits.segmentBytes)
        var writer = SegmentRecords(header, from: footer.times.lowerBound)
        var starts: [Int] = []
        for record in records {
            starts.append(content.bytes.count)
            writer.write(record, to: &content)
        }
        return (content.bytes, starts)
    }

    /// As it lies in the archive.
    package var bytes: [UInt8] {
        let (content, starts) = Self.content(header, records, footer)
        var bytes = CanonicalWriter(capacity: content.count + 512)
        header.write(to: &bytes)
        SegmentBlocks.write(content, to: &bytes)
        SegmentIndex(starts, content: content.count).write(to: &bytes)
        footer.write(to: &bytes)
        return bytes.bytes
    }

    /// Reads a segment.
    ///
    /// - Parameter name: of the object, for errors.
    /// - Throws: ``ArchiveError``: `damaged` with the byte, `newer`.
    package init(_ bytes: [UInt8], named name: String) throws(ArchiveError) {
        guard bytes.count <= Limits.segmentObjectBytes else {
            throw .tooLarge(object: name, bytes: bytes.count, limit: Limits.segmentObjectBytes)
        }
        self = try bytes.withRawBytes { (raw) throws(ArchiveError) in try Self.read(raw, name) }
    }

    private static func read(_ raw: UnsafeRawBufferPointer, _ name: String) throws(ArchiveError) -> Segment {
        var reader = ObjectReader(raw, of: name)
        let header = try SegmentHeader(&reader)
        let content = try SegmentBlocks.read(header.content, &reader)
        let place = reader.offset
        let index = try SegmentIndex(&reader, blocks: SegmentBlocks.lengths(header.content).count)
        let footer = try SegmentFooter(&reader)
        let (records, starts) = try content.withRawBytes { (content) throws(ArchiveError) in
            // Its offsets are those of the uncompressed records.
            try Self.readRecords(content, header, footer, "the records of \(name)")
        }
        let segment = Segment(header: header, records: records, footer: footer)
        guard segment.isConsistent else { throw reader.damage("its header or footer is not of its records") }
        guard index == SegmentIndex(starts, content: content.count) else {
            throw reader.damage("its index is not of its records", at: place)
        }
        return segment
    }

    private static func readRecords(
        _ content: UnsafeRawBufferPointer, _ header: SegmentHeader, _ footer: SegmentFooter, _ name: String
    ) throws(ArchiveError) -> ([LogRecord], starts: [Int]) {
        var reader = ObjectReader(content, of: name)
        var records = SegmentRecords(header, from: footer.times.lowerBound)
        var found: [LogRecord] = []
        var starts: [Int] = []
        for _ in 0..<header.count {
            starts.append(reader.offset)
            found.append(try records.read(&reader))
        }
        guard reader.isAtEnd else { throw reader.damage("something follows the last") }
        guard Checksum.isIgnored || records.chain == footer.chain else {
            throw reader.damage("they don't lead to the link in the footer")
        }
        return (found, starts)
    }

    /// What header and footer say of the records is so.
    private var isConsistent: Bool {
        let kinds = records.reduce(into: RecordKinds()) { $0.formUnion($1.kinds) }
        let schemas = records.map(\.schema)
        let summed = footer.digests.keys.reduce(into: RecordKinds()) { $0.formUnion(RecordKinds($1)) }
        let counters = RecordKinds(.cluster)
        return footer.times == records[0].time...records[records.count - 1].time
            && header.schemas.lowerBound == schemas.min() && header.schemas.upperBound == schemas.max()
            // On the network, where it is not known what a part of the log leads to, there are none.
            && (footer.digests.isEmpty || kinds.subtracting(counters) == summed.subtracting(counters))
    }

    private init(header: SegmentHeader, records: [LogRecord], footer: SegmentFooter) {
        self.header = header
        self.records = records
        self.footer = footer
    }
}

extension [UInt8] {
    /// The bytes, in place.
    func withRawBytes<Result>(
        _ read: (UnsafeRawBufferPointer) throws(ArchiveError) -> Result
    ) throws(ArchiveError) -> Result {
        try withUnsafeBufferPointer { (bytes) throws(ArchiveError) in try read(UnsafeRawBufferPointer(bytes)) }
    }
}
