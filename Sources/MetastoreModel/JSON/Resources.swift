/// The files of a checkpoint, path → bytes, held as canonical JSON.
public struct Resources: Sendable, Hashable {
    private let canonical: CanonicalText

    /// The values as one JSON object.
    ///
    /// Throws ``ModelError`` for NUL in a path, a negative size, or more than ``Limits/jsonBytes``.
    public init(_ values: NamedValues<Int64>) throws(ModelError) {
        canonical = try CanonicalText { (writer) throws(JSONFault) in try writer.write(sizes: values) }
    }

    /// The values as one JSON object; throws as the other.
    public init(_ values: [String: Int64]) throws(ModelError) {
        try self.init(NamedValues(values))
    }

    /// Any text of a JSON object of integers from 0; throws ``ModelError`` for anything else.
    public init(parsing text: String) throws(ModelError) {
        canonical = try CanonicalText(parsing: text, rule: .sizes)
    }

    /// Text that is known to be canonical because it was stored; nothing is checked.
    package init(canonical text: String) {
        canonical = CanonicalText(canonical: text)
    }

    /// The canonical text.
    public var text: String { canonical.text }

    /// All sizes in bytes; taken apart on every call.
    public var values: NamedValues<Int64> {
        JSONReader.read(text) { (reader) throws(JSONFault) in
            var values: [(key: String, value: Int64)] = []
            try reader.members { (reader, key) throws(JSONFault) in
                values.append((key, try reader.size()))
                return true
            }
            return NamedValues(values)
        } ?? [:]
    }

    /// The named value; only the text up to it is read.
    public subscript(name: String) -> Int64? {
        var found: Int64?
        _ = JSONReader.read(text) { (reader) throws(JSONFault) in
            try reader.members { (reader, key) throws(JSONFault) in
                guard key.equalsByBytes(name) else {
                    try reader.skip()
                    return true
                }
                found = try reader.size()
                return false
            }
        }
        return found
    }

    /// The sum of all sizes in bytes; at most `Int64.max`.
    public var totalBytes: Int64 {
        values.values.reduce(0) { sum, size in
            let (total, overflow) = sum.addingReportingOverflow(size)
            return overflow ? .max : total
        }
    }

    /// Throws what is wrong with a literal, which couldn't where it stands. The store calls it before it
    /// writes.
    package func validate(field: String) throws(ModelError) {
        try canonical.validate(field: field)
    }
}

extension Resources: ExpressibleByDictionaryLiteral {
    /// The last one of a repeated name counts. What else is wrong with the literal is told when it is stored.
    public init(dictionaryLiteral elements: (String, Int64)...) {
        let values = NamedValues(elements.lazy.map { (key: $0.0, value: $0.1) })
        canonical = CanonicalText { () throws(ModelError) in try Resources(values).canonical }
    }
}

extension Resources: CustomStringConvertible {
    /// Same as ``text``.
    public var description: String { text }
}

extension Resources: Codable {
    /// Reads the text that ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        canonical = try CanonicalText(from: decoder, rule: .sizes)
    }

    /// Writes ``text`` as one string, so that no coder touches a number in it.
    public func encode(to encoder: any Encoder) throws {
        try canonical.encode(to: encoder)
    }
}
