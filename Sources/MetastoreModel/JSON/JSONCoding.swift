extension JSON: Codable {
    /// Reads a value of any kind. Coders write 1.0 as 1: a number without decimals is read as an integer, unlike
    /// in a ``JSONObject``, whose text stays as it is.
    public init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Int64.self) {
            self = .integer(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let values = try? container.decode([JSON].self) {
            self = .array(values)
        } else {
            self = .object(NamedValues(try container.decode([String: JSON].self)))
        }
    }

    /// Writes the value as it is. Coders have one member of a name in whatever spelling; a ``JSONObject`` goes
    /// through them as its text, and keeps each.
    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .null: try container.encodeNil()
        case .bool(let value): try container.encode(value)
        case .integer(let value): try container.encode(value)
        case .number(let value): try container.encode(value)
        case .string(let value): try container.encode(value)
        case .array(let values): try container.encode(values)
        case .object(let values):
            try container.encode(Dictionary(values.map { ($0.key, $0.value) }) { $1 })
        }
    }
}

extension CanonicalText {
    /// The text as one string: exact whatever the coder does to numbers.
    init(from decoder: any Decoder, rule: JSONRule) throws {
        let container = try decoder.singleValueContainer()
        do {
            self = try CanonicalText(parsing: try container.decode(String.self), rule: rule)
        } catch let error as ModelError {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: error.description)
        }
    }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encode(text)
    }
}
