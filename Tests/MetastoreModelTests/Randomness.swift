import FoundationEssentials
import Testing

/// Random values that a failing run can make again: the seed is in the failure's text.
struct Randomness: RandomNumberGenerator, CustomStringConvertible {
    let seed: UInt64
    private var state: UInt64

    init(seed: UInt64 = .random(in: 0...UInt64.max)) {
        self.seed = seed
        state = seed
    }

    var description: String { "seed \(seed)" }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var word = state
        word = (word ^ word >> 30) &* 0xBF58_476D_1CE4_E5B9
        word = (word ^ word >> 27) &* 0x94D0_49BB_1331_11EB
        return word ^ word >> 31
    }

    mutating func uuid() -> UUID {
        func byte() -> UInt8 { UInt8(truncatingIfNeeded: next()) }
        return UUID(
            uuid: (
                byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte(),
                byte(), byte(), byte(), byte(), byte(), byte(), byte(), byte()
            ))
    }

    /// Text of the kind that breaks encoders: slashes, percents, quotes, controls, marks that combine, astral planes.
    mutating func hostileText(allowingEmpty: Bool = false) -> String {
        let pieces = [
            "/", "%", "%2F", "..", ".", "*", "\"", "\\", "\n", "\r\n", "\u{1}", "\u{1F}", "\u{7F}",
            "e\u{301}", "é",
            "😀", "\u{10FFFF}", "\u{FEFF}", "\u{202E}", "a", "Z", "0", "_", "-", " ", "ß", "\u{212A}", "K",
            "'", ";",
        ]
        let count = Int.random(in: (allowingEmpty ? 0 : 1)...6, using: &self)
        return (0..<count).map { _ in pieces.randomElement(using: &self)! }.joined()
    }
}
