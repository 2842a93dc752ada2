/// Reads values from canonical text. Text that isn't JSON, in a row that was damaged, reads as nothing.
struct JSONReader {
    private var scanner: JSONScanner

    /// Of UTF-8 that is known to be valid.
    init(_ input: UnsafeBufferPointer<UInt8>) {
        scanner = JSONScanner(input)
    }

    static func read<Value>(
        _ text: String, _ body: (inout JSONReader) throws(JSONFault) -> Value
    ) -> Value? {
        var text = text
        return text.withUTF8 { input in
            var reader = JSONReader(input)
            return try? body(&reader)
        }
    }

    /// Goes to the value of a member; false when there is no such member.
    mutating func seek(_ name: String) throws(JSONFault) -> Bool {
        var isThere = false
        try keys { (reader, key) throws(JSONFault) in
            isThere = try reader.scanner.isEqual(key, name)
            if !isThere { try reader.skip() }
            return !isThere
        }
        return isThere
    }

    /// Reads an object member by member until the body says that it has seen enough.
    mutating func members(
        _ body: (inout JSONReader, String) throws(JSONFault) -> Bool
    ) throws(JSONFault) {
        try keys { (reader, key) throws(JSONFault) in try body(&reader, try reader.scanner.text(key)) }
    }

    /// The same, without making a text of each key.
    private mutating func keys(
        _ body: (inout JSONReader, JSONScanner.StringToken) throws(JSONFault) -> Bool
    ) throws(JSONFault) {
        try scanner.take(0x7B, "{")
        if scanner.takeIf(0x7D) { return }
        repeat {
            guard scanner.peek() == 0x22 else { throw .malformed(scanner.offset, "a key is missing") }
            let key = try scanner.string()
            try scanner.take(0x3A, "a colon")
            guard try body(&self, key) else { return }
        } while scanner.takeIf(0x2C)
        try scanner.take(0x7D, "}")
    }

    mutating func object() throws(JSONFault) -> NamedValues<JSON> {
        var values: [(key: String, value: JSON)] = []
        try members { (reader, key) throws(JSONFault) in
            values.append((key, try reader.value()))
            return true
        }
        return NamedValues(values)
    }

    mutating func value() throws(JSONFault) -> JSON {
        switch scanner.peek() {
        case 0x22: return .string(try scanner.text(try scanner.string()))
        case 0x7B: return .object(try object())
        case 0x5B:
            var values: [JSON] = []
            try scanner.take(0x5B, "[")
            if scanner.takeIf(0x5D) { return .array(values) }
            repeat { values.append(try value()) } while scanner.takeIf(0x2C)
            try scanner.take(0x5D, "]")
            return .array(values)
        case UInt8(ascii: "t"):
            try scanner.takeWord("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try scanner.takeWord("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try scanner.takeWord("null")
            return .null
        default:
            let token = try scanner.number()
            let bytes = scanner.bytes(token.range)
            if token.isInteger, let value = Int64(ascii: bytes) { return .integer(value) }
            return .number(try JSONFault.finite(bytes))
        }
    }

    /// A list of nothing but texts.
    mutating func texts() throws(JSONFault) -> [String] {
        var texts: [String] = []
        try scanner.take(0x5B, "[")
        if scanner.takeIf(0x5D) { return texts }
        repeat {
            guard scanner.peek() == 0x22 else { throw .malformed(scanner.offset, "a text is missing") }
            texts.append(try scanner.text(try scanner.string()))
        } while scanner.takeIf(0x2C)
        try scanner.take(0x5D, "]")
        return texts
    }

    /// An object of metrics, which is the whole of a text. Its names are made when they are looked at, but where they
    /// aren't in order as they stand.
    mutating func metrics(of text: String) throws(JSONFault) -> NamedValues<Double> {
        var members: [(name: JSONScanner.StringToken, value: Double)] = []
        members.reserveCapacity(scanner.input.count / 24)
        var isInOrder = true
        try keys { (reader, name) throws(JSONFault) in
            isInOrder = isInOrder && reader.scanner.isInOrder(members.last?.name, name)
            members.append((name, try reader.metric()))
            return true
        }
        if isInOrder { return NamedValues(inOrder: members, of: text) }
        var texts: [(key: String, value: Double)] = []
        for (name, value) in members { texts.append((try scanner.text(name), value)) }
        return NamedValues(texts)
    }

    /// The same, one by one and without a text of each name.
    mutating func metrics(
        _ body: (JSONScanner, JSONScanner.StringToken, Double) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        try keys { (reader, key) throws(JSONFault) in
            let value = try reader.metric()
            try body(reader.scanner, key, value)
            return true
        }
    }

    /// A number, or one of the names of what isn't finite.
    mutating func metric() throws(JSONFault) -> Double {
        guard scanner.peek() == 0x22 else {
            if let number = scanner.exactNumber() { return number }
            return try JSONFault.finite(try scanner.number().range, of: scanner.input)
        }
        switch try scanner.text(try scanner.string()) {
        case "NaN": return .nan
        case "Infinity": return .infinity
        case "-Infinity": return -.infinity
        default: throw .malformed(scanner.offset, "a metric is not a number")
        }
    }

    mutating func size() throws(JSONFault) -> Int64 {
        guard case .integer(let value) = try value() else {
            throw .malformed(scanner.offset, "a size is no integer")
        }
        return value
    }

    /// Passes over a value without making anything of it.
    mutating func skip() throws(JSONFault) {
        switch scanner.peek() {
        case 0x22: _ = try scanner.string()
        case 0x7B, 0x5B: try skipNested()
        case 0x2D, 0x30...0x39: _ = try scanner.number()
        default: _ = try value()
        }
    }

    private mutating func skipNested() throws(JSONFault) {
        var depth = 0
        repeat {
            switch scanner.peek() {
            case 0x22:
                _ = try scanner.string()
                continue
            case 0x7B, 0x5B: depth += 1
            case 0x7D, 0x5D: depth -= 1
            case 0: throw .malformed(scanner.offset, "an object has no end")
            default: break
            }
            scanner.offset += 1
        } while depth > 0
    }
}
