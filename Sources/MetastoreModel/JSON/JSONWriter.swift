/// Writes values as canonical text.
struct JSONWriter: ~Copyable {
    var buffer = ByteBuffer(capacity: 256)

    mutating func write(_ values: NamedValues<JSON>, depth: Int = 1) throws(JSONFault) {
        guard depth <= Limits.jsonDepth else { throw JSONFault(.tooDeep) }
        try write(members: values) { (writer, value) throws(JSONFault) in
            try writer.write(value, depth: depth)
        }
    }

    mutating func write(metrics: NamedValues<Double>) throws(JSONFault) {
        try write(members: metrics) { (writer, value) throws(JSONFault) in
            if value.isFinite {
                writer.buffer.append(double: value)
            } else {
                writer.buffer.appendQuoted(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
            }
        }
    }

    mutating func write(sizes: NamedValues<Int64>) throws(JSONFault) {
        try write(members: sizes) { (writer, value) throws(JSONFault) in
            guard value >= 0 else {
                throw JSONFault(.invalid(reason: "a size must be a whole number of bytes from 0"))
            }
            writer.buffer.append(String(value))
        }
    }

    private mutating func write<Value: Sendable>(
        members: NamedValues<Value>, value write: (inout JSONWriter, Value) throws(JSONFault) -> Void
    ) throws(JSONFault) {
        buffer.append(0x7B)
        var isFirst = true
        for (key, value) in members {
            if !isFirst { buffer.append(0x2C) }
            isFirst = false
            try quote(key)
            buffer.append(0x3A)
            do { try write(&self, value) } catch { throw error.inside(key: key) }
        }
        buffer.append(0x7D)
    }

    private mutating func write(_ value: JSON, depth: Int) throws(JSONFault) {
        switch value {
        case .null: buffer.append("null" as StaticString)
        case .bool(let value): buffer.append(value ? "true" as StaticString : "false")
        case .integer(let value): buffer.append(String(value))
        case .number(let value):
            guard value.isFinite else { throw JSONFault(.numberOutOfRange) }
            buffer.append(double: value)
        case .string(let value): try quote(value)
        case .array(let values):
            guard depth < Limits.jsonDepth else { throw JSONFault(.tooDeep) }
            buffer.append(0x5B)
            for (index, value) in values.enumerated() {
                if index > 0 { buffer.append(0x2C) }
                do { try write(value, depth: depth + 1) } catch { throw error.inside(index: index) }
            }
            buffer.append(0x5D)
        case .object(let values): try write(values, depth: depth + 1)
        }
    }

    private mutating func quote(_ text: String) throws(JSONFault) {
        var text = text
        let isClean = text.withUTF8 { bytes in
            guard !bytes.contains(0) else { return false }
            buffer.appendQuoted(bytes)
            return true
        }
        guard isClean else { throw .nul }
    }
}

extension ByteBuffer {
    mutating func appendQuoted(_ text: String) {
        var text = text
        text.withUTF8 { appendQuoted($0) }
    }
}

extension JSON {
    /// A text as JSON has it, with its quotes.
    package static func quoted(_ text: String) -> String {
        var buffer = ByteBuffer(capacity: text.utf8.count + 2)
        buffer.appendQuoted(text)
        return buffer.text
    }
}
