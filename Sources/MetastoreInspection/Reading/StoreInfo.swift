package import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
package import MetastoreModel
internal import MetastoreSQLite

/// What a store is, at a glance: who wrote it last, when, which schema, how far.
package struct StoreInfo: Sendable {
    package struct Writer: Sendable, Hashable {
        package let binary: String
        package let host: String
        package let time: Timestamp
    }

    package struct Size: Sendable, Hashable {
        package let name: String
        package let rows: Int64?
        package let bytes: Int64
    }

    package let facts: ClosedStore.Facts
    package let schema: Int64
    package let knownSchema: Int64
    package let minReader: Int64?
    package let minWriter: Int64?
    /// Who brought it to its schema.
    package let migratedBy: Writer?
    /// Who made the last commit that the log still has.
    package let lastActor: String?
    package let leader: String?
    /// The leader's row can't be read, or has another hash than its own.
    package let isLeaderDoubtful: Bool
    /// Whose writes it takes; nil where its schema doesn't say, or the row can't be read.
    package let role: StoreRole?
    /// The store was last written in another file than this; nil where that can't be told.
    package let isCopy: Bool?
}

extension Inspection {
    /// Reads the head row, the table of migrations and one record of the log: no table of records.
    package func info() throws -> StoreInfo {
        let facts = try store.facts()
        let status = schema
        let leader = try leader()
        // Of a rebuilt state these say where and when it was rebuilt.
        let writer = (isRebuilt ? nil : status.lastWriter).map {
            StoreInfo.Writer(
                binary: $0.appliedBy, host: $0.host, time: Timestamp(microseconds: $0.appliedTime))
        }
        let identity = isRebuilt ? nil : try? store.identity()
        return StoreInfo(
            facts: facts, schema: status.found, knownSchema: status.known, minReader: status.minReader,
            minWriter: status.minWriter, migratedBy: writer, lastActor: try lastActor(facts),
            leader: leader.name, isLeaderDoubtful: leader.isDoubtful, role: identity?.role,
            isCopy: identity.flatMap(isCopy))
    }

    private func isCopy(_ identity: StoreIdentity) -> Bool? {
        guard connection.dialect.name == .sqlite, let known = identity.file,
            let file = try? FileMark(ofFileAt: place)
        else { return nil }
        return !known.isSameFile(as: file)
    }

    private func leader() throws -> (name: String?, isDoubtful: Bool) {
        switch try store.row(.leadership) {
        case nil: return (nil, false)
        case .unreadable: return (nil, true)
        case .row(let row):
            guard case .text(let holder) = row.value("holder") else { return (nil, true) }
            return (holder, !row.isProven)
        }
    }

    /// Nil where the log's last record can't be relied on: the verdict says so.
    private func lastActor(_ facts: ClosedStore.Facts) throws -> String? {
        do {
            return try store.commit(facts.summary.revision)?.actor
        } catch StoreError.damaged {
            return nil
        }
    }

    /// The release of the SQLite that reads files.
    package static var sqliteVersion: String { SQLiteEngine.libraryVersion }

    /// The newest schema that this program knows.
    package static var knownSchema: Int64 { Migrator.ofThisLibrary.known }

    /// How large each table is with its indexes, the largest first. Reads every page.
    package func sizes() throws -> [StoreInfo.Size] {
        let statement: SQL =
            switch connection.dialect.name {
            case .sqlite:
                """
                SELECT coalesce(m.tbl_name, d.name), sum(d.pgsize) FROM dbstat AS d LEFT JOIN sqlite_schema AS m \
                ON m.name = d.name WHERE d.aggregate = TRUE GROUP BY 1 ORDER BY 2 DESC, 1
                """
            case .postgresql:
                """
                SELECT c.relname::text COLLATE "C", pg_catalog.pg_total_relation_size(c.oid) \
                FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace \
                WHERE n.nspname = pg_catalog.current_schema() AND c.relkind = 'r' ORDER BY 2 DESC, 1
                """
            }
        let tables = Dictionary(
            uniqueKeysWithValues: RecordKind.allCases.filter { $0 != .cluster }.map { ($0.table.name, $0) })
        return try connection.all(statement) { (try $0.text(0), try $0.integer(1)) }.map { name, bytes in
            let rows = try tables[name].map { try store.count(of: $0) }
            return StoreInfo.Size(name: name, rows: rows, bytes: bytes)
        }
    }
}
