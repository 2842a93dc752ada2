// Invariant: no length is believed before it was compared with its bound, and no memory is taken for what isn't there.

internal import MetastoreModel

/// Cuts what comes over a network into frames: each a length of four bytes, the most significant first, and as many
/// bytes.
package struct FrameCutter: Sendable {
    private var bytes: [UInt8] = []
    /// Up to here they were cut.
    private var start = 0
    /// How many frames were cut.
    private var frames = 0

    /// More than any frame may have.
    package static let mostBytes = max(
        Limits.snapshotPartObjectBytes, Limits.manifestBytes, Limits.segmentObjectBytes)

    package init() {}

    /// The next bytes that came.
    package mutating func add(_ more: some Sequence<UInt8>) {
        if start > 0 {
            bytes.removeSubrange(..<start)
            start = 0
        }
        bytes.append(contentsOf: more)
    }

    /// The next frame; nil while it isn't whole.
    ///
    /// - Throws: ``LogSourceError/damaged(reason:)`` for one that is longer than any can be.
    package mutating func next() throws(LogSourceError) -> [UInt8]? {
        guard bytes.count - start >= 4 else { return nil }
        let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= Self.mostBytes else {
            throw .damaged(reason: "frame \(frames) declares \(length) bytes; there can be \(Self.mostBytes)")
        }
        guard bytes.count - start - 4 >= length else { return nil }
        let frame = Array(bytes[start + 4..<start + 4 + length])
        start += 4 + length
        frames += 1
        return frame
    }

    /// Whether all that came was cut.
    package var isEmpty: Bool { start == bytes.count }

    /// A frame around bytes.
    package static func frame(_ bytes: [UInt8]) -> [UInt8] {
        withUnsafeBytes(of: UInt32(bytes.count).bigEndian) { Array($0) } + bytes
    }
}
