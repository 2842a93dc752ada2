/// The number of one record, typed by the record: an `ID<Trial>` is not an `ID<Experiment>`.
///
/// The store gives ids from counters in its own transaction: they start at 1, are never reused, and are
/// equal on every engine.
public struct ID<Record>: Sendable, Hashable, RawRepresentable {
    /// The number, as it is stored.
    public let rawValue: Int64

    /// The id with the given number; nothing is looked up.
    public init(rawValue: Int64) {
        self.rawValue = rawValue
    }
}

extension ID: Comparable {
    /// Ids order by number, which is the order in which the store gave them.
    public static func < (left: ID, right: ID) -> Bool {
        left.rawValue < right.rawValue
    }
}

extension ID: LosslessStringConvertible {
    /// The number in decimal.
    public var description: String { String(rawValue) }

    /// Reads what ``description`` gives; `nil` for any other spelling of the number ("+1", "01").
    public init?(_ description: String) {
        guard let number = Int64(description), String(number) == description else { return nil }
        rawValue = number
    }
}

extension ID: ExpressibleByIntegerLiteral {
    /// The id with the given number, where a program or a test writes it down.
    public init(integerLiteral value: Int64) {
        rawValue = value
    }
}

extension ID: Codable {
    /// Reads a plain number.
    public init(from decoder: any Decoder) throws {
        rawValue = try Int64(from: decoder)
    }

    /// Writes a plain number.
    public func encode(to encoder: any Encoder) throws {
        try rawValue.encode(to: encoder)
    }
}
