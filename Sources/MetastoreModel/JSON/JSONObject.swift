/// A JSON object, held as its canonical text and taken apart only when it is looked into.
///
/// Both engines give back the same text, and equal objects have equal text: keys sorted by bytes, no white
/// space, the fewest escapes, numbers in one spelling (−0.0 as 0.0). Nothing is changed in value: an integer
/// beyond 64 bits keeps its digits.
public struct JSONObject: Sendable, Hashable {
    private let canonical: CanonicalText

    /// The values as one JSON object.
    ///
    /// Throws ``ModelError`` for NUL, a number that isn't finite, more than ``Limits/jsonDepth`` levels or
    /// ``Limits/jsonBytes``; it names the path.
    public init(_ values: NamedValues<JSON>) throws(ModelError) {
        canonical = try CanonicalText { (writer) throws(JSONFault) in try writer.write(values) }
    }

    /// The values as one JSON object; throws as the other.
    public init(_ values: [String: JSON]) throws(ModelError) {
        try self.init(NamedValues(values))
    }

    /// Any text of a JSON object.
    ///
    /// Throws ``ModelError`` for text that isn't one, NUL, half a surrogate pair, a key that stands twice, a
    /// number beyond every double, more than ``Limits/jsonDepth`` levels or ``Limits/jsonBytes``; it names
    /// the path.
    public init(parsing text: String) throws(ModelError) {
        canonical = try CanonicalText(parsing: text, rule: .any)
    }

    /// Text that is known to be canonical because it was stored; nothing is checked.
    package init(canonical text: String) {
        canonical = CanonicalText(canonical: text)
    }

    /// The canonical text.
    public var text: String { canonical.text }

    /// All values; taken apart on every call.
    public var values: NamedValues<JSON> {
        JSONReader.read(text) { (reader) throws(JSONFault) in try reader.object() } ?? [:]
    }

    /// The named value; only the text up to it is read.
    public subscript(name: String) -> JSON? {
        JSONReader.read(text) { (reader) throws(JSONFault) -> JSON? in
            guard try reader.seek(name) else { return Optional.none }
            return try reader.value()
        }.flatMap { $0 }
    }

    /// The texts of a member that is a list of texts alone, of an object's canonical text; nil when there is no such
    /// member.
    package static func texts(_ name: String, of canonical: UTF8Span) -> [String]? {
        canonical.span.withUnsafeBufferPointer { input in
            var reader = JSONReader(input)
            guard (try? reader.seek(name)) == true else { return nil }
            return try? reader.texts()
        }
    }

    /// Throws what is wrong with a literal, which couldn't where it stands. The store calls it before it
    /// writes.
    package func validate(field: String) throws(ModelError) {
        try canonical.validate(field: field)
    }
}

extension JSONObject: ExpressibleByDictionaryLiteral {
    /// The last one of a repeated name counts. What else is wrong with the literal is told when it is stored.
    public init(dictionaryLiteral elements: (String, JSON)...) {
        let values = NamedValues(elements.lazy.map { (key: $0.0, value: $0.1) })
        canonical = CanonicalText { () throws(ModelError) in try JSONObject(values).canonical }
    }
}

extension JSONObject: CustomStringConvertible {
    /// Same as ``text``.
    public var description: String { text }
}

extension JSONObject: Codable {
    /// Reads the text that ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        canonical = try CanonicalText(from: decoder, rule: .any)
    }

    /// Writes ``text`` as one string, so that no coder touches a number in it.
    public func encode(to encoder: any Encoder) throws {
        try canonical.encode(to: encoder)
    }
}
