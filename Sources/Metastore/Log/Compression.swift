// Invariants
// 1. Compressed bytes are LZ4 frames with a content checksum and the declared size of the content: without one, a
//    flipped bit is accepted silently in most cases.
// 2. The declared size is checked against a cap before anything is allocated.

internal import CLZ4
internal import MetastoreModel

/// How bytes are kept: as they are, or as an LZ4 frame. The codes stand in the database.
package enum Encoding: Int64, Sendable {
    case plain = 0
    case lz4 = 1

    /// The content that is stored with this code.
    static func content(
        _ stored: [UInt8], as code: Int64, cap: Int, place: String
    ) throws(StoreError) -> [UInt8] {
        switch Encoding(rawValue: code) {
        case .plain: return stored
        case .lz4: return try Compression.decompress(stored, cap: cap, place: place)
        case nil: throw .damaged(place: place, reason: "its encoding is unknown")
        }
    }
}

/// LZ4 frames, when they pay.
package enum Compression {
    /// The bytes to keep: a frame if they are over `threshold` bytes and the frame is at least an eighth smaller.
    package static func compress(_ bytes: [UInt8], threshold: Int = Limits.compressionThreshold) -> (Encoding, [UInt8])
    {
        guard bytes.count > threshold else { return (.plain, bytes) }
        var preferences = LZ4F_preferences_t()
        preferences.frameInfo.contentChecksumFlag = LZ4F_contentChecksumEnabled
        preferences.frameInfo.contentSize = UInt64(bytes.count)
        preferences.frameInfo.blockMode = LZ4F_blockIndependent
        let capacity = LZ4F_compressFrameBound(bytes.count, &preferences)
        let frame = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
            let written = LZ4F_compressFrame(buffer.baseAddress, capacity, bytes, bytes.count, &preferences)
            count = LZ4F_isError(written) == 0 ? written : 0
        }
        guard !frame.isEmpty, frame.count <= bytes.count - bytes.count / 8 else { return (.plain, bytes) }
        return (.lz4, frame)
    }

    /// The content of a frame.
    ///
    /// - Throws: ``StoreError/damaged(place:reason:)`` when the frame is damaged, or declares more than `cap` bytes.
    package static func decompress(_ frame: [UInt8], cap: Int, place: String) throws(StoreError) -> [UInt8] {
        var context: OpaquePointer?
        guard LZ4F_isError(LZ4F_createDecompressionContext(&context, UInt32(LZ4F_VERSION))) == 0 else {
            throw .misuse(reason: "LZ4 has no memory for a context")
        }
        defer { LZ4F_freeDecompressionContext(context) }
        var info = LZ4F_frameInfo_t()
        var headerSize = frame.count
        let hint = LZ4F_getFrameInfo(context, &info, frame, &headerSize)
        guard LZ4F_isError(hint) == 0, info.contentChecksumFlag == LZ4F_contentChecksumEnabled,
            let size = Int(exactly: info.contentSize), size > 0, size <= cap
        else { throw .damaged(place: place, reason: "a compressed part has no valid header") }
        var isWhole = false
        let content = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            count = frame.withUnsafeBytes { source in
                var written = size
                var read = frame.count - headerSize
                let left = LZ4F_decompress(
                    context, buffer.baseAddress, &written, source.baseAddress! + headerSize, &read, nil)
                isWhole = left == 0 && written == size && read == frame.count - headerSize
                return isWhole ? size : 0
            }
        }
        guard isWhole else { throw .damaged(place: place, reason: "a compressed part fails its checksum") }
        return content
    }
}
