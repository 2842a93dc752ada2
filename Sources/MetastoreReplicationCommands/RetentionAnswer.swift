internal import MetastoreCommandLine
internal import MetastoreModel
internal import MetastoreReplication
internal import Synchronization
package import MetastoreTerminal

/// What `retention` would remove and merge, or has, and what holds the rest back.
package struct RetentionAnswer: CommandReport {
    /// Old segments that become few large ones.
    package struct Merging: Encodable, Sendable {
        package let segments: Int
        package let into: Int
        /// Of their records.
        package let bytes: Int
        /// Objects that an interrupted merging left.
        package let leftovers: Int
        /// Segments up to this revision may be merged; nil without a snapshot.
        package let through: Int64?

        init(_ plan: MergePlan) {
            (segments, into, bytes) = (plan.segments, plan.groups.count, plan.bytes)
            (leftovers, through) = (plan.leftovers.count, plan.through?.rawValue)
        }
    }

    package let archive: String
    package let cluster: String
    package internal(set) var isApplied = false
    /// The history begins after this revision now …
    package let after: Int64
    /// … and will after this one.
    package let afterwards: Int64
    /// What goes.
    package let segments: Int
    package let objects: Int
    package let removedBytes: Int
    /// The revisions of the snapshots that go, and of those that stay.
    package let snapshotsGoing: [Int64]
    package let snapshotsStaying: [Int64]
    /// Of the archive before, as far as they were counted.
    package let bytes: Int
    /// Why the history can't begin later.
    package let reasons: [String]
    /// Labels that nothing can be restored to any more.
    package let lostLabels: [String]
    /// More than what was asked for stays, because of the reasons.
    package let isOverBytes: Bool
    /// Where that was asked for.
    package let merging: Merging?

    init(_ archive: String, _ line: ArchiveLine, after start: Revision, _ plan: RetentionPlan, _ merge: MergePlan?) {
        (self.archive, cluster) = (archive, line.cluster.text)
        (after, afterwards) = (start.rawValue, plan.start?.revision.rawValue ?? start.rawValue)
        segments = plan.going.count { ["log", "merged"].contains($0.name.words.dropFirst().first) }
        merging = merge.map(Merging.init)
        (objects, removedBytes, bytes) = (plan.going.count, plan.goingBytes, plan.bytes)
        snapshotsGoing = plan.snapshots.map(\.revision.rawValue)
        snapshotsStaying = plan.staying.map(\.revision.rawValue)
        reasons = plan.reasons.map(\.description)
        (lostLabels, isOverBytes) = (plan.lostLabels, plan.isOverBytes)
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("archive", archive)
        fields.add("cluster", cluster)
        fields.add("history", history)
        let goes = isApplied ? "removed" : "would go"
        if objects == 0 {
            fields.add(goes, "nothing")
        } else {
            fields.add(
                goes,
                "\(Shown.count(segments, "segment")), \(Shown.count(snapshotsGoing.count, "snapshot")): "
                    + "\(Shown.count(objects, "object")), \(Shown.bytes(removedBytes)) of \(Shown.bytes(bytes))",
                isApplied ? .green : .yellow)
        }
        if let merging { add(merging, &fields) }
        if !snapshotsGoing.isEmpty { fields.add("snapshots", "of revisions \(Self.list(snapshotsGoing)) go") }
        if !snapshotsStaying.isEmpty { fields.add("snapshots", "of revisions \(Self.list(snapshotsStaying)) stay") }
        for reason in reasons { fields.add("held back", reason) }
        for label in lostLabels { fields.add("label", "\(label): nothing can be restored to it any more", .yellow) }
        if isOverBytes { fields.add("note", "more than was asked for stays, for these reasons", .yellow) }
        if !isApplied, objects > 0 || merging?.isEmpty == false {
            fields.add("note", "nothing was \(objects > 0 ? "removed" : "merged"); --apply does it")
        }
        return fields.lines(style)
    }

    private func add(_ merging: Merging, _ fields: inout FieldLines) {
        let merges = isApplied ? "merged" : "would merge"
        if merging.segments > 0 {
            fields.add(
                merges,
                "\(Shown.count(merging.segments, "segment")), \(Shown.bytes(merging.bytes)) of records, into "
                    + Shown.grouped(merging.into), isApplied ? .green : .yellow)
        } else {
            fields.add(merges, "nothing" + (merging.through == nil ? ": there is no snapshot that comes after" : ""))
        }
        if merging.leftovers > 0 {
            fields.add(
                "left over", "\(Shown.count(merging.leftovers, "object")) of a merging that was interrupted", .yellow)
        }
    }

    private var history: String {
        if after == afterwards { return "begins after revision \(after), as before" }
        return isApplied
            ? "begins after revision \(afterwards), after \(after) before"
            : "begins after revision \(after); would begin after \(afterwards)"
    }

    private static func list(_ revisions: [Int64]) -> String { revisions.map(String.init).joined(separator: ", ") }
}

extension RetentionAnswer.Merging {
    fileprivate var isEmpty: Bool { segments == 0 && leftovers == 0 }
}

/// Counts from 1.
final class Counted: Sendable {
    private let count = Atomic(0)

    func next() -> Int { count.add(1, ordering: .relaxed).newValue }
}
