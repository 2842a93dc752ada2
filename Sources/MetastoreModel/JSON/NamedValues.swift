/// Values by name, in the order of the names' bytes.
///
/// Two names are the same when their bytes are. A Swift dictionary takes both spellings of "é" for one name; a file
/// system, a database and this have two.
public struct NamedValues<Value: Sendable>: Sendable {
    private let members: [(key: String, value: Value)]

    /// The given values; the last one of a repeated name counts.
    public init(_ members: some Sequence<(key: String, value: Value)>) {
        let given = Array(members)
        guard !Self.isInOrder(given) else {
            self.members = given
            return
        }
        // Sorting doesn't change the order of equal ones, so the last stays the last.
        var kept: [(key: String, value: Value)] = []
        kept.reserveCapacity(given.count)
        for member in given.sorted(by: { $0.key.precedesByBytes($1.key) }) {
            if kept.last?.key.equalsByBytes(member.key) == true { kept.removeLast() }
            kept.append(member)
        }
        self.members = kept
    }

    /// Values whose names are known to be in order, each once.
    init(inOrder members: [(key: String, value: Value)]) {
        self.members = members
    }

    /// The value of a name; nil when there is none.
    public subscript(name: String) -> Value? {
        var (lower, upper) = (0, members.count)
        while lower < upper {
            let middle = (lower + upper) / 2
            if members[middle].key.precedesByBytes(name) { lower = middle + 1 } else { upper = middle }
        }
        guard lower < members.count, members[lower].key.equalsByBytes(name) else { return nil }
        return members[lower].value
    }

    /// All names.
    public var keys: [String] { members.map(\.key) }

    /// All values, in the order of their names.
    public var values: [Value] { members.map(\.value) }

    /// The same names with other values.
    public func mapValues<Other: Sendable>(_ change: (Value) throws -> Other) rethrows -> NamedValues<Other> {
        NamedValues<Other>(try members.map { (key: $0.key, value: try change($0.value)) })
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
    public var startIndex: Int { members.startIndex }
    /// The place after the last.
    public var endIndex: Int { members.endIndex }
    /// The name and value at a place.
    public subscript(position: Int) -> (key: String, value: Value) { members[position] }
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
