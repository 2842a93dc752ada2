/// A JSON value.
///
/// Integers of 64 bits are kept apart from other numbers, so that both come back as they went in.
public enum JSON: Sendable {
    /// `null`
    case null
    /// `true` or `false`
    case bool(Bool)
    /// A number without decimals or exponent, within 64 bits.
    case integer(Int64)
    /// Any other number. An integer beyond 64 bits is kept digit for digit in the text of its object and is
    /// read as the nearest double here.
    case number(Double)
    /// Text.
    case string(String)
    /// Values in order.
    case array([JSON])
    /// Values by name.
    case object(NamedValues<JSON>)
}

extension JSON: ExpressibleByNilLiteral, ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral,
    ExpressibleByFloatLiteral, ExpressibleByStringLiteral, ExpressibleByArrayLiteral,
    ExpressibleByDictionaryLiteral
{
    /// `null`
    public init(nilLiteral: ()) { self = .null }
    /// `true` or `false`
    public init(booleanLiteral value: Bool) { self = .bool(value) }
    /// An integer.
    public init(integerLiteral value: Int64) { self = .integer(value) }
    /// A number.
    public init(floatLiteral value: Double) { self = .number(value) }
    /// Text.
    public init(stringLiteral value: String) { self = .string(value) }
    /// Values in order.
    public init(arrayLiteral elements: JSON...) { self = .array(elements) }
    /// Values by name; the last one of a repeated name counts.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        self = .object(NamedValues(elements.lazy.map { (key: $0.0, value: $0.1) }))
    }
}

extension JSON {
    /// The value if it is text.
    public var string: String? { if case .string(let value) = self { value } else { nil } }

    /// The value if it is an integer within 64 bits.
    public var integer: Int64? { if case .integer(let value) = self { value } else { nil } }

    /// The value if it is a number, an integer to the nearest double.
    public var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        default: nil
        }
    }

    /// The value if it is `true` or `false`.
    public var bool: Bool? { if case .bool(let value) = self { value } else { nil } }

    /// The values if it is an array.
    public var array: [JSON]? { if case .array(let values) = self { values } else { nil } }

    /// The values if it is an object.
    public var object: NamedValues<JSON>? { if case .object(let values) = self { values } else { nil } }

    /// The named value of an object; `nil` when there is none or it isn't an object.
    public subscript(name: String) -> JSON? { object?[name] }
}

extension JSON: Hashable {
    /// Whether both are the same value; texts are compared by their bytes.
    public static func == (left: JSON, right: JSON) -> Bool {
        switch (left, right) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.integer(let left), .integer(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): left.equalsByBytes(right)
        case (.array(let left), .array(let right)): left == right
        case (.object(let left), .object(let right)): left == right
        default: false
        }
    }

    /// Feeds what `==` compares.
    public func hash(into hasher: inout Hasher) {
        switch self {
        case .null: hasher.combine(0)
        case .bool(let value): hasher.combine(value)
        case .integer(let value): hasher.combine(value)
        case .number(let value): hasher.combine(value)
        case .string(let value): value.hashBytes(into: &hasher)
        case .array(let values): hasher.combine(values)
        case .object(let values): hasher.combine(values)
        }
    }
}
