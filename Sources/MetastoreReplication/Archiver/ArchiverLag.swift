// Invariant: each revision's bytes are counted once when it is committed and once when it is archived, whatever the lag
// is: measuring a large one costs no more than measuring a small one.

package import Metastore
package import MetastoreModel

/// Measures by how much an archive is behind.
package struct ArchiveLagMeter {
    private var archived: Revision?
    private var measured = Revision.absent
    private var bytes = 0

    package init() {}

    /// - Parameter archived: the last revision that is.
    package mutating func measure(_ store: Metastore, archived: Revision) async throws -> ArchiveLag {
        let head = try await store.logHead().revision
        if let from = self.archived, from <= archived, archived < measured {
            bytes -= try await store.logSize(after: from, through: archived)
        } else if self.archived == nil || archived >= measured {
            (bytes, measured) = (0, archived)
        }
        self.archived = archived
        if head > measured {
            bytes += try await store.logSize(after: measured, through: head)
            measured = head
        }
        guard head > archived else { return ArchiveLag(revisions: 0, bytes: 0, age: .zero) }
        let oldest = try await store.time(of: Revision(rawValue: archived.rawValue + 1))
        return ArchiveLag(
            revisions: Int(head.rawValue - archived.rawValue), bytes: max(0, bytes),
            age: oldest.map { max(.zero, store.time.now().duration(since: $0)) } ?? .zero)
    }
}

extension Timestamp {
    fileprivate func duration(since earlier: Timestamp) -> Duration {
        .microseconds(microseconds - earlier.microseconds)
    }
}
