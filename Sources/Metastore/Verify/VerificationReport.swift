public import MetastoreModel

/// What ``Metastore/verify()`` found.
public struct VerificationReport: Sendable, Hashable, CustomStringConvertible {
    /// Something that can't be, or must not be.
    public struct Finding: Sendable, Hashable, CustomStringConvertible {
        /// The invariant that is broken, by its name.
        public let invariant: String
        /// The key of the offending record, or the part of the store: `head`, `log/17`.
        public let key: String
        /// What is there and what was expected; never a record's content.
        public let detail: String

        /// The key, the invariant and the detail.
        public var description: String { "\(key): \(invariant)\(detail.isEmpty ? "" : " (\(detail))")" }
    }

    /// The revision of the snapshot that was looked at.
    public internal(set) var revision: Revision
    /// How many rows were recomputed, by kind.
    public internal(set) var rows: [RecordKind: Int] = [:]
    /// How many records of the log were recomputed.
    public internal(set) var logRecords = 0
    /// The first findings, at most ``findingsKept``.
    public private(set) var findings: [Finding] = []
    /// How many there are altogether.
    public private(set) var findingCount = 0

    /// How many findings are told one by one; the others are only counted.
    public static let findingsKept = 1_000

    init(revision: Revision) {
        self.revision = revision
    }

    /// True when nothing was found.
    public var isClean: Bool { findingCount == 0 }

    mutating func add(_ invariant: String, _ key: String, _ detail: String = "") {
        assert(Self.invariants.contains(invariant), "\(invariant) is not listed")
        findingCount += 1
        guard findings.count < Self.findingsKept else { return }
        findings.append(Finding(invariant: invariant, key: key, detail: detail))
    }

    /// What was looked at, and the findings, one a line.
    public var description: String {
        let head = "revision \(revision): \(rows.values.reduce(0, +)) rows, \(logRecords) log records, "
        guard !isClean else { return head + "no findings" }
        return head + "\(findingCount) findings\n" + findings.map { "  \($0)" }.joined(separator: "\n")
    }
}
