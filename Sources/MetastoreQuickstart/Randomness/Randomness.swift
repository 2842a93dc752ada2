/// A stream of numbers that is a pure function of a seed and the labels it was opened with.
///
/// Nothing is shared and nothing is kept: whoever asks for `Randomness(seed: 7, "duration", .request(id), 3)`
/// gets the same numbers, before a crash and after it, whatever else was drawn in between.
///
/// Invariants
/// 1. The algorithm is fixed: SplitMix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
///    generators", OOPSLA 2014; constants as in Vigna's public-domain `splitmix64.c`). The standard library's
///    `random(in:using:)` is not used, because it doesn't promise its own algorithm.
/// 2. Every label is absorbed with its kind and length, so that ("ab", "c") and ("a", "bc") differ.
package struct Randomness: RandomNumberGenerator, Sendable {
    private var state: UInt64

    /// What a stream is for, who it is for, and how often: the arguments of the pure function.
    package enum Label: Sendable, ExpressibleByStringLiteral, ExpressibleByIntegerLiteral {
        /// The purpose of the stream.
        case text(String)
        /// A step, a generation, an ordinal.
        case number(Int)
        /// A trial.
        case request(RequestID)

        package init(stringLiteral text: String) { self = .text(text) }
        package init(integerLiteral number: Int) { self = .number(number) }
    }

    /// The plain generator, as the reference implementation starts it.
    package init(seed: UInt64) { state = seed }

    /// The stream for these labels under this seed.
    package init(seed: UInt64, _ labels: Label...) {
        state = Self.mixed(seed &+ Self.increment)
        for label in labels { absorb(label) }
    }

    /// The next 64 bits.
    package mutating func next() -> UInt64 {
        state &+= Self.increment
        return Self.mixed(state)
    }

    /// The next number in 0 ..< 1, a multiple of 2⁻⁵³.
    package mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

    /// The next whole number in `0 ..< bound`. Its bias is below `bound` / 2⁶⁴.
    package mutating func below(_ bound: Int) -> Int {
        precondition(bound > 0, "a draw needs something to draw from")
        return Int(next().multipliedFullWidth(by: UInt64(bound)).high)
    }

    /// The next number of the standard normal distribution, as the sum of twelve uniform ones less six: exact
    /// additions only, so that no mathematics library can change it. It never leaves ±6.
    package mutating func normal() -> Double {
        var sum = -6.0
        for _ in 0..<12 { sum += unit() }
        return sum
    }

    private static let increment: UInt64 = 0x9E37_79B9_7F4A_7C15

    private static func mixed(_ value: UInt64) -> UInt64 {
        var z = value
        z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
        z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
        return z ^ (z >> 31)
    }

    private mutating func absorb(_ label: Label) {
        switch label {
        case .text(let text):
            absorb(word: 1)
            absorb(bytes: Array(text.utf8))
        case .number(let number):
            absorb(word: 2)
            absorb(word: UInt64(bitPattern: Int64(number)))
        case .request(let request):
            absorb(word: 3)
            absorb(bytes: request.bytes)
        }
    }

    private mutating func absorb(bytes: [UInt8]) {
        absorb(word: UInt64(bytes.count))
        for start in stride(from: 0, to: bytes.count, by: 8) {
            let word = bytes[start..<min(start + 8, bytes.count)].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            absorb(word: word)
        }
    }

    private mutating func absorb(word: UInt64) { state = Self.mixed((state ^ word) &+ Self.increment) }
}
