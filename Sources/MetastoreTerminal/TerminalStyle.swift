/// How output may look where it goes.
package struct TerminalStyle: Hashable, Sendable {
    /// Whether lines may be painted over: a terminal that knows how. Otherwise every line stands for itself.
    package var isLive: Bool
    package var hasColor: Bool
    /// Whether characters beyond ASCII may be drawn with.
    package var hasUnicode: Bool
    /// Columns; nil means unbounded (a pipe).
    package var width: Int?
    /// Lines of the terminal.
    package var height: Int

    package init(isLive: Bool, hasColor: Bool, hasUnicode: Bool, width: Int?, height: Int = 24) {
        self.isLive = isLive
        self.hasColor = hasColor
        self.hasUnicode = hasUnicode
        self.width = width
        self.height = height
    }

    /// Plain lines, as in a pipe or a log.
    package static let plain = TerminalStyle(isLive: false, hasColor: false, hasUnicode: false, width: nil)

    /// What the environment asks for: `NO_COLOR`, `CLICOLOR_FORCE`, `TERM=dumb`, and the encoding of the
    /// locale.
    package init(environment: [String: String], isTerminal: Bool, width: Int = 80, height: Int = 24) {
        func isSet(_ name: String) -> Bool { !(environment[name] ?? "").isEmpty }
        let isCapable = isTerminal && isSet("TERM") && environment["TERM"] != "dumb"
        let forced = isSet("CLICOLOR_FORCE") && environment["CLICOLOR_FORCE"] != "0"
        let locale =
            ["LC_ALL", "LC_CTYPE", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        let encoding = locale.lowercased()
        self.init(
            isLive: isCapable, hasColor: !isSet("NO_COLOR") && (isCapable || forced),
            hasUnicode: isTerminal && (encoding.contains("utf-8") || encoding.contains("utf8")),
            width: isTerminal ? max(20, width) : nil, height: max(4, height))
    }

    /// Text with the look it shall have.
    package struct Span: Hashable, Sendable {
        package let text: String
        package let look: Look

        package init(_ text: String, _ look: Look = .plain) {
            self.text = text
            self.look = look
        }
    }

    /// The looks there are.
    package enum Look: String, Hashable, Sendable {
        case plain = ""
        case bold = "1"
        case dim = "2"
        case red = "31"
        case green = "32"
        case yellow = "33"
        case cyan = "36"
    }

    /// One line from spans, cut to the width, in colour if there is any.
    package func line(_ spans: [Span]) -> String {
        let whole = spans.reduce(0) { $0 + TerminalText.width($1.text) }
        let isCut = whole > width ?? .max
        var left = isCut ? (width ?? 1) - 1 : whole
        var line = ""
        for span in spans where left > 0 {
            let (text, isWhole) = TerminalText.beginning(of: span.text, width: left)
            left = isWhole ? left - TerminalText.width(text) : 0
            line += hasColor && span.look != .plain ? "\u{1B}[\(span.look.rawValue)m\(text)\u{1B}[0m" : text
        }
        return isCut ? line + (hasUnicode ? "…" : "~") : line
    }
}
