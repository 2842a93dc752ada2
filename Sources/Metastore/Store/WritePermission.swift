internal import MetastoreEngine
internal import MetastoreMigration

/// Whether this binary may write the schema that stands in the head row: another process may have migrated the store
/// since it was opened.
struct WritePermission: Sendable {
    private let migrator: Migrator
    /// The schema it was given for.
    private var schema: Int64

    init(migrator: Migrator, schema: Int64) {
        self.migrator = migrator
        self.schema = schema
    }

    /// Called with the head's lock held: nobody migrates meanwhile.
    mutating func confirm(_ head: Head, _ connection: any Connection) throws {
        guard head.schema != schema else { return }
        try migrator.check(connection, forWriting: true)
        schema = head.schema
    }
}
