/// Texts that break what quotes, escapes, parses, orders or folds them.
enum HostileTexts {
    private static let pieces = [
        // SQL.
        "'", "''", "\"", "`", ";", "--", "/*", "*/", "E'\\''", "$1", "?1", ":a", "@a", "$$", "$tag$", "'||'", "%", "_",
        "%s", "%n", "\\%", "NULL", "\\N", "\\.", "); DROP TABLE trials; --", "' OR '1'='1", "U&'\\0041'", "::text",
        // Escapes, some of what isn't there.
        "\\", "\\\\", "\\0", "\\x00", "\\u0000", "\\ud800", "\\uDFFF\\ud83d", "%00", "%2F", "%", "&#0;", "=00", "\\(x)",
        // JSON, its paths, arrays and patterns.
        "{", "}", "[", "]", "{}", "{1,2}", "{\"a\":1}", "$.a[0].\"b\"", "$..*", "#>>", "->>", ",", ":", "NaN", "1e999",
        "true", "*", "**", "[a-z]", "(", ")", "(?i)", ".", "..", "../", "/", "//", "#", "~", "^$",
        // Blanks and controls.
        " ", "  ", "\t", "\n", "\r", "\r\n", "\u{1}", "\u{8}", "\u{B}", "\u{1B}[2J", "\u{1F}", "\u{7F}", "\u{80}",
        "\u{85}", "\u{9F}", "\u{A0}", "\u{2028}", "\u{2029}", "\u{3000}",
        // Text that turns around, hides, joins or combines.
        "\u{202A}", "\u{202E}", "\u{202C}", "\u{2066}", "\u{2069}", "\u{200E}", "\u{200F}", "\u{200B}", "\u{200D}",
        "\u{FEFF}", "\u{AD}", "\u{301}", "\u{301}\u{327}", "e\u{301}", "\u{E9}", "\u{1E9B}\u{323}", "\u{AC00}",
        "\u{1100}\u{1161}", "\u{0627}\u{0644}", "\u{5D0}\u{5D1}", "\u{E0001}", "\u{FE0F}",
        // Letters that fold to something else.
        "\u{DF}", "\u{1E9E}", "I", "i", "\u{130}", "\u{131}", "\u{212A}", "\u{FB00}", "\u{3C2}", "A", "a",
        // Many in one character, as people see it.
        "\u{1F600}", "\u{1F468}\u{200D}\u{1F469}", "\u{1F1E6}\u{1F1E7}",
    ]

    /// The ends of the encoding: next to the surrogates, beyond the first plane, and what is no character.
    private static let edges: [UInt32] = [
        0x7FF, 0x800, 0xD7FF, 0xE000, 0xFDD0, 0xFDEF, 0xFFFD, 0xFFFE, 0xFFFF, 0x10000, 0x1FFFE, 0x10FFFE, 0x10FFFF,
    ]

    /// So many texts, no two of the same bytes, each a name: between 1 byte and 256.
    static func make(_ count: Int, _ random: inout Randomness) -> [String] {
        var known: Set<[UInt8]> = []
        var texts: [String] = []
        while texts.count < count {
            let text = one(&random)
            if !text.isEmpty, known.insert(Array(text.utf8)).inserted { texts.append(text) }
        }
        return texts
    }

    private static func one(_ random: inout Randomness) -> String {
        // Some are as long as a name may be.
        let (most, bytes) = random.chance(5) ? (1_000, 256) : (Int(random.number(1...8)), 200)
        var text = ""
        for _ in 0..<most {
            let piece = random.chance(75) ? random.pick(pieces) : scalar(&random)
            guard text.utf8.count + piece.utf8.count <= bytes else { break }
            text += piece
        }
        return text
    }

    /// Any character but NUL.
    private static func scalar(_ random: inout Randomness) -> String {
        let ranges: [ClosedRange<Int64>] = [
            1...0x7F, 0x80...0x7FF, 0x800...0xD7FF, 0xE000...0xFFFF, 0x10000...0x10FFFF,
        ]
        if random.chance(30) { return String(Unicode.Scalar(random.pick(edges))!) }
        let range = random.pick(ranges)
        return String(Unicode.Scalar(UInt32(random.number(range)))!)
    }
}

extension String {
    /// In ASCII, for the report of a failure.
    var shown: String { unicodeScalars.map { $0.escaped(asASCII: true) }.joined() }
}
