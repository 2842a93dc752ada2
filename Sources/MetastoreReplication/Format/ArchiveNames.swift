package import FoundationEssentials
package import MetastoreModel

/// Where what lies in an archive. Every name follows from the cluster, the epoch and the revision, so that a reader
/// knows the next one without looking around, and so that two writers of one history meet under one name.
package struct ArchiveNames: Sendable, Hashable {
    private let cluster: String

    package init(_ cluster: UUID) { self.cluster = cluster.uuidString.lowercased() }

    /// The segment of an epoch that begins with a revision; or, where the epoch ended before it, the record of the one
    /// that came next.
    package func log(_ epoch: Epoch, from first: Revision) -> ArchiveName {
        name(["log", padded(epoch.number, 10), padded(first.rawValue, 19)])
    }

    /// Where the objects of an epoch lie.
    func logs(_ epoch: Epoch) -> ArchiveName { name(["log", padded(epoch.number, 10)]) }
    /// Below it lie all of these.
    package var log: ArchiveName { name(["log"]) }

    /// The record of the epoch that the archive begins in, and after which revision it does.
    package var beginning: ArchiveName { name(["beginning"]) }

    /// Below it lie the snapshots.
    package var snapshots: ArchiveName { name(["snapshots"]) }

    /// The manifest of a snapshot: the snapshot is there if and only if it is.
    package func manifest(_ id: SnapshotID) -> ArchiveName { name(["snapshots"] + words(id) + [id.form.word]) }

    /// A part of a snapshot. Each attempt to make one has parts of its own; the manifest says which attempt's count.
    package func part(_ id: SnapshotID, attempt: UInt64, number: Int) -> ArchiveName {
        let digits = String(attempt, radix: 16)
        let folder = id.form.word + "-" + String(repeating: "0", count: 16 - digits.count) + digits
        return name(["snapshots"] + words(id) + [folder, padded(Int64(number), 7)])
    }

    private func words(_ id: SnapshotID) -> [String] { [padded(id.epoch, 10), padded(id.revision.rawValue, 19)] }

    /// Below it lie the labels.
    package var labels: ArchiveName { name(["labels"]) }

    /// A label's object; nil for what can't be a label's name.
    package func label(_ label: String) -> ArchiveName? {
        guard !label.contains("/"), label.utf8.count <= Limits.labelNameBytes else { return nil }
        return ArchiveName("\(labels)/\(label)")
    }

    /// Below it lie the records of where the kept history begins.
    package var kept: ArchiveName { name(["kept"]) }

    /// One of them: the first is 1, and each later one takes the place of those before.
    package func kept(_ number: Int64) -> ArchiveName { name(["kept", padded(number, 10)]) }

    /// Below it lie the merged segments.
    package var merged: ArchiveName { name(["merged"]) }

    /// A merged segment. Its name says all of it that can differ: who merges the same writes the same bytes.
    package func merged(_ range: MergedRange) -> ArchiveName {
        merged(range.epoch.number, range.first.rawValue, range.last.rawValue)
    }

    private func merged(_ epoch: Int64, _ first: Int64, _ last: Int64) -> ArchiveName {
        name(["merged", padded(epoch, 10), padded(first, 19) + "-" + padded(last, 19)])
    }

    /// Of which epoch a merged segment is, and which of its revisions it has; nil for what is no name of one.
    func merged(_ name: ArchiveName) -> (epoch: Int64, revisions: ClosedRange<Int64>)? {
        let words = name.words
        guard words.count == 4, let epoch = Int64(words[2]) else { return nil }
        let ends = words[3].split(separator: "-").compactMap { Int64($0) }
        guard ends.count == 2, ends[0] <= ends[1], merged(epoch, ends[0], ends[1]) == name else { return nil }
        return (epoch, ends[0]...ends[1])
    }

    /// Of which epoch an object of the line is, and the revision in its name; nil for what is no name of one.
    func log(_ name: ArchiveName) -> (epoch: Int64, first: Revision)? {
        let words = name.words
        guard words.count == 4, let epoch = Int64(words[2]), let first = Int64(words[3]),
            log(Epoch(number: epoch, nonce: 0), from: Revision(rawValue: first)) == name
        else { return nil }
        return (epoch, Revision(rawValue: first))
    }

    /// Below it lie the records of what was merged.
    package var merges: ArchiveName { name(["merges"]) }

    /// A record of what was merged: the first is 1, and each later one says what was merged next.
    package func merge(_ number: Int64) -> ArchiveName { name(["merges", padded(number, 10)]) }

    private func name(_ words: [String]) -> ArchiveName {
        guard let name = ArchiveName(words: [cluster] + words) else {
            preconditionFailure("digits and lower-case words make a name")
        }
        return name
    }

    private func padded(_ number: Int64, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
}
