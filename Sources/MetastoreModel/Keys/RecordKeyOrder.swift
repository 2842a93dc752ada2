import FoundationEssentials

/// Equality, hash and order of keys, all three over the same parts, so that they can't disagree.
extension RecordKey: Comparable, Hashable {
    /// Whether both are the same key, byte for byte.
    public static func == (left: RecordKey, right: RecordKey) -> Bool {
        let (left, right) = (left.parts, right.parts)
        return left.numbers == right.numbers && left.marks == right.marks
            && left.first.equalsByBytes(right.first) && left.second.equalsByBytes(right.second)
    }

    /// Whether a list has `left` before `right`: a record before what is below it, numbers by value, texts
    /// by bytes.
    public static func < (left: RecordKey, right: RecordKey) -> Bool {
        let (left, right) = (left.parts, right.parts)
        if left.marks.root != right.marks.root { return left.marks.root < right.marks.root }
        if !left.first.equalsByBytes(right.first) { return left.first.precedesByBytes(right.first) }
        if !left.second.equalsByBytes(right.second) { return left.second.precedesByBytes(right.second) }
        let (a, b) = (left.numbers, right.numbers)
        return (a.0, left.marks.child, a.1, left.marks.grandchild, a.2, a.3)
            < (b.0, right.marks.child, b.1, right.marks.grandchild, b.2, b.3)
    }

    /// Feeds the same bytes that `==` compares.
    public func hash(into hasher: inout Hasher) {
        var parts = parts
        hasher.combine(parts.marks.root)
        hasher.combine(parts.marks.child)
        hasher.combine(parts.marks.grandchild)
        hasher.combine(parts.numbers.0)
        hasher.combine(parts.numbers.1)
        hasher.combine(parts.numbers.2)
        hasher.combine(parts.numbers.3)
        if !parts.first.isEmpty {
            parts.first.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
            hasher.combine(0xFF as UInt8)
            parts.second.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
        }
    }

    /// A key taken apart: which tree, its texts, and down to three levels of (which branch, which number).
    private struct Parts {
        var marks: (root: UInt8, child: UInt8, grandchild: UInt8)
        var first = ""
        var second = ""
        /// The number at each level; a UUID takes the last two. UInt64 keeps the order of ids by a shifted
        /// sign.
        var numbers: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)

        init(_ root: UInt8, _ child: UInt8 = 0, _ grandchild: UInt8 = 0) {
            marks = (root, child, grandchild)
        }

        init(_ root: UInt8, text first: String, _ second: String = "") {
            self.init(root)
            self.first = first
            self.second = second
        }

        func with(_ a: Int64, _ b: Int64 = 0, _ c: Int64 = 0) -> Parts {
            var parts = self
            parts.numbers = (Parts.ordered(a), Parts.ordered(b), Parts.ordered(c), 0)
            return parts
        }

        static func ordered(_ number: Int64) -> UInt64 {
            UInt64(bitPattern: number) ^ 1 << 63
        }
    }

    private var parts: Parts {
        switch self {
        case .experiment(let id): return Parts(1).with(id.rawValue)
        case .snapshot(let experiment): return Parts(1, 1).with(experiment.rawValue)
        case .trial(let experiment, let id): return Parts(1, 2).with(experiment.rawValue, id.rawValue)
        case .workload(let experiment, let trial, let id):
            return Parts(1, 2, 1).with(experiment.rawValue, trial.rawValue, id.rawValue)
        case .checkpoint(let experiment, let trial, let uuid):
            var parts = Parts(1, 2, 2).with(experiment.rawValue, trial.rawValue)
            (parts.numbers.2, parts.numbers.3) = uuid.words
            return parts
        case .pool(let name): return Parts(2, text: name)
        case .agent(let id): return Parts(3, text: id).with(0)
        case .slot(let agent, let index):
            var parts = Parts(3, text: agent).with(0, Int64(index))
            parts.marks.child = 1
            return parts
        case .task(let id): return Parts(4).with(id.rawValue)
        case .allocation(let task, let id): return Parts(4, 1).with(task.rawValue, id.rawValue)
        case .container(let task, let allocation, let id):
            return Parts(4, 1, 1).with(task.rawValue, allocation.rawValue, id.rawValue)
        case .port(let host, let port): return Parts(5, text: host).with(Int64(port))
        case .instance(let token): return Parts(6, text: token)
        case .spotRequest(let token): return Parts(7, text: token)
        case .keyValue(let namespace, let key): return Parts(8, text: namespace, key)
        case .lease(let id): return Parts(9).with(id.rawValue)
        case .document(let hash): return Parts(10, text: hash.description)
        case .consumer(let name): return Parts(11, text: name)
        case .leadership: return Parts(12)
        case .cluster: return Parts(13)
        }
    }
}
