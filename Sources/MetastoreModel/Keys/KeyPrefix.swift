/// A part of the key space: a path and everything below it.
///
/// `experiments/1` and `experiments/1/` are the same prefix: they match `experiments/1`, its trials and all
/// below, and not `experiments/12`. The empty prefix matches everything. Key-value keys are one segment
/// each, so a prefix *of a key* is written with a star: `kv/queue/high*` (see
/// ``keyValue(namespace:prefix:)``).
public struct KeyPrefix: Sendable {
    /// The prefix without its last slash, as it is stored.
    public let text: String

    /// The kinds it may match: never too few, so that others need no look at their path.
    public let kinds: RecordKinds

    /// Whether the text ends inside a key-value key.
    private let endsInsideKey: Bool

    /// The prefix with the given text. One that no path begins with is allowed; it matches nothing.
    public init(_ text: String) {
        var trimmed = text[...]
        while trimmed.utf8.last == UInt8(ascii: "/") { trimmed.removeLast() }
        self.text = String(trimmed)
        kinds = KeyPrefix.kinds(below: trimmed.split(separator: "/", omittingEmptySubsequences: false))
        endsInsideKey = KeyPrefix.hasStar(trimmed)
    }

    /// Everything at and below a record.
    public init(_ key: RecordKey) {
        self.init(key.path)
    }

    /// The key-value entries of a namespace whose key begins with the given bytes.
    public static func keyValue(namespace: String, prefix: String = "") -> KeyPrefix {
        KeyPrefix("kv/\(PathSegment.encoded(namespace))/\(PathSegment.encoded(prefix))*")
    }

    /// Whether the record with the key is in this part.
    public func matches(_ key: RecordKey) -> Bool {
        kinds.contains(key.kind) && matches(path: key.path)
    }

    /// Whether the path, as ``RecordKey/path`` spells it, is in this part.
    public func matches(path: String) -> Bool {
        var path = path
        return path.withUTF8 { matches(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// Whether the path in UTF-8 is in this part.
    public func matches(utf8 path: UnsafeRawBufferPointer) -> Bool {
        var text = text
        return text.withUTF8 { prefix in
            let count = endsInsideKey ? prefix.count - 1 : prefix.count
            guard path.count >= count else { return false }
            for index in 0..<count where path[index] != prefix[index] { return false }
            return endsInsideKey || count == 0 || path.count == count || path[count] == UInt8(ascii: "/")
        }
    }

    private static func kinds(below segments: [Substring]) -> RecordKinds {
        let depth = segments.count
        guard let root = segments.first, !root.isEmpty else { return .all }
        switch root {
        case "experiments":
            if depth <= 2 { return [.experiments, .trials, .workloads, .checkpoints, .snapshots] }
            if segments[2] == "snapshot" { return depth == 3 ? .snapshots : [] }
            if segments[2] != "trials" { return [] }
            if depth <= 4 { return [.trials, .workloads, .checkpoints] }
            return segments[4] == "workloads" ? .workloads : segments[4] == "checkpoints" ? .checkpoints : []
        case "agents": return depth <= 2 ? [.agents, .slots] : .slots
        case "tasks":
            if depth <= 2 { return [.tasks, .allocations, .containers] }
            return depth <= 4 ? [.allocations, .containers] : .containers
        case "pools", "ports", "instances", "spot-requests", "kv", "leases", "documents", "consumers",
            "leadership",
            "cluster":
            return RecordKind(name: String(root)).map { RecordKinds($0) } ?? []
        default: return []
        }
    }

    /// A star is never part of a path, so it can't be mistaken for one.
    private static func hasStar(_ text: Substring) -> Bool {
        text.utf8.last == UInt8(ascii: "*") && text.hasPrefix("kv/")
            && text.utf8.count(where: { $0 == 0x2F }) == 2
    }
}

extension KeyPrefix: Hashable {
    /// Whether both are the same text, byte for byte.
    public static func == (left: KeyPrefix, right: KeyPrefix) -> Bool { left.text.equalsByBytes(right.text) }

    /// Feeds the bytes of the text.
    public func hash(into hasher: inout Hasher) { text.hashBytes(into: &hasher) }
}

extension KeyPrefix: ExpressibleByStringLiteral {
    /// The prefix with the given text: `under: "experiments/1/"`.
    public init(stringLiteral value: String) {
        self.init(value)
    }
}

extension KeyPrefix: CustomStringConvertible {
    /// Same as ``text``.
    public var description: String { text }
}

extension KeyPrefix: Codable {
    /// Reads the text.
    public init(from decoder: any Decoder) throws {
        self.init(try String(from: decoder))
    }

    /// Writes ``text``.
    public func encode(to encoder: any Encoder) throws {
        try text.encode(to: encoder)
    }
}
