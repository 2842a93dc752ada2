package import FoundationEssentials

/// Lower-case hexadecimal text of words, bytes and UUIDs, the one spelling used in paths and positions.
package enum Hexadecimal {
    /// Sixteen digits.
    package static func text(of word: UInt64) -> String {
        String(unsafeUninitializedCapacity: 16) { buffer in
            for index in 0..<16 {
                buffer[index] = digit(UInt8(truncatingIfNeeded: word >> (60 - 4 * UInt64(index))) & 0xF)
            }
            return 16
        }
    }

    /// Two digits for each byte.
    package static func text(of bytes: [UInt8]) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { buffer in
            for (index, byte) in bytes.enumerated() {
                buffer[index * 2] = digit(byte >> 4)
                buffer[index * 2 + 1] = digit(byte & 0xF)
            }
            return bytes.count * 2
        }
    }

    /// Exactly sixteen lower-case digits as a word.
    package static func word(_ digits: some Sequence<UInt8>) -> UInt64? {
        var word: UInt64 = 0
        var count = 0
        for byte in digits {
            guard count < 16, let value = value(of: byte) else { return nil }
            word = word << 4 | UInt64(value)
            count += 1
        }
        return count == 16 ? word : nil
    }

    /// The value of one lower-case digit.
    package static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 0x30...0x39: digit - 0x30
        case 0x61...0x66: digit - 0x61 + 10
        default: nil
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? 0x30 + value : 0x61 + value - 10
    }
}

extension UUID {
    /// The usual text in lower case, the one spelling that paths and positions have.
    package var lowercaseText: String {
        let (high, low) = words
        let digits = Array((Hexadecimal.text(of: high) + Hexadecimal.text(of: low)).utf8)
        return String(unsafeUninitializedCapacity: 36) { buffer in
            var filled = 0
            for (index, digit) in digits.enumerated() {
                if index == 8 || index == 12 || index == 16 || index == 20 {
                    buffer[filled] = UInt8(ascii: "-")
                    filled += 1
                }
                buffer[filled] = digit
                filled += 1
            }
            return filled
        }
    }

    /// The 16 bytes as two big-endian words: they order as the bytes do.
    package var words: (high: UInt64, low: UInt64) {
        let b = uuid
        let high = [b.0, b.1, b.2, b.3, b.4, b.5, b.6, b.7].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        let low = [b.8, b.9, b.10, b.11, b.12, b.13, b.14, b.15].reduce(0 as UInt64) { $0 << 8 | UInt64($1) }
        return (high, low)
    }

    /// Whether this id comes first when both are read as 16 bytes, which is how every engine orders them.
    package func precedesByBytes(_ other: UUID) -> Bool {
        words < other.words
    }
}
