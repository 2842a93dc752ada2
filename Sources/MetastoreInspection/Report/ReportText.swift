// Invariants
// 1. Nothing that came out of a store becomes markup, whatever it is. Scalars are looked at, not characters: U+0600 and
//    "<" are one character, and a browser sees a tag there.
// 2. Nothing that came out of a store changes how anything else reads: what can't be seen is shown as a code, and
//    overrides of the direction of writing have no effect.

internal import Mustache

/// How the texts of a store are put into the page.
struct ReportText: MustacheContentType {
    /// In the template: `{{% CONTENT_TYPE:REPORT}}`.
    static let name = "REPORT"

    func escapeText(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "&": escaped += "&amp;"
            case "\"": escaped += "&quot;"
            case "'": escaped += "&#39;"
            case _ where Self.isHidden(scalar): escaped += "⟨U+\(Self.code(scalar))⟩"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Controls, overrides of direction, and what no document may contain.
    private static func isHidden(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0..<0x20, 0x7F...0x9F, 0x202A...0x202E, 0x2066...0x2069, 0xFDD0...0xFDEF: true
        default: scalar.value & 0xFFFE == 0xFFFE
        }
    }

    private static func code(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        return String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    }

    /// The beginning of a long text. Counted in scalars, since one character may have any number of them.
    static func clipped(_ text: String, to most: Int = 120) -> String {
        guard text.unicodeScalars.count > most else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.prefix(most - 1))) + "…"
    }
}
