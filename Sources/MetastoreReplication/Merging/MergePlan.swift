package import MetastoreModel

/// Which segments would be merged. Nothing is done before ``Merging/carryOut(_:_:)``.
package struct MergePlan: Sendable {
    /// Segments that become one.
    package struct Group: Sendable, Hashable {
        package let range: MergedRange
        /// With which revisions they begin; at least two.
        package let firsts: [Revision]
        /// Of their records, uncompressed.
        package let bytes: Int
    }

    /// How many records of merging there were: with any other number this plan is old.
    let number: Int64
    package let groups: [Group]
    /// What was merged before and is still there under its old name, because whoever merged it was interrupted; and
    /// merged segments that no record can come to name any more.
    package let leftovers: [ArchiveName]
    /// Up to where history may be merged: the place that the newest snapshot is read on from. Nil without a snapshot.
    package let through: Revision?

    /// Segments that go.
    package var segments: Int { groups.reduce(0) { $0 + $1.firsts.count } }
    package var bytes: Int { groups.reduce(0) { $0 + $1.bytes } }
    package var isEmpty: Bool { groups.isEmpty && leftovers.isEmpty }
    /// How many objects are written or removed: ``Merging/carryOut(_:_:)`` tells of each.
    package var steps: Int { groups.count + segments + leftovers.count }
}
