internal import MetastoreModel

/// JSON put together from parts that are JSON already.
package enum JSONText {
    package static func object(_ members: [(String, String)]) -> String {
        "{" + members.map { JSON.quoted($0.0) + ":" + $0.1 }.joined(separator: ",") + "}"
    }

    package static func array(_ items: [String]) -> String { "[" + items.joined(separator: ",") + "]" }

    package static func text(_ text: String?) -> String { text.map(JSON.quoted) ?? "null" }

    package static func number(_ number: Int64?) -> String { number.map(String.init) ?? "null" }

    /// In lines, two spaces a level, names in the order of the object.
    package static func pretty(_ text: String) -> String {
        var printed = ""
        var depth = 0
        var isText = false
        var isEscaped = false
        var previous: Character = " "
        func line() { printed += "\n" + String(repeating: "  ", count: depth) }
        for character in text {
            defer { previous = character }
            if isText {
                printed.append(character)
                if isEscaped {
                    isEscaped = false
                } else if character == "\\" {
                    isEscaped = true
                } else if character == "\"" {
                    isText = false
                }
                continue
            }
            switch character {
            case "{", "[":
                if previous == "{" || previous == "[" { line() }
                printed.append(character)
                depth += 1
            case "}", "]":
                depth -= 1
                if previous != "{", previous != "[" { line() }
                printed.append(character)
            case ",":
                printed.append(character)
                line()
            case ":": printed += ": "
            case " ", "\n": continue
            default:
                if previous == "{" || previous == "[" { line() }
                printed.append(character)
                if character == "\"" { isText = true }
            }
        }
        return printed
    }
}
