/// The number of one committed transaction with changes: 1, 2, 3, … without a hole, in commit order.
///
/// A record carries the revision of its last logged change; ``absent`` stands for "not there", so that a
/// write conditional on it creates and never overwrites.
public struct Revision: Sendable, Hashable, RawRepresentable {
    /// The number, as it is stored.
    public let rawValue: Int64

    /// The revision with the given number.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }

    /// The revision with the given number.
    public init(_ number: Int64) {
        rawValue = number
    }

    /// What a record that doesn't exist has.
    public static let absent = Revision(0)

    /// The revision after this one.
    package var next: Revision { Revision(rawValue + 1) }
}

extension Revision: Comparable {
    /// Committed earlier is less.
    public static func < (left: Revision, right: Revision) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension Revision: ExpressibleByIntegerLiteral {
    /// The revision with the given number: `ifRevision: 12`.
    public init(integerLiteral value: Int64) {
        rawValue = value
    }
}

extension Revision: LosslessStringConvertible {
    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Reads what ``description`` gives; `nil` for any other spelling.
    public init?(_ description: String) {
        guard let number = Int64(description), String(number) == description else { return nil }
        rawValue = number
    }
}

extension Revision: Codable {
    /// Reads a plain number.
    public init(from decoder: any Decoder) throws {
        rawValue = try Int64(from: decoder)
    }

    /// Writes a plain number.
    public func encode(to encoder: any Encoder) throws {
        try rawValue.encode(to: encoder)
    }
}
