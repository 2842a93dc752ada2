/// Values by name, in the order of the names' bytes.
///
/// Two names are the same when their bytes are. A Swift dictionary takes both spellings of "é" for one name; a file
/// system, a database and this have two.
public struct NamedValues<Value: Sendable>: Sendable {
    private enum Members {
        case made([(key: String, value: Value)])
        /// Where each name stands in the text they were read from.
        case read([(name: JSONScanner.StringToken, value: Value)], String)
    }

    private let members: Members

    /// The given values; the last one of a repeated name counts.
    public init(_ members: some Sequence<(key: String, value: Value)>) {
        let given = Array(members)
        guard !Self.isInOrder(given) else {
            self.members = .made(given)
            return
        }
        // Sorting doesn't change the order of equal ones, so the last stays the last.
        var kept: [(key: String, value: Value)] = []
        kept.reserveCapacity(given.count)
        for member in given.sorted(by: { $0.key.precedesByBytes($1.key) }) {
            if kept.last?.key.equalsByBytes(member.key) == true { kept.removeLast() }
            kept.append(member)
        }
        self.members = .made(kept)
    }

    /// Values that are known to be in order, each once.
    init(inOrder members: [(key: String, value: Value)]) {
        self.members = .made(members)
    }

    /// Values whose names stand in a text, without escapes and in order, each once.
    init(inOrder members: [(name: JSONScanner.StringToken, value: Value)], of text: String) {
        self.members = .read(members, text)
    }

    /// The value of a name; nil when there is none.
    public subscript(name: String) -> Value? {
        var (lower, upper) = (0, count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if self[middle].key.precedesByBytes(name) { lower = middle + 1 } else { upper = middle }
        }
        guard lower < count, self[lower].key.equalsByBytes(name) else { return nil }
        return self[lower].value
    }

    /// All names.
    public var keys: [String] { map(\.key) }

    /// All values, in the order of their names.
    public var values: [Value] { map(\.value) }

    /// The same names with other values.
    public func mapValues<Other: Sendable>(_ change: (Value) throws -> Other) rethrows -> NamedValues<Other> {
        NamedValues<Other>(try map { (key: $0.key, value: try change($0.value)) })
    }

    private static func isInOrder(_ members: [(key: String, value: Value)]) -> Bool {
        for index in members.indices.dropFirst() where !members[index - 1].key.precedesByBytes(members[index].key) {
            return false
        }
        return true
    }
}

extension NamedValues: RandomAccessCollection {
    /// The place of the first.
    public var startIndex: Int { 0 }
    /// The place after the last.
    public var endIndex: Int {
        switch members {
        case .made(let members): members.count
        case .read(let members, _): members.count
        }
    }
    /// The name and value at a place.
    public subscript(position: Int) -> (key: String, value: Value) {
        switch members {
        case .made(let members): return members[position]
        case .read(let members, var text):
            let (name, value) = members[position]
            let key = text.withUTF8 { String(decoding: $0[name.range], as: UTF8.self) }
            return (key, value)
        }
    }
}

extension NamedValues: ExpressibleByDictionaryLiteral {
    /// The given values; the last one of a repeated name counts.
    public init(dictionaryLiteral elements: (String, Value)...) {
        self.init(elements.lazy.map { (key: $0.0, value: $0.1) })
    }
}

extension NamedValues: CustomStringConvertible {
    /// As a dictionary shows itself.
    public var description: String {
        isEmpty
            ? "[:]" : "[" + map { "\(String(reflecting: $0)): \(String(reflecting: $1))" }.joined(separator: ", ") + "]"
    }
}

extension NamedValues: Equatable where Value: Equatable {
    /// Whether both have the same names, byte for byte, with equal values.
    public static func == (left: NamedValues, right: NamedValues) -> Bool {
        left.elementsEqual(right) { $0.key.equalsByBytes($1.key) && $0.value == $1.value }
    }
}

extension NamedValues: Hashable where Value: Hashable {
    /// Feeds the bytes of the names, and the values.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(count)
        for (name, value) in self {
            name.hashBytes(into: &hasher)
            hasher.combine(value)
        }
    }
}
