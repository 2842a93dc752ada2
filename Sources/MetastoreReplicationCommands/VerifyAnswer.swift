package import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
package import MetastoreTerminal

/// What `verify` found.
package struct VerifyAnswer: CommandReport {
    package let archive: String
    package let cluster: String
    /// Through which revision it was rebuilt, and its link.
    package let revision: Int64
    package let chain: String
    /// Revisions that were applied.
    package let revisions: Int64
    /// The revisions of the snapshots that were read as a whole.
    package let snapshots: [Int64]
    /// Snapshots that weren't read, and why.
    package let passedOver: [String]
    package var store: String?
    /// At which revision it was compared with the store.
    package var comparedAt: Int64?
    /// Kinds whose rows differ.
    package var kinds: [String] = []
    /// The rows that differ, each with how.
    package var differences: [String] = []
    /// More rows differ than are named.
    package var hasMore = false
    package var seconds = 0.0

    /// Nil where it was compared with nothing.
    package var isEqual: Bool?

    package var exitStatus: ExitStatus { isEqual == false ? .no : .success }

    init(
        archive: String, cluster: String, revision: Int64, chain: String, revisions: Int64, snapshots: [Int64],
        passedOver: [String]
    ) {
        (self.archive, self.cluster, self.revision, self.chain) = (archive, cluster, revision, chain)
        (self.revisions, self.snapshots, self.passedOver) = (revisions, snapshots, passedOver)
    }

    /// - Parameter comparison: of what was rebuilt with the store, which is its source.
    mutating func add(_ comparison: ReplicaComparison) {
        kinds = comparison.kinds.map(\.name).sorted()
        differences = comparison.differences.map { difference in
            switch difference.manner {
            case .missing: "\(difference.key) is in the store only"
            case .surplus: "\(difference.key) is in the archive only"
            case .different: "\(difference.key) has another content in the store than in the archive"
            }
        }
        hasMore = comparison.hasMore
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("archive", archive)
        fields.add("cluster", cluster)
        fields.add(
            "rebuilt",
            "through revision \(revision): \(Shown.count(Int(revisions), "revision")), "
                + "\(Shown.count(snapshots.count, "snapshot")), " + Shown.duration(.seconds(seconds)), .green)
        fields.add("chain", chain)
        for reason in passedOver { fields.add("passed over", reason, .yellow) }
        guard let store else { return fields.lines(style) }
        fields.add("store", store)
        let place = comparedAt.map { " at revision \($0)" } ?? ""
        guard isEqual == false else {
            fields.add("equal", "all rows and digests\(place)", .green)
            return fields.lines(style)
        }
        fields.add("differs", kinds.joined(separator: ", ") + place, .red)
        for difference in differences { fields.add("row", difference, .red) }
        if hasMore { fields.add("row", "… and more", .red) }
        return fields.lines(style)
    }
}
