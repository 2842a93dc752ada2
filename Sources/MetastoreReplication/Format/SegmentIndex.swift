internal import Metastore
internal import MetastoreModel

/// Where records begin, so that one in the middle can be found without those before it.
struct SegmentIndex: Hashable {
    /// Of each block: how many records begin in it, and how far from its begin the first of them does.
    private var blocks: [Entry]

    private struct Entry: Hashable {
        var count = 0
        var first = 0
    }

    /// - Parameters:
    ///   - starts: where each record begins in the uncompressed bytes, ascending.
    ///   - content: how many of these there are.
    init(_ starts: [Int], content: Int) {
        blocks = Array(repeating: Entry(), count: SegmentBlocks.lengths(content).count)
        for start in starts {
            let block = start / Limits.segmentBlockBytes
            if blocks[block].count == 0 { blocks[block].first = start % Limits.segmentBlockBytes }
            blocks[block].count += 1
        }
    }

    func write(to bytes: inout CanonicalWriter) {
        for block in blocks {
            bytes.number(UInt64(block.count))
            if block.count > 0 { bytes.number(UInt64(block.first)) }
        }
    }

    init(_ reader: inout ObjectReader, blocks count: Int) throws(ArchiveError) {
        blocks = []
        for _ in 0..<count {
            var entry = Entry()
            entry.count = try reader.count("the count of records in a block", in: 0...Limits.segmentBlockBytes)
            if entry.count > 0 {
                entry.first = try reader.count("a record's place", in: 0...Limits.segmentBlockBytes - 1)
            }
            blocks.append(entry)
        }
    }
}
