/// CRC-32C (Castagnoli, RFC 3720): finds every single flipped bit and every burst of up to 32, before anything is
/// decompressed or believed. Who wrote the bytes it doesn't tell: that does the chain.
package enum Checksum {
    /// Whether wrong ones pass: in a build for fuzzing alone, where they would keep everything behind them from being
    /// tried. LLVM's name for such builds.
    package static var isIgnored: Bool {
        #if FUZZING_BUILD_MODE_UNSAFE_FOR_PRODUCTION
            true
        #else
            false
        #endif
    }

    private static let table: [UInt32] = (0..<256).map { byte in
        (0..<8).reduce(UInt32(byte)) { rest, _ in rest & 1 == 1 ? rest >> 1 ^ 0x82F6_3B78 : rest >> 1 }
    }

    /// Of these bytes.
    package static func of(_ bytes: UnsafeRawBufferPointer) -> UInt32 {
        ~table.withUnsafeBufferPointer { table in
            bytes.reduce(~UInt32(0)) { rest, byte in rest >> 8 ^ table[Int(UInt8(truncatingIfNeeded: rest) ^ byte)] }
        }
    }

    /// Of a part of an array.
    package static func of(_ bytes: [UInt8], _ range: Range<Int>) -> UInt32 {
        bytes.withUnsafeBytes { of(UnsafeRawBufferPointer(rebasing: $0[range])) }
    }
}
