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

    /// The record of an epoch, by its number alone.
    package func epoch(_ number: Int64) -> ArchiveName { name(["epochs", padded(number, 10)]) }

    /// The record of the epoch that the archive begins in, and after which revision it does.
    package var beginning: ArchiveName { name(["beginning"]) }

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
