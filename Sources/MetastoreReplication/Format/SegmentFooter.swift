internal import Metastore
package import MetastoreModel

/// What a segment ends with: what its records lead to.
package struct SegmentFooter: Sendable, Hashable {
    /// The link of the last revision.
    package var chain: [UInt8]
    /// The state's digests after it, of the kinds that its records changed; of the counters, too, if one moved.
    package var digests: [RecordKind: UInt128]
    /// When the first and the last were committed.
    package var times: ClosedRange<Timestamp>

    /// - Parameter start: where the footer begins: its checksum is over all that stands before, too.
    func write(to bytes: inout CanonicalWriter) {
        bytes.raw(chain)
        bytes.number(UInt64(digests.count))
        for (kind, sum) in digests.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            bytes.byte(kind.rawValue)
            withUnsafeBytes(of: sum.bigEndian) { bytes.raw($0) }
        }
        bytes.fixed(UInt64(bitPattern: times.lowerBound.microseconds))
        bytes.number(UInt64(times.upperBound.microseconds - times.lowerBound.microseconds))
        bytes.number(UInt64(bytes.bytes.count))
        bytes.checksum(since: 0)
    }

    init(_ reader: inout ObjectReader) throws(ArchiveError) {
        chain = try reader.bytes(32)
        digests = [:]
        var last: UInt8 = 0
        for _ in 0..<(try reader.count("the count of digests", in: 0...RecordKind.allCases.count)) {
            let offset = reader.offset
            let code = try reader.byte()
            guard code > last, let kind = RecordKind(rawValue: code) else {
                throw reader.damage("a digest is of no kind that could come here", at: offset)
            }
            last = code
            digests[kind] = UInt128(bigEndian: try reader.slice(16).loadUnaligned(as: UInt128.self))
        }
        let begin = Int64(bitPattern: try reader.fixed())
        guard begin >= 0 else { throw reader.damage("a time is before 1970") }
        let more = try reader.count("a time", in: 0...Int(Int64.max - begin))
        times = Timestamp(microseconds: begin)...Timestamp(microseconds: begin + Int64(more))
        let offset = reader.offset
        guard try reader.number() == UInt64(offset) else { throw reader.damage("its length is another", at: offset) }
        try reader.checksum(since: 0, of: "it, as a whole,")
        guard reader.isAtEnd else { throw reader.damage("something follows its end") }
    }

    package init(chain: [UInt8], digests: [RecordKind: UInt128], times: ClosedRange<Timestamp>) {
        self.chain = chain
        self.digests = digests
        self.times = times
    }
}
