internal import Glibc

/// Numbers in canonical form.
///
/// 1. An integer keeps its digits, also beyond 64 bits; "-0" is 0.
/// 2. Any other number is the shortest text that reads back as the same double; −0.0 is 0.0.
/// 3. What no finite double comes near is refused.
extension ByteBuffer {
    mutating func append(_ token: UnsafeBufferPointer<UInt8>, isInteger: Bool) throws(JSONFault) {
        guard isInteger else {
            try appendDouble(token, isInteger: false)
            return
        }
        if token.count == 2, token[0] == 0x2D, token[1] == 0x30 {
            append(0x30)
            return
        }
        // 308 digits are always below the greatest double.
        if token.count > 308 { _ = try JSONFault.finite(token) }
        append(token)
    }

    mutating func appendDouble(_ token: UnsafeBufferPointer<UInt8>, isInteger: Bool) throws(JSONFault) {
        if isInteger, token.count <= 15, token[0] != 0x2D, token[0] != 0x30 {
            append(token)
            append(".0" as StaticString)
        } else if !isInteger, JSONNumber.isShortest(token) {
            append(token)
        } else {
            append(double: try JSONFault.finite(token))
        }
    }

    /// Writes a finite double.
    mutating func append(double: Double) {
        if double == 0 {
            append("0.0" as StaticString)
        } else {
            append(double.description)
        }
    }
}

enum JSONNumber {
    /// Whether a number with decimals is sure to be the shortest text of its double already.
    ///
    /// With at most 15 digits and no zero at the end it is: two such texts never mean the same double. Only
    /// for numbers that are shown without an exponent; `false` means "look closer".
    static func isShortest(_ token: UnsafeBufferPointer<UInt8>) -> Bool {
        var index = token[0] == 0x2D ? 1 : 0
        let start = index
        while index < token.count, token[index] != 0x2E {
            if token[index] &- 0x30 >= 10 { return false }
            index += 1
        }
        let whole = index - start
        let decimals = token.count - index - 1
        guard decimals > 0, whole + decimals <= 15 else { return false }
        for place in (index + 1)..<token.count where token[place] &- 0x30 >= 10 { return false }
        let isWhole = decimals == 1 && token[index + 1] == 0x30
        if token[start] != 0x30 { return isWhole || token[token.count - 1] != 0x30 }
        // 0.0001 is the smallest that is shown without an exponent.
        guard token[token.count - 1] != 0x30 else { return false }
        return token[(index + 1)...].prefix(4).contains { $0 != 0x30 }
    }
}

extension JSONScanner {
    /// Takes a number whose digits and whose power of ten are both exact as doubles, and gives its double: then one
    /// division rounds once, and right (W. D. Clinger, How to Read Floating Point Numbers Accurately, 1990). nil, and
    /// nothing is taken, where that can't be said.
    mutating func exactNumber() -> Double? {
        let start = byte(offset) == 0x2D ? offset + 1 : offset
        var index = start
        var digits = takeDigits(&index, after: 0)
        // A zero in front stands alone.
        guard index > start, byte(start) != 0x30 || index == start + 1 else { return nil }
        var decimals = 0
        if byte(index) == 0x2E {
            let point = index
            index += 1
            digits = takeDigits(&index, after: digits)
            decimals = index - point - 1
            guard decimals > 0 else { return nil }
        }
        // Of 19 digits none was lost.
        guard index - start <= 19, digits <= 1 << 53, byte(index) | 0x20 != 0x65 else { return nil }
        let value = Double(digits) / JSONNumber.powersOfTen[decimals]
        defer { offset = index }
        return start > offset ? -value : value
    }

    @inline(__always)
    private func takeDigits(_ index: inout Int, after first: UInt64) -> UInt64 {
        var number = first
        while index < input.count, case let digit = input[index] &- 0x30, digit < 10 {
            number = number &* 10 &+ UInt64(digit)
            index += 1
        }
        return number
    }
}

extension JSONNumber {
    fileprivate static let powersOfTen: [Double] = [
        1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18,
    ]

    /// Reads a token where it stands. A byte that can't go on a number must follow it in memory. nil where the process
    /// has a locale in which a point isn't one.
    static func read(_ token: UnsafeBufferPointer<UInt8>) -> Double? {
        guard let start = token.baseAddress else { return nil }
        return start.withMemoryRebound(to: CChar.self, capacity: token.count) { start in
            var end: UnsafeMutablePointer<CChar>?
            let double = strtod(start, &end)
            return end.map { UnsafePointer($0) } == start + token.count ? double : nil
        }
    }
}

extension JSONFault {
    static func finite(_ token: UnsafeBufferPointer<UInt8>) throws(JSONFault) -> Double {
        var scanner = JSONScanner(token)
        if let double = scanner.exactNumber(), scanner.offset == token.count { return double }
        guard let double = Double(String(decoding: token, as: UTF8.self)), double.isFinite else {
            throw JSONFault(.numberOutOfRange)
        }
        return double
    }

    /// The same for a number that something follows in the text.
    static func finite(_ range: Range<Int>, of input: UnsafeBufferPointer<UInt8>) throws(JSONFault) -> Double {
        let token = UnsafeBufferPointer(rebasing: input[range])
        guard range.upperBound < input.count, let double = JSONNumber.read(token) else { return try finite(token) }
        guard double.isFinite else { throw JSONFault(.numberOutOfRange) }
        return double
    }
}

extension Int64 {
    init?(ascii token: UnsafeBufferPointer<UInt8>) {
        self.init(String(decoding: token, as: UTF8.self))
    }
}
