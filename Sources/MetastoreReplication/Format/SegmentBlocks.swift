// Invariants
// 1. The records are cut into blocks of 256 KiB each, but for the last, which is shorter or as long: how long a block
//    is follows from the header, and no block can be longer than that.
// 2. A block is decompressed only after its stored bytes passed their checksum, into as much memory as it may take.

internal import Metastore
internal import MetastoreModel

/// The records' bytes between header and index.
enum SegmentBlocks {
    /// Lengths of the blocks that so many bytes are cut into.
    static func lengths(_ content: Int) -> [Int] {
        stride(from: 0, to: content, by: Limits.segmentBlockBytes).map {
            min(Limits.segmentBlockBytes, content - $0)
        }
    }

    static func write(_ content: [UInt8], to bytes: inout CanonicalWriter) {
        var start = 0
        for length in lengths(content.count) {
            let (encoding, stored) = Compression.compress(Array(content[start..<start + length]), threshold: 0)
            let begin = bytes.bytes.count
            bytes.byte(UInt8(encoding.rawValue))
            bytes.blob(stored)
            bytes.checksum(since: begin)
            start += length
        }
    }

    static func read(_ count: Int, _ reader: inout ObjectReader) throws(ArchiveError) -> [UInt8] {
        // As much as is there at the least, compressed 255 to 1 at the most: a size that lies takes no memory.
        guard count / 255 <= reader.left else { throw reader.damage("there are too few bytes for its records") }
        var content: [UInt8] = []
        content.reserveCapacity(count)
        for length in lengths(count) {
            let begin = reader.offset
            let code = try reader.byte()
            let stored = try reader.sized()
            try reader.checksum(since: begin, of: "a block")
            switch Encoding(rawValue: Int64(code)) {
            case .plain:
                guard stored.count == length else { throw reader.damage("a block has another size", at: begin) }
                content.append(contentsOf: stored)
            case .lz4:
                content += try decompressed(Array(stored), length, reader, begin)
            case nil: throw reader.damage("a block's encoding is unknown", at: begin)
            }
        }
        return content
    }

    private static func decompressed(
        _ stored: [UInt8], _ length: Int, _ reader: ObjectReader, _ offset: Int
    ) throws(ArchiveError) -> [UInt8] {
        let content: [UInt8]
        do throws(StoreError) {
            content = try Compression.decompress(stored, cap: length, place: reader.object)
        } catch {
            guard case .damaged(_, let reason) = error else { throw reader.damage("\(error)", at: offset) }
            throw reader.damage(reason, at: offset)
        }
        guard content.count == length else { throw reader.damage("a block has another size", at: offset) }
        return content
    }
}
