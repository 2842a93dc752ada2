// Invariants
// 1. A copy that isn't finished has a row in `copying` and no head row; a store has a head row and no such table. The
//    last transaction of a copy turns the one into the other.
// 2. The mark moves with the rows it speaks of, in one transaction, and only for the run that took it last.

internal import FoundationEssentials
internal import MetastoreEngine
internal import MetastoreModel

/// What an unfinished copy says of itself: of what it is one, and how far it has got.
struct CopyMark: Sendable, Hashable {
    let cluster: UUID
    let revision: Revision
    /// The source's head row, as bytes: a source whose head is another has moved on.
    let head: [UInt8]
    /// Which run writes: one that was taken over finds another number here, and stops.
    var run: Int64
    /// The table being copied.
    var table: String
    /// How many rows of it are there.
    var tableRows: Int64 = 0
    /// Rows and bytes of all tables.
    var rows: Int64 = 0
    var bytes: Int64 = 0
    /// The digests of the rows that are there.
    var digests: [UInt8]
}

extension CopyMark {
    /// One text for both engines: SQLite takes any word for a type where a table isn't STRICT.
    static let creation = """
        CREATE TABLE copying (id bigint CONSTRAINT copying_pkey PRIMARY KEY CONSTRAINT copying_id_check CHECK (id = 1),
            cluster uuid NOT NULL, revision bigint NOT NULL, head bytea NOT NULL, run bigint NOT NULL,
            table_name text NOT NULL, table_rows bigint NOT NULL, rows bigint NOT NULL, bytes bigint NOT NULL,
            digests bytea NOT NULL)
        """
    static let removal: SQL = "DROP TABLE copying"

    private static let selection = SQL(
        trusted: """
            SELECT cluster, revision, head, run, table_name, table_rows, rows, bytes, digests FROM copying WHERE id = 1
            """)

    /// The mark; with `locking`, its row is locked for this transaction.
    static func load(_ connection: any Connection, locking: Bool = false) throws -> CopyMark? {
        let clause = SQL(trusted: locking ? connection.dialect.lockingClause : "")
        return try connection.first(selection + clause) { row in
            CopyMark(
                cluster: try row.uuid(0), revision: Revision(rawValue: try row.integer(1)), head: try row.bytes(2),
                run: try row.integer(3), table: try row.text(4), tableRows: try row.integer(5),
                rows: try row.integer(6), bytes: try row.integer(7), digests: try row.bytes(8))
        }
    }

    func insert(_ connection: any Connection) throws(EngineError) {
        try connection.execute(
            """
            INSERT INTO copying (id, cluster, revision, head, run, table_name, table_rows, rows, bytes, digests) \
            VALUES (1, \(cluster), \(revision.rawValue), \(head), \(run), \(table), \(tableRows), \(rows), \(bytes), \
            \(digests))
            """)
    }

    /// Another run takes the copy over, from the beginning or where it stopped.
    func replace(_ connection: any Connection) throws(EngineError) {
        try connection.execute("DELETE FROM copying")
        try insert(connection)
    }

    /// Says how far this run has got; false when another has taken over.
    func move(_ connection: any Connection) throws(EngineError) -> Bool {
        try connection.execute(
            """
            UPDATE copying SET table_name = \(table), table_rows = \(tableRows), rows = \(rows), bytes = \(bytes), \
            digests = \(digests) WHERE id = 1 AND run = \(run)
            """) == 1
    }

    /// As ``StoreError/unfinishedCopy(place:of:)``.
    func error(_ place: String) -> StoreError {
        .unfinishedCopy(place: place, of: "cluster \(cluster.lowercaseText) at revision \(revision)")
    }
}
