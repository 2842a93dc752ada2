internal import Glibc

/// Finds the tokens of a JSON text; it copies nothing.
///
/// The text is UTF-8 already known to be valid: it comes from a `String`.
struct JSONScanner {
    let input: UnsafeBufferPointer<UInt8>
    var offset = 0

    init(_ input: UnsafeBufferPointer<UInt8>) {
        self.input = input
    }

    /// A string without its quotes, still escaped.
    struct StringToken: Sendable {
        let range: Range<Int>
        let hasEscape: Bool
    }

    struct NumberToken {
        let range: Range<Int>
        let isInteger: Bool
    }

    func bytes(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
        UnsafeBufferPointer(rebasing: input[range])
    }

    /// The next byte that isn't white space, not taken; 0 at the end.
    @inline(__always)
    mutating func peek() -> UInt8 {
        while offset < input.count {
            let byte = input[offset]
            if byte > 0x20 || !(byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09) { return byte }
            offset += 1
        }
        return 0
    }

    @inline(__always)
    mutating func take(_ byte: UInt8, _ expected: StaticString) throws(JSONFault) {
        guard peek() == byte else { throw .malformed(offset, "\(expected) is missing") }
        offset += 1
    }

    /// Takes what stands at the offset if it is that byte.
    @inline(__always)
    mutating func takeIf(_ byte: UInt8) -> Bool {
        guard peek() == byte else { return false }
        offset += 1
        return true
    }

    mutating func takeWord(_ word: StaticString) throws(JSONFault) {
        let count = word.utf8CodeUnitCount
        guard input.count - offset >= count,
            (0..<count).allSatisfy({ input[offset + $0] == word.utf8Start[$0] })
        else { throw .malformed(offset, "a value is misspelled") }
        offset += count
    }

    /// Takes a string whose opening quote is next.
    mutating func string() throws(JSONFault) -> StringToken {
        offset += 1
        let start = offset
        var hasEscape = false
        skipPlainText()
        while offset < input.count {
            let byte = input[offset]
            if byte == 0x22 {
                offset += 1
                return StringToken(range: start..<(offset - 1), hasEscape: hasEscape)
            }
            if byte < 0x20 {
                throw byte == 0 ? .nul : .malformed(offset, "a control character must be escaped")
            }
            if byte == 0x5C {
                hasEscape = true
                offset += 1
            }
            offset += 1
        }
        throw .malformed(input.count, "a text has no end")
    }

    /// Passes over ASCII that is neither quote, backslash nor control, eight bytes at a time.
    @inline(__always)
    private mutating func skipPlainText() {
        let raw = UnsafeRawBufferPointer(input)
        let (ones, highs): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        while offset + 8 <= input.count {
            let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            // A byte of zero borrows into its highest bit: so does one below what is subtracted.
            let quote = word ^ ones &* 0x22
            let backslash = word ^ ones &* 0x5C
            let special = (quote &- ones) | (backslash &- ones) | (word &- ones &* 0x20) | word
            // What borrows goes on to the bytes behind: the first that is marked is rightly so.
            if special & highs != 0 {
                offset += (special & highs).trailingZeroBitCount / 8
                return
            }
            offset += 8
        }
    }

    /// Whether a text, for what it stands for, is this one.
    func isEqual(_ token: StringToken, _ name: String) throws(JSONFault) -> Bool {
        guard !token.hasEscape else { return try text(token).equalsByBytes(name) }
        let bytes = bytes(token.range)
        return name.utf8.withContiguousStorageIfAvailable { $0.hasSameBytes(as: bytes) }
            ?? bytes.elementsEqual(name.utf8)
    }

    /// Whether the second text comes after the first by bytes, as far as that can be told without unescaping.
    func isInOrder(_ first: StringToken?, _ second: StringToken) -> Bool {
        guard let first else { return !second.hasEscape }
        guard !second.hasEscape, let start = input.baseAddress else { return false }
        let shared = min(first.range.count, second.range.count)
        // Most names differ in their first letter, and need no call.
        if shared > 0, input[first.range.lowerBound] != input[second.range.lowerBound] {
            return input[first.range.lowerBound] < input[second.range.lowerBound]
        }
        let order = memcmp(start + first.range.lowerBound, start + second.range.lowerBound, shared)
        return order < 0 || order == 0 && first.range.count < second.range.count
    }

    /// Takes a number whose first byte is next.
    mutating func number() throws(JSONFault) -> NumberToken {
        let start = offset
        var isInteger = true
        if byte(offset) == 0x2D { offset += 1 }
        if byte(offset) == 0x30 { offset += 1 } else { try digits() }
        if byte(offset) == 0x2E {
            isInteger = false
            offset += 1
            try digits()
        }
        if byte(offset) | 0x20 == 0x65 {
            isInteger = false
            offset += 1
            if byte(offset) == 0x2B || byte(offset) == 0x2D { offset += 1 }
            try digits()
        }
        return NumberToken(range: start..<offset, isInteger: isInteger)
    }

    @inline(__always)
    func byte(_ index: Int) -> UInt8 {
        index < input.count ? input[index] : 0
    }

    private mutating func digits() throws(JSONFault) {
        let start = offset
        while byte(offset) &- 0x30 < 10 { offset += 1 }
        guard offset > start else { throw .malformed(offset, "a digit is missing") }
    }
}
