package import MetastoreModel

/// JSON in YAML's block style: what YAML takes for JSON anyway, its texts in JSON's quotes, so that nothing in them can
/// be mistaken for anything else. (A library for it would bring all of Foundation into a program that is copied to a
/// rescue instance.)
package enum YAMLText {
    /// The value's lines, each with its line's end.
    package static func text(_ value: JSON) -> String { lines(value, indent: 0).joined() }

    /// As an item of a list that is written one by one.
    package static func item(_ value: JSON) -> String { item(value, indent: 0).joined() }

    private static func lines(_ value: JSON, indent: Int) -> [String] {
        let space = String(repeating: " ", count: indent)
        switch value {
        case .object(let members) where !members.isEmpty:
            return members.flatMap { name, value -> [String] in
                isBlock(value)
                    ? ["\(space)\(key(name)):\n"] + lines(value, indent: indent + 2)
                    : ["\(space)\(key(name)): \(scalar(value))\n"]
            }
        case .array(let values) where !values.isEmpty: return values.flatMap { item($0, indent: indent) }
        default: return ["\(space)\(scalar(value))\n"]
        }
    }

    private static func item(_ value: JSON, indent: Int) -> [String] {
        let space = String(repeating: " ", count: indent)
        guard isBlock(value) else { return ["\(space)- \(scalar(value))\n"] }
        var inner = lines(value, indent: indent + 2)
        inner[0] = "\(space)- " + inner[0].dropFirst(indent + 2)
        return inner
    }

    private static func isBlock(_ value: JSON) -> Bool {
        switch value {
        case .object(let members): !members.isEmpty
        case .array(let values): !values.isEmpty
        default: false
        }
    }

    private static func scalar(_ value: JSON) -> String {
        switch value {
        case .null: "null"
        case .bool(let flag): flag ? "true" : "false"
        case .integer(let number): String(number)
        case .number(let number): number.isFinite ? "\(number)" : ".nan"
        case .string(let text): JSON.quoted(text)
        case .array: "[]"
        case .object: "{}"
        }
    }

    /// A name as it is where it is surely one.
    private static func key(_ name: String) -> String {
        let isPlain = name.utf8.first.map { (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) } ?? false
        let reserved = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"]
        let isWord = name.utf8.allSatisfy {
            (0x61...0x7A).contains($0) || (0x41...0x5A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x5F
        }
        return isPlain && isWord && !reserved.contains(name.lowercased()) ? name : JSON.quoted(name)
    }
}
