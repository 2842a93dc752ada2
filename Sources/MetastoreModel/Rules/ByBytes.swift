/// A text of a record, several or none: equal to another when the bytes are, as in a database.
///
/// Swift's own equality of texts takes both spellings of "é" for one.
@propertyWrapper
public struct ByBytes<Value: ByteComparable>: Sendable, Hashable {
    /// The text.
    public var wrappedValue: Value

    /// Holds the text.
    public init(wrappedValue: Value) {
        self.wrappedValue = wrappedValue
    }

    /// Whether the bytes are the same.
    public static func == (left: ByBytes, right: ByBytes) -> Bool {
        Value.hasSameBytes(left.wrappedValue, right.wrappedValue)
    }

    /// Feeds the bytes.
    public func hash(into hasher: inout Hasher) {
        Value.feedBytes(of: wrappedValue, to: &hasher)
    }
}

extension ByBytes: CustomDebugStringConvertible {
    /// The text alone, so that a record shows what it holds.
    public var debugDescription: String { String(reflecting: wrappedValue) }
}

/// What ``ByBytes`` holds: texts.
public protocol ByteComparable: Sendable, Codable {
    /// Whether the bytes are the same.
    static func hasSameBytes(_ left: Self, _ right: Self) -> Bool
    /// Feeds the bytes.
    static func feedBytes(of value: Self, to hasher: inout Hasher)
}

extension String: ByteComparable {
    /// Whether the bytes are the same.
    public static func hasSameBytes(_ left: String, _ right: String) -> Bool { left.equalsByBytes(right) }
    /// Feeds the bytes.
    public static func feedBytes(of value: String, to hasher: inout Hasher) { value.hashBytes(into: &hasher) }
}

extension Optional: ByteComparable where Wrapped: ByteComparable {
    /// Whether both are nil or the bytes are the same.
    public static func hasSameBytes(_ left: Wrapped?, _ right: Wrapped?) -> Bool {
        guard let left, let right else { return left == nil && right == nil }
        return Wrapped.hasSameBytes(left, right)
    }

    /// Feeds the bytes.
    public static func feedBytes(of value: Wrapped?, to hasher: inout Hasher) {
        hasher.combine(value != nil)
        if let value { Wrapped.feedBytes(of: value, to: &hasher) }
    }
}

extension Array: ByteComparable where Element: ByteComparable {
    /// Whether both have as many, of the same bytes.
    public static func hasSameBytes(_ left: [Element], _ right: [Element]) -> Bool {
        left.elementsEqual(right, by: Element.hasSameBytes)
    }

    /// Feeds the bytes.
    public static func feedBytes(of value: [Element], to hasher: inout Hasher) {
        hasher.combine(value.count)
        for element in value { Element.feedBytes(of: element, to: &hasher) }
    }
}

extension ByBytes: Codable {
    /// Reads the text alone.
    public init(from decoder: any Decoder) throws {
        wrappedValue = try Value(from: decoder)
    }

    /// Writes the text alone.
    public func encode(to encoder: any Encoder) throws {
        try wrappedValue.encode(to: encoder)
    }
}

// The compiler's own coding of a record takes these, so that no text is a member left out, as it is without a wrapper.
extension KeyedDecodingContainer {
    func decode(_ type: ByBytes<String?>.Type, forKey key: Key) throws -> ByBytes<String?> {
        ByBytes(wrappedValue: try decodeIfPresent(String.self, forKey: key))
    }
}

extension KeyedEncodingContainer {
    mutating func encode(_ value: ByBytes<String?>, forKey key: Key) throws {
        try encodeIfPresent(value.wrappedValue, forKey: key)
    }
}
