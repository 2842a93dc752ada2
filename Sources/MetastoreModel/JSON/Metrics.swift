/// Named numbers, held as canonical JSON; NaN and the infinities are the strings `"NaN"`, `"Infinity"`,
/// `"-Infinity"`.
///
/// Every number is a double: `1` and `1.0` are the same metric. −0.0 is 0.0; every other value comes back
/// bit for bit, but for the payload of a NaN.
public struct Metrics: Sendable, Hashable {
    private let canonical: CanonicalText

    /// The values as one JSON object.
    ///
    /// Throws ``ModelError`` for NUL in a name or more than ``Limits/jsonBytes``.
    public init(_ values: NamedValues<Double>) throws(ModelError) {
        canonical = try CanonicalText { (writer) throws(JSONFault) in try writer.write(metrics: values) }
    }

    /// The values as one JSON object; throws as the other.
    public init(_ values: [String: Double]) throws(ModelError) {
        try self.init(NamedValues(values))
    }

    /// Any text of a JSON object of numbers and the three strings; throws ``ModelError`` for anything else.
    public init(parsing text: String) throws(ModelError) {
        canonical = try CanonicalText(parsing: text, rule: .metrics)
    }

    /// Text that is known to be canonical because it was stored; nothing is checked.
    package init(canonical text: String) {
        canonical = CanonicalText(canonical: text)
    }

    /// The canonical text.
    public var text: String { canonical.text }

    /// All numbers; taken apart on every call.
    public var values: NamedValues<Double> {
        JSONReader.read(text) { (reader) throws(JSONFault) in try reader.metrics(of: text) } ?? [:]
    }

    /// Lends each number in turn, in the order of the names' bytes, with where its name stands.
    func forEach(_ body: (JSONScanner, JSONScanner.StringToken, Double) throws(JSONFault) -> Void) {
        _ = JSONReader.read(text) { (reader) throws(JSONFault) in try reader.metrics(body) }
    }

    /// The named value; only the text up to it is read.
    public subscript(name: String) -> Double? {
        JSONReader.read(text) { (reader) throws(JSONFault) -> Double? in
            try reader.seek(name) ? try reader.metric() : nil
        }.flatMap { $0 }
    }

    /// Throws what is wrong with a literal, which couldn't where it stands. The store calls it before it
    /// writes.
    package func validate(field: String) throws(ModelError) {
        try canonical.validate(field: field)
    }
}

extension Metrics: ExpressibleByDictionaryLiteral {
    /// The last one of a repeated name counts. What else is wrong with the literal is told when it is stored.
    public init(dictionaryLiteral elements: (String, Double)...) {
        let values = NamedValues(elements.lazy.map { (key: $0.0, value: $0.1) })
        canonical = CanonicalText { () throws(ModelError) in try Metrics(values).canonical }
    }
}

extension Metrics: CustomStringConvertible {
    /// Same as ``text``.
    public var description: String { text }
}

extension Metrics: Codable {
    /// Reads the text that ``encode(to:)`` writes.
    public init(from decoder: any Decoder) throws {
        canonical = try CanonicalText(from: decoder, rule: .metrics)
    }

    /// Writes ``text`` as one string, so that no coder touches a number in it.
    public func encode(to encoder: any Encoder) throws {
        try canonical.encode(to: encoder)
    }
}
