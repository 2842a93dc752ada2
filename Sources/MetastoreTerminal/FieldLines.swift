/// Named values, a line each: names in one column, values in the other, which go on below themselves where a terminal
/// is too narrow.
package struct FieldLines: Hashable, Sendable {
    private var fields: [(name: String, value: String, look: TerminalStyle.Look)] = []

    package init() {}

    package mutating func add(_ name: String, _ value: String, _ look: TerminalStyle.Look = .plain) {
        fields.append((name, value, look))
    }

    /// The lines, in the order in which the fields were added.
    package func lines(_ style: TerminalStyle) -> [String] {
        let column = (fields.map { TerminalText.width($0.name) }.max() ?? 0) + 2
        return fields.flatMap { name, value, look in
            let parts = TerminalText.wrapped(value, to: style.width.map { max(20, $0 - column) })
            return parts.enumerated().map { index, part in
                let head = TerminalText.padded(index == 0 ? name : "", to: column)
                return Self.trimmed(style.line([.init(head, .dim), .init(part, look)]), part)
            }
        }
    }

    private static func trimmed(_ line: String, _ part: String) -> String {
        guard part.isEmpty else { return line }
        return String(line.reversed().drop { $0 == " " }.reversed())
    }

    package static func == (left: FieldLines, right: FieldLines) -> Bool {
        left.lines(.plain) == right.lines(.plain)
    }

    package func hash(into hasher: inout Hasher) { hasher.combine(lines(.plain)) }
}

extension TerminalText {
    /// The text in lines of at most so many columns, broken at spaces; a longer word has a line of its own.
    package static func wrapped(_ text: String, to width: Int?) -> [String] {
        guard let width else { return [text] }
        var lines: [String] = []
        var line = ""
        for word in text.split(separator: " ", omittingEmptySubsequences: false) {
            if !line.isEmpty, Self.width(line) + 1 + Self.width(String(word)) > width {
                lines.append(line)
                line = String(word)
            } else {
                line += (line.isEmpty ? "" : " ") + word
            }
        }
        return lines + [line]
    }
}
