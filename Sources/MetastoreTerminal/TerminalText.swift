/// Text on a terminal: how wide it is, and made harmless.
package enum TerminalText {
    /// How many columns a text takes: two for wide characters (CJK, emoji), none for control characters.
    package static func width(_ text: String) -> Int { text.reduce(0) { $0 + width($1) } }

    /// The text on one line without control characters (they become `�`, line breaks and tabs a space), cut
    /// to `width` columns, the last of them `…` if something is missing.
    package static func clean(_ text: String, width limit: Int) -> String {
        let (whole, isWhole) = beginning(of: text, width: limit)
        guard !isWhole, limit > 0 else { return whole }
        return beginning(of: text, width: limit - 1).text + "…"
    }

    /// As much of the text, made harmless, as fits into `width` columns, and whether that is all of it.
    package static func beginning(of text: String, width limit: Int) -> (text: String, isWhole: Bool) {
        var kept = ""
        var used = 0
        for character in text {
            let shown = harmless(character)
            used += width(shown)
            guard used <= limit else { return (kept, false) }
            kept.append(shown)
        }
        return (kept, true)
    }

    /// The text followed by spaces up to `width` columns, or cut to it.
    package static func padded(_ text: String, to width: Int) -> String {
        let cut = clean(text, width: width)
        return cut + String(repeating: " ", count: max(0, width - self.width(cut)))
    }

    /// The text after as many spaces as it takes to fill `width` columns; never cut.
    package static func padded(left text: String, to width: Int) -> String {
        String(repeating: " ", count: max(0, width - self.width(text))) + text
    }

    private static func harmless(_ character: Character) -> Character {
        if character.isNewline || character == "\t" { return " " }
        let isControl = character.unicodeScalars.contains { scalar in
            scalar.properties.generalCategory == .control || (0x202A...0x202E).contains(scalar.value)
                || (0x2066...0x2069).contains(scalar.value)
        }
        return isControl ? "\u{FFFD}" : character
    }

    private static func width(_ character: Character) -> Int {
        guard let first = character.unicodeScalars.first else { return 0 }
        switch first.properties.generalCategory {
        case .control, .format, .nonspacingMark, .enclosingMark: return 0
        default: break
        }
        if character.unicodeScalars.contains(where: { $0.value == 0xFE0F }) { return 2 }
        return wide.contains { $0.contains(first.value) } ? 2 : 1
    }

    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1F64F, 0x1F680...0x1F6FF, 0x1F900...0x1F9FF,
        0x20000...0x3FFFD,
    ]
}
