internal import MetastoreEngine
internal import MetastoreMigration

/// Whether this handle may still write: another process may have migrated, promoted or demoted the store since it was
/// opened.
struct WritePermission: Sendable {
    private let migrator: Migrator
    /// The schema it was given for.
    private var schema: Int64
    /// The role it was given for.
    private let role: StoreRole

    init(migrator: Migrator, schema: Int64, role: StoreRole) {
        self.migrator = migrator
        self.schema = schema
        self.role = role
    }

    /// Called with the head's lock held: nobody migrates or promotes meanwhile.
    ///
    /// - Parameter known: the head as this handle's last batch left it. Whoever changes the role counts as a batch.
    mutating func confirm(_ head: Head, since known: Head, _ connection: any Connection, at place: String) throws {
        if head.schema != schema {
            try migrator.check(connection, forWriting: true)
            schema = head.schema
        }
        guard head.batches != known.batches || head.chain != known.chain else { return }
        guard try StoreIdentity.load(connection).role != role else { return }
        switch role {
        case .leader: throw StoreError.follower(place: place)
        case .follower: throw StoreError.fenced(reason: "\(place) was promoted and follows nobody any more")
        }
    }
}
