import FoundationEssentials
import Metastore
import MetastoreEngine
import MetastoreModel

/// A log record as text that anybody can compare: what decode.py prints for the same record.
enum LogText {
    static func text(_ record: LogRecord) throws -> String {
        var lines: [String] = []
        let operation = record.operation.map { $0.uuidString.lowercased() } ?? "-"
        let consumer = record.consumer.map { "\(quoted($0.name)) \($0.revision)" } ?? "-"
        lines.append(
            """
            revision \(record.revision) epoch \(record.epoch) time \(record.time.microseconds) schema \
            \(record.schema) actor \(quoted(record.actor)) operation \(operation) consumer \(consumer) kinds \
            \(record.kinds)
            """)
        try record.decodeBody { number, next in
            lines.append("  counter \(number) = \(next)")
        } operation: { operation in
            lines.append("  fingerprint \(hex(operation.fingerprint)) result \(hex(operation.result))")
        } change: { raw in
            lines.append("  \(raw.operation) \(raw.kind) \(String(decoding: raw.key, as: UTF8.self))")
            lines += fields("after", raw.after, raw.kind.table)
            lines += fields("before", raw.before, raw.kind.table)
        }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func fields(_ side: String, _ bytes: UnsafeRawBufferPointer, _ table: Table) -> [String] {
        var reader = CanonicalReader(bytes)
        var lines: [String] = []
        while !reader.isAtEnd {
            guard let number = try? reader.byte(), let value = try? reader.value() else { return lines + ["damaged"] }
            lines.append("    \(side) \(table.columns[Int(number) - 1].name) \(text(value))")
        }
        return lines
    }

    static func text(_ value: Value) -> String {
        switch value {
        case .null: "null"
        case .integer(let number): "integer \(number)"
        case .real(let number): "real " + hex(withUnsafeBytes(of: number.bitPattern.bigEndian) { Array($0) })
        case .text(let text): "text \(quoted(text))"
        case .bytes(let bytes): "bytes \(hex(bytes))"
        case .uuid(let uuid): "uuid \(uuid.uuidString.lowercased())"
        case .timestamp(let time): "timestamp \(time)"
        }
    }

    static func hex(_ bytes: some Sequence<UInt8>) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// The bytes that ``hex(_:)`` wrote.
    static func bytes(_ hex: some StringProtocol) -> [UInt8] {
        var bytes: [UInt8] = []
        var digits = Array(hex.utf8)[...]
        while let high = digits.popFirst(), let low = digits.popFirst() {
            bytes.append(UInt8(String(decoding: [high, low], as: UTF8.self), radix: 16) ?? 0)
        }
        return bytes
    }

    /// In double quotes, everything but printable ASCII as JSON's \u escapes (\n, \r, \t, \b and \f by their letters).
    static func quoted(_ text: String) -> String {
        let letters: [UInt16: String] = [8: "\\b", 9: "\\t", 10: "\\n", 12: "\\f", 13: "\\r", 34: "\\\"", 92: "\\\\"]
        var quoted = "\""
        for unit in text.utf16 {
            if let letter = letters[unit] {
                quoted += letter
            } else if (32..<127).contains(unit) {
                quoted.unicodeScalars.append(Unicode.Scalar(UInt8(unit)))
            } else {
                let digits = String(unit, radix: 16)
                quoted += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
            }
        }
        return quoted + "\""
    }
}
