package import MetastoreModel

/// What an archive keeps. Whatever is not said is kept for ever.
package struct ArchiveRetention: Sendable, Hashable {
    /// Every moment that is no older can be restored.
    package var age: Duration?
    /// So many of the newest snapshots stay; at least one always does.
    package var snapshots: Int?
    /// The archive is to take no more than so many bytes, if what is needed leaves room.
    package var bytes: Int?

    package init(age: Duration? = nil, snapshots: Int? = nil, bytes: Int? = nil) {
        self.age = age
        self.snapshots = snapshots
        self.bytes = bytes
    }
}

/// Something outside the archive that still needs history: a consumer, a follower.
package struct HistoryNeed: Sendable, Hashable {
    /// Who, in words for people.
    package let name: String
    /// It has everything up to this revision.
    package let position: Revision

    package init(name: String, position: Revision) {
        self.name = name
        self.position = position
    }
}

/// What retention would do, and why. Nothing is done before ``Retention/carryOut(_:)``.
package struct RetentionPlan: Sendable {
    /// Why history has to go back as far as it does.
    package enum Reason: Sendable, Hashable, CustomStringConvertible {
        /// There is no snapshot that history could begin with.
        case noSnapshot
        case newestSnapshot
        /// Moments that are not older than the policy's age.
        case age
        case count
        case label(String)
        case need(String)
        /// Nothing asks for less.
        case policy

        package var description: String {
            switch self {
            case .noSnapshot: "there is no snapshot to begin with"
            case .newestSnapshot: "the newest snapshot needs it"
            case .age: "it is not older than what is kept"
            case .count: "so many snapshots are kept"
            case .label(let name): "label \(name) needs it"
            case .need(let name): "\(name) needs it"
            case .policy: "the policy asks for nothing less"
            }
        }
    }

    /// An object, its size where it is known, and what it is.
    package struct Item: Sendable, Hashable {
        package let name: ArchiveName
        package let bytes: Int
    }

    /// The history will begin after this revision; nil where that stays as it is.
    package let start: KeptRecord?
    /// The snapshot that it will begin with.
    package let base: SnapshotID?
    /// Snapshots that go: first their manifest, then their parts.
    package let snapshots: [SnapshotID]
    /// What goes, in this order.
    package let going: [Item]
    /// Snapshots that stay, the newest first.
    package let staying: [SnapshotID]
    /// Why the history can't begin later than it will.
    package let reasons: [Reason]
    /// Labels that nothing can be restored to any more: their history is gone already, or was left behind.
    package let lostLabels: [String]
    /// The archive's bytes before, as far as they were counted, and what goes of them.
    package let bytes: Int
    package var goingBytes: Int { going.reduce(0) { $0 + $1.bytes } }
    /// True where more than the policy's bytes stay because of ``reasons``.
    package let isOverBytes: Bool
}
