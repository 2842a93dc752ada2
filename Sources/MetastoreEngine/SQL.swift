/// A statement as a value: text you wrote, values you bound.
///
/// ```swift
/// let statement: SQL = "SELECT revision FROM trials WHERE id = \(id)"
/// ```
/// An interpolated value is always *bound*. Placeholders stay abstract (one ``placeholder`` byte each) until an engine
/// renders them, `?1` on SQLite and `$1` on PostgreSQL; the abstract text is the key of an engine's statement cache,
/// so that a statement met before is never rendered again.
public struct SQL: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// Stands in ``text`` for the n-th value. A control character, which no statement of ours contains otherwise.
    public static let placeholder: UInt8 = 1

    /// The statement, with one ``placeholder`` per value, in order.
    public private(set) var text: String
    /// The values, in the order of their placeholders.
    public private(set) var values: [Value]

    /// A statement without values. The text is *trusted*: never build it from input.
    public init(trusted text: String, values: [Value] = []) {
        self.text = text
        self.values = values
    }

    /// A statement without values.
    public init(stringLiteral value: StaticString) {
        text = value.description
        values = []
    }

    /// A statement whose interpolations bind their values.
    public init(stringInterpolation: StringInterpolation) {
        text = stringInterpolation.text
        values = stringInterpolation.values
    }

    /// Appends another piece, values included.
    public static func += (left: inout SQL, right: SQL) {
        left.text += right.text
        left.values += right.values
    }

    /// Both pieces, one after the other.
    public static func + (left: SQL, right: SQL) -> SQL {
        var sum = left
        sum += right
        return sum
    }

    /// The text with numbered placeholders, each written as `prefix` and its number from 1.
    public func rendered(prefix: Character) -> String {
        var rendered = ""
        rendered.reserveCapacity(text.utf8.count + values.count)
        var number = 0
        for scalar in text.unicodeScalars {
            if scalar.value == UInt32(SQL.placeholder) {
                number += 1
                rendered.append(prefix)
                rendered.append(String(number))
            } else {
                rendered.unicodeScalars.append(scalar)
            }
        }
        return rendered
    }

    /// Collects what is written between the quotes.
    public struct StringInterpolation: StringInterpolationProtocol {
        var text = ""
        var values: [Value] = []

        /// Called by the compiler.
        public init(literalCapacity: Int, interpolationCount: Int) {
            text.reserveCapacity(literalCapacity + interpolationCount)
            values.reserveCapacity(interpolationCount)
        }

        /// Text as it was written in the source.
        public mutating func appendLiteral(_ literal: StaticString) {
            literal.withUTF8Buffer { text += String(decoding: $0, as: UTF8.self) }
        }

        /// Binds a value.
        public mutating func appendInterpolation(_ value: some SQLBindable) {
            text += "\u{1}"
            values.append(value.sqlValue)
        }

        /// Binds a value, or null.
        public mutating func appendInterpolation(nullable value: (some SQLBindable)?) {
            text += "\u{1}"
            values.append(value?.sqlValue ?? .null)
        }

        /// Binds a list, as in `id IN (\(list: ids))`. An empty list renders as `NULL`, which nothing is equal to.
        public mutating func appendInterpolation(list elements: some Collection<some SQLBindable>) {
            guard !elements.isEmpty else {
                text += "NULL"
                return
            }
            text += Array(repeating: "\u{1}", count: elements.count).joined(separator: ", ")
            values.append(contentsOf: elements.lazy.map(\.sqlValue))
        }

        /// Splices another statement, with its values.
        public mutating func appendInterpolation(_ piece: SQL) {
            text += piece.text
            values += piece.values
        }

        /// Splices a name of ours (a table, a column), never input.
        public mutating func appendInterpolation(name: StaticString) {
            text += name.description
        }
    }
}
