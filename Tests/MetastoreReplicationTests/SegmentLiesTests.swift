internal import FaultSupport
internal import FoundationEssentials
internal import Metastore
internal import MetastoreModel
internal import MetastoreReplication
internal import MetastoreTestSupport
internal import Testing

/// Segments of somebody who knows the format, and writes checksums that are right.
@Suite(.serialized, .timed) struct `A segment that lies` {
    /// A header like a true one, but for what it says of its records.
    private func header(content: UInt64, count: UInt64 = 1, version: UInt8 = 1) -> CanonicalWriter {
        var bytes = CanonicalWriter()
        bytes.raw("MSSG".utf8)
        bytes.byte(version)
        bytes.uuid(UUID())
        bytes.number(1)
        bytes.fixed(7)
        bytes.number(1)
        bytes.number(count)
        bytes.raw(Array(repeating: 0, count: 32))
        bytes.number(2)
        bytes.number(0)
        bytes.number(content)
        seal(&bytes, since: 0)
        return bytes
    }

    private func seal(_ bytes: inout CanonicalWriter, since start: Int) {
        withUnsafeBytes(of: Checksum.of(bytes.bytes, start..<bytes.bytes.count).bigEndian) { bytes.raw($0) }
    }

    private func block(_ code: UInt8, _ stored: [UInt8], to bytes: inout CanonicalWriter) {
        let start = bytes.bytes.count
        bytes.byte(code)
        bytes.blob(stored)
        seal(&bytes, since: start)
    }

    private func expectRefused(_ bytes: [UInt8], _ reason: String) throws {
        var error: ArchiveError?
        let growth = try Memory.growth {
            do throws(ArchiveError) { _ = try Segment(bytes, named: "segment") } catch let caught { error = caught }
        }
        #expect(error?.description.contains(reason) == true, "\(String(describing: error))")
        #expect(growth < 8 << 20, "it took memory for what it was told")
    }

    /// Over 32 MiB an allocation is always the system's own: what was freed before doesn't hide it.
    @Test func `would be seen taking memory`() throws {
        var taken: [UInt8] = []
        let growth = try Memory.growth { taken = Array(repeating: 1, count: 64 << 20) }
        #expect(growth > 48 << 20 && taken.count == 64 << 20)
    }

    @Test(arguments: [UInt64(1) << 40, UInt64(Limits.segmentContentBytes) + 1, .max, 0])
    func `about the size of its records is refused before any memory is taken`(_ content: UInt64) throws {
        try expectRefused(header(content: content).bytes, "the size of the records can't be")
    }

    @Test func `about records that aren't there is refused before any memory is taken`() throws {
        let content = UInt64(Limits.segmentContentBytes)
        try expectRefused(header(content: content).bytes, "too few bytes for its records")
        try expectRefused(header(content: content, count: content + 1).bytes, "the count of records can't be")
        try expectRefused(header(content: 10, count: 11).bytes, "the size of the records can't be")
    }

    @Test func `about what a block holds is refused at its length`() throws {
        // 64 MiB of zeroes in a frame of a quarter of a megabyte, where a block of 100 bytes is to be.
        let (encoding, bomb) = Compression.compress(Array(repeating: 0, count: 64 << 20))
        #expect(encoding == .lz4 && bomb.count < 300 << 10)
        var bytes = header(content: 100)
        block(1, bomb, to: &bytes)
        try expectRefused(bytes.bytes, "no valid header")
        var plain = header(content: 100)
        block(0, Array(repeating: 0, count: 99), to: &plain)
        try expectRefused(plain.bytes, "a block has another size")
        var unknown = header(content: 100)
        block(2, Array(repeating: 0, count: 100), to: &unknown)
        try expectRefused(unknown.bytes, "encoding is unknown")
    }

    @Test func `about its format is a newer one's`() {
        #expect(throws: ArchiveError.newer(object: "segment", version: 2)) {
            try Segment(header(content: 1, version: 2).bytes, named: "segment")
        }
    }

    @Test func `with a frame that has no checksum of its own is refused`() async throws {
        var random = Seeded("frames")
        let history = try await History.make(&random, entries: 1, largest: 10)
        let segment = history.segment(0..<3)
        let content = segment.records.reduce(0) { $0 + $1.body.count }
        let (encoding, frame) = Compression.compress(Array(repeating: 1, count: content), threshold: 0)
        #expect(encoding == .lz4)
        var bytes = header(content: UInt64(content))
        var stored = frame
        // The flag of the content's checksum, and the header's own checksum with it.
        stored[4] &= ~4
        block(1, stored, to: &bytes)
        let error = #expect(throws: ArchiveError.self) { try Segment(bytes.bytes, named: "segment") }
        #expect("\(error!)".contains("no valid header"), "\(error!)")
    }
}
