/// One reign over a store: a counter that every takeover, promotion and restore raises, and a nonce.
///
/// The counter fences a deposed master; the nonce tells apart two histories that reached the same count on
/// their own.
public struct Epoch: Sendable, Hashable {
    /// Counts from 1 over the life of the cluster.
    public let number: Int64
    /// Random; equal only for the same reign.
    public let nonce: UInt64

    /// The epoch with the given number and nonce.
    public init(number: Int64, nonce: UInt64) {
        self.number = number
        self.nonce = nonce
    }
}

extension Epoch: Comparable {
    /// Epochs order by number; the nonce decides only between two histories, and only so that the order is
    /// total.
    public static func < (left: Epoch, right: Epoch) -> Bool {
        (left.number, left.nonce) < (right.number, right.nonce)
    }
}

extension Epoch: LosslessStringConvertible {
    /// The number, a hyphen and the nonce in 16 hexadecimal digits: `3-9f86d081884c7d65`.
    public var description: String {
        "\(number)-\(Hexadecimal.text(of: nonce))"
    }

    /// Reads what ``description`` gives; `nil` for anything else.
    public init?(_ description: String) {
        guard let hyphen = description.utf8.lastIndex(of: UInt8(ascii: "-")) else { return nil }
        let digits = description[..<hyphen]
        guard let number = Int64(digits), String(number) == digits,
            let nonce = Hexadecimal.word(description[hyphen...].dropFirst().utf8)
        else { return nil }
        self.init(number: number, nonce: nonce)
    }
}

extension Epoch: Codable {
    /// Reads the text that ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        self = try decoder.lossless("an epoch such as 3-9f86d081884c7d65")
    }

    /// Writes ``description``.
    public func encode(to encoder: any Encoder) throws {
        try description.encode(to: encoder)
    }
}

extension Decoder {
    /// One text from which a value is read back, or an error that says what was expected.
    func lossless<Value: LosslessStringConvertible>(_ expected: String) throws -> Value {
        let container = try singleValueContainer()
        guard let value = Value(try container.decode(String.self)) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "Expected \(expected).")
        }
        return value
    }
}
