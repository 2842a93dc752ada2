/// What the values of the outermost object may be.
enum JSONRule {
    /// Any JSON.
    case any
    /// Numbers, each as a double, and the three names of what isn't finite.
    case metrics
    /// Sizes: integers from 0.
    case sizes
}

/// Brings a JSON text into canonical form in one pass, token by token: what it doesn't understand better, it
/// copies.
///
/// Members are written as they come; an object whose keys weren't sorted is put in order when it ends.
struct JSONCanonicalizer: ~Copyable {
    private var scanner: JSONScanner
    private var output: ByteBuffer
    private let rule: JSONRule
    /// The members of all objects that are open, innermost last.
    private var members: [Member] = []

    /// A member of an object, as it stands in the output.
    private struct Member {
        let range: Range<Int>
        /// The key without its quotes.
        let key: Range<Int>
        let hasEscape: Bool
    }

    init(_ input: UnsafeBufferPointer<UInt8>, rule: JSONRule) {
        scanner = JSONScanner(input)
        output = ByteBuffer(capacity: input.count + 16)
        self.rule = rule
        members.reserveCapacity(16)
    }

    mutating func objectText() throws(JSONFault) -> String {
        guard scanner.peek() == 0x7B else { throw JSONFault(.invalid(reason: "it must be a JSON object")) }
        try object(depth: 1)
        guard scanner.peek() == 0, scanner.offset == scanner.input.count else {
            throw .malformed(scanner.offset, "more text follows the object")
        }
        return output.text
    }

    private mutating func object(depth: Int) throws(JSONFault) {
        guard depth <= Limits.jsonDepth else { throw JSONFault(.tooDeep) }
        try scanner.take(0x7B, "{")
        output.append(0x7B)
        let start = output.count
        let first = members.count
        var isSorted = true
        if !scanner.takeIf(0x7D) {
            repeat {
                if members.count > first { output.append(0x2C) }
                let member = try member(depth: depth)
                if members.count > first, isSorted {
                    // Equal keys count as out of order too: they are found when the object ends.
                    isSorted =
                        JSONCanonicalizer.order(members[members.count - 1], member, in: output.filled) < 0
                }
                members.append(member)
            } while scanner.takeIf(0x2C)
            try scanner.take(0x7D, "a comma or }")
            try finish(first: first, start: start, isSorted: isSorted)
        }
        output.append(0x7D)
    }

    private mutating func member(depth: Int) throws(JSONFault) -> Member {
        guard scanner.peek() == 0x22 else { throw .malformed(scanner.offset, "a key in quotes is missing") }
        let token = try scanner.string()
        let start = output.count
        try write(token)
        let key = start + 1..<output.count - 1
        try scanner.take(0x3A, "a colon")
        output.append(0x3A)
        do {
            if depth == 1, rule != .any { try ruledValue() } else { try value(depth: depth) }
        } catch {
            throw error.inside(key: (try? scanner.text(token)) ?? "")
        }
        return Member(
            range: start..<output.count, key: key, hasEscape: token.hasEscape)
    }

    private mutating func array(depth: Int) throws(JSONFault) {
        guard depth <= Limits.jsonDepth else { throw JSONFault(.tooDeep) }
        try scanner.take(0x5B, "[")
        output.append(0x5B)
        if !scanner.takeIf(0x5D) {
            var index = 0
            repeat {
                if index > 0 { output.append(0x2C) }
                do { try value(depth: depth) } catch { throw error.inside(index: index) }
                index += 1
            } while scanner.takeIf(0x2C)
            try scanner.take(0x5D, "a comma or ]")
        }
        output.append(0x5D)
    }

    private mutating func value(depth: Int) throws(JSONFault) {
        switch scanner.peek() {
        case 0x22: try write(try scanner.string())
        case 0x7B: try object(depth: depth + 1)
        case 0x5B: try array(depth: depth + 1)
        case UInt8(ascii: "t"):
            try scanner.takeWord("true")
            output.append("true" as StaticString)
        case UInt8(ascii: "f"):
            try scanner.takeWord("false")
            output.append("false" as StaticString)
        case UInt8(ascii: "n"):
            try scanner.takeWord("null")
            output.append("null" as StaticString)
        case 0x2D, 0x30...0x39:
            let token = try scanner.number()
            try output.append(scanner.bytes(token.range), isInteger: token.isInteger)
        default: throw .malformed(scanner.offset, "a value is missing or misspelled")
        }
    }

    private mutating func ruledValue() throws(JSONFault) {
        let next = scanner.peek()
        if next == 0x2D || next &- 0x30 < 10 {
            let token = try scanner.number()
            if rule == .metrics {
                try output.appendDouble(scanner.bytes(token.range), isInteger: token.isInteger)
                return
            }
            guard token.isInteger, let size = Int64(ascii: scanner.bytes(token.range)), size >= 0 else {
                throw JSONFault(.invalid(reason: "a size must be a whole number of bytes from 0"))
            }
            output.append(String(size))
        } else if rule == .metrics {
            guard next == 0x22, case let text = try scanner.text(try scanner.string()),
                ["NaN", "Infinity", "-Infinity"].contains(text)
            else {
                throw JSONFault(
                    .invalid(reason: #"a metric must be a number, "NaN", "Infinity" or "-Infinity""#))
            }
            output.appendQuoted(text)
        } else {
            throw JSONFault(.invalid(reason: "a size must be a whole number of bytes from 0"))
        }
    }

    private mutating func write(_ token: JSONScanner.StringToken) throws(JSONFault) {
        guard token.hasEscape else {
            output.append(0x22)
            output.append(scanner.bytes(token.range))
            output.append(0x22)
            return
        }
        let plain = try scanner.unescaped(token.range)
        plain.withUnsafeBufferPointer { output.appendQuoted($0) }
    }

    // MARK: The order of members

    private mutating func finish(first: Int, start: Int, isSorted: Bool) throws(JSONFault) {
        if !isSorted {
            let written = output.filled
            members[first...].sort { JSONCanonicalizer.order($0, $1, in: written) < 0 }
            for index in (first + 1)..<members.count
            where JSONCanonicalizer.order(members[index - 1], members[index], in: written) == 0 {
                throw duplicate(members[index])
            }
            output.reorder(from: start, runs: members[first...].lazy.map(\.range), separator: 0x2C)
        }
        members.removeSubrange(first...)
    }

    /// Below 0 when the first key comes first, 0 when they are equal: by the bytes of the text they stand for, since
    /// an escape doesn't sort where its character does.
    private static func order(_ left: Member, _ right: Member, in written: UnsafeBufferPointer<UInt8>) -> Int {
        if left.hasEscape || right.hasEscape {
            let (a, b) = (keyBytes(left, in: written), keyBytes(right, in: written))
            return a == b ? 0 : a.lexicographicallyPrecedes(b) ? -1 : 1
        }
        for index in 0..<min(left.key.count, right.key.count) {
            let (a, b) = (written[left.key.lowerBound + index], written[right.key.lowerBound + index])
            if a != b { return Int(a) - Int(b) }
        }
        return left.key.count - right.key.count
    }

    private static func keyBytes(_ member: Member, in written: UnsafeBufferPointer<UInt8>) -> [UInt8] {
        let scanner = JSONScanner(written)
        guard member.hasEscape else { return Array(scanner.bytes(member.key)) }
        return (try? scanner.unescaped(member.key)) ?? []
    }

    private func key(_ member: Member) -> String {
        String(decoding: JSONCanonicalizer.keyBytes(member, in: output.filled), as: UTF8.self)
    }

    private func duplicate(_ member: Member) -> JSONFault {
        JSONFault(.invalid(reason: "the key stands more than once in one object"))
            .inside(key: key(member))
    }
}
