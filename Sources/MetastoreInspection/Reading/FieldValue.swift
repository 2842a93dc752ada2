internal import FoundationEssentials
package import MetastoreModel

/// One value of a record as people and programs are shown it.
package enum FieldValue: Sendable, Hashable {
    case none
    case flag(Bool)
    case integer(Int64)
    case real(Double)
    case text(String)
    case time(Timestamp)
    /// Bytes, in IEC units for people.
    case size(Int64)
    /// Microseconds.
    case span(Int64)
    /// JSON, as it is stored.
    case json(String)
    case list([String])
    case bytes([UInt8])

    /// As JSON: a time is RFC 3339 text, a span a number of microseconds, bytes are base64.
    package var json: String {
        switch self {
        case .none: "null"
        case .flag(let flag): flag ? "true" : "false"
        case .integer(let number), .size(let number), .span(let number): String(number)
        case .real(let number): number.isFinite ? "\(number)" : "null"
        case .text(let text): JSON.quoted(text)
        case .time(let time): JSON.quoted(time.description)
        case .json(let text): text
        case .list(let list): "[" + list.map(JSON.quoted).joined(separator: ",") + "]"
        case .bytes(let bytes): JSON.quoted(Data(bytes).base64EncodedString())
        }
    }

    /// As one cell of a file of comma-separated values: what ``json`` has, without the quotes around texts; nothing
    /// for a value that isn't there.
    package var plain: String {
        switch self {
        case .none: ""
        case .text(let text): text
        case .time(let time): time.description
        case .bytes(let bytes): Data(bytes).base64EncodedString()
        default: json
        }
    }

    /// True for what stands to the right in a column.
    package var isNumber: Bool {
        switch self {
        case .integer, .real, .size, .span: true
        default: false
        }
    }
}

/// A value with the name of its column.
package struct Field: Sendable, Hashable {
    package let name: String
    package let value: FieldValue

    package init(_ name: String, _ value: FieldValue) {
        self.name = name
        self.value = value
    }
}

extension Timestamp {
    /// RFC 3339, without a fraction where it is nought.
    package var shown: String { description.replacing(".000000Z", with: "Z") }
}
