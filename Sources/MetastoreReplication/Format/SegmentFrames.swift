internal import MetastoreModel

/// Segments on the network: each behind its length, four bytes, the most significant first.
package enum SegmentFrames {
    /// - Throws: ``LogSourceError/damaged(reason:)``, or what the segment's error is for a follower.
    package static func parts(_ bytes: [UInt8]) throws(LogSourceError) -> [LogPart] {
        var parts: [LogPart] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            guard rest.count >= 4 else { throw .damaged(reason: "its answer ends in the middle of a segment") }
            let length = rest.prefix(4).reduce(0) { $0 << 8 | Int($1) }
            rest = rest.dropFirst(4)
            guard rest.count >= length else { throw .damaged(reason: "its answer ends in the middle of a segment") }
            do throws(ArchiveError) {
                let segment = try Segment(
                    Array(rest.prefix(length)), named: "segment \(parts.count + 1) of the answer")
                parts.append(LogPart(segment))
            } catch {
                throw LogSourceError(error)
            }
            rest = rest.dropFirst(length)
        }
        return parts
    }
}
