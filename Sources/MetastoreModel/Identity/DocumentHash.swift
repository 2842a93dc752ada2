/// The SHA-256 of a document's content: what records hold in place of bytes that repeat.
public struct DocumentHash: Sendable, Hashable {
    private let first: UInt64
    private let second: UInt64
    private let third: UInt64
    private let fourth: UInt64

    /// How many bytes a hash has.
    public static let length = 32

    /// The hash with the given 32 bytes; `nil` for any other number of them.
    public init?(bytes: some Sequence<UInt8>) {
        var words: [4 of UInt64] = [0, 0, 0, 0]
        var count = 0
        for byte in bytes {
            guard count < DocumentHash.length else { return nil }
            words[count / 8] = words[count / 8] << 8 | UInt64(byte)
            count += 1
        }
        guard count == DocumentHash.length else { return nil }
        (first, second, third, fourth) = (words[0], words[1], words[2], words[3])
    }

    /// The hash with the 32 bytes that lie there; `nil` for any other number of them.
    package init?(_ content: UnsafeRawBufferPointer) {
        guard content.count == DocumentHash.length else { return nil }
        func word(_ index: Int) -> UInt64 {
            UInt64(bigEndian: content.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self))
        }
        (first, second, third, fourth) = (word(0), word(1), word(2), word(3))
    }

    /// The 32 bytes.
    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(DocumentHash.length)
        for word in [first, second, third, fourth] {
            for shift in stride(from: 56 as UInt64, through: 0, by: -8) {
                bytes.append(UInt8(truncatingIfNeeded: word >> shift))
            }
        }
        return bytes
    }
}

extension DocumentHash: Comparable {
    /// Hashes order as their bytes do.
    public static func < (left: DocumentHash, right: DocumentHash) -> Bool {
        (left.first, left.second, left.third, left.fourth) < (
            right.first, right.second, right.third, right.fourth
        )
    }
}

extension DocumentHash: LosslessStringConvertible {
    /// 64 lower-case hexadecimal digits.
    public var description: String { Hexadecimal.text(of: bytes) }

    /// Reads what ``description`` gives; `nil` for anything else.
    public init?(_ description: String) {
        let digits = Array(description.utf8)
        guard digits.count == 64,
            let first = Hexadecimal.word(digits[0..<16]), let second = Hexadecimal.word(digits[16..<32]),
            let third = Hexadecimal.word(digits[32..<48]), let fourth = Hexadecimal.word(digits[48..<64])
        else { return nil }
        (self.first, self.second, self.third, self.fourth) = (first, second, third, fourth)
    }
}

extension DocumentHash: Codable {
    /// Reads 64 hexadecimal digits.
    public init(from decoder: any Decoder) throws {
        self = try decoder.lossless("64 lower-case hexadecimal digits")
    }

    /// Writes ``description``.
    public func encode(to encoder: any Encoder) throws {
        try description.encode(to: encoder)
    }
}
