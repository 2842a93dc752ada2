internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreSQLite
internal import Migrations
internal import PostgreSQLServer
internal import Testing

@Suite struct `The schema is the same on both databases` {
    private func withBoth(_ body: (SQLiteCatalogue, PostgreSQLCatalogue) throws -> Void) async throws {
        try await PostgreSQLServer.shared.withDatabase { database in
            try body(SQLiteCatalogue(), PostgreSQLCatalogue(database))
        }
    }

    @Test func `for every step there is a text for each`() {
        #expect(!catalogue.isEmpty)
        for (index, step) in catalogue.enumerated() {
            #expect(step.number == Int64(index + 1))
            for database in Dialect.Name.allCases { #expect(step.statements(for: database.rawValue) != nil) }
        }
    }

    @Test func `tables and views have the same columns in the same order, and the same of them may be null`()
        async throws
    {
        try await withBoth { sqlite, postgresql in
            let expected = try sqlite.ask(
                """
                SELECT t.name || ' ' || t.type || ' ' || c.name
                || CASE WHEN c."notnull" OR c.pk THEN '' ELSE ' null' END
                FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type IN ('table', 'view')
                ORDER BY t.name, c.cid
                """)
            let found = try postgresql.ask(
                """
                SELECT relname || CASE relkind WHEN 'v' THEN ' view ' ELSE ' table ' END || attname
                || CASE WHEN attnotnull THEN '' ELSE ' null' END
                FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE relnamespace = 'metastore'::regnamespace AND relkind IN ('r', 'v') AND attnum > 0
                ORDER BY relname COLLATE "C", attnum
                """)
            #expect(found.count > 250)
            #expect(Set(found.filter { !$0.contains(" view ") }) == Set(expected.filter { !$0.contains(" view ") }))
            #expect(found == expected)
        }
    }

    @Test func `indexes have the same names, columns and conditions`() async throws {
        try await withBoth { sqlite, postgresql in
            let expected = try sqlite.ask(
                """
                SELECT i.name || CASE WHEN l."unique" THEN ' unique ' ELSE ' ' END || i.tbl_name || ' ('
                || (SELECT group_concat(c.name, ', ') FROM pragma_index_info(i.name) AS c) || ')'
                || CASE WHEN instr(i.sql, ' WHERE ') > 0 THEN substr(i.sql, instr(i.sql, ' WHERE ')) ELSE '' END
                FROM sqlite_schema AS i JOIN pragma_index_list(i.tbl_name) AS l ON l.name = i.name
                WHERE i.type = 'index' AND i.sql IS NOT NULL ORDER BY i.name
                """)
            let found = try postgresql.ask(
                """
                SELECT c.relname || CASE WHEN indisunique THEN ' unique ' ELSE ' ' END || indrelid::regclass || ' ('
                || (SELECT string_agg(attname, ', ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = c.oid) || ')'
                || coalesce(' WHERE ' || regexp_replace(pg_get_expr(indpred, indrelid), '[()]', '', 'g'), '')
                FROM pg_index JOIN pg_class AS c ON c.oid = indexrelid
                WHERE c.relnamespace = 'metastore'::regnamespace
                AND NOT EXISTS (SELECT 1 FROM pg_constraint WHERE conindid = c.oid AND contype IN ('p', 'u'))
                ORDER BY c.relname COLLATE "C"
                """)
            #expect(found.count > 25)
            #expect(found == expected)
        }
    }

    @Test func `keys and references are the same, and none is deferred`() async throws {
        try await withBoth { sqlite, postgresql in
            let expected = try sqlite.ask(
                """
                SELECT t.name || ' ' || f."from" || ' -> ' || f."table" || ' ' || f."to"
                FROM sqlite_schema AS t, pragma_foreign_key_list(t.name) AS f WHERE t.type = 'table'
                ORDER BY t.name, f."from"
                """)
            let found = try postgresql.ask(
                """
                SELECT conrelid::regclass || ' ' || a.attname || ' -> ' || confrelid::regclass || ' ' || b.attname
                FROM pg_constraint JOIN pg_attribute AS a ON a.attrelid = conrelid AND a.attnum = conkey[1]
                JOIN pg_attribute AS b ON b.attrelid = confrelid AND b.attnum = confkey[1]
                WHERE contype = 'f' ORDER BY conrelid::regclass::text COLLATE "C", a.attname COLLATE "C"
                """)
            #expect(found == expected)
            let keys = try sqlite.ask(
                """
                SELECT t.name || ' ' || (SELECT group_concat(name, ', ')
                FROM (SELECT name FROM pragma_table_info(t.name) WHERE pk > 0 ORDER BY pk))
                FROM sqlite_schema AS t WHERE t.type = 'table' ORDER BY t.name
                """)
            let primary = try postgresql.ask(
                """
                SELECT conrelid::regclass || ' ' || (SELECT string_agg(attname, ', ' ORDER BY place)
                FROM unnest(conkey) WITH ORDINALITY AS k (number, place)
                JOIN pg_attribute ON attrelid = conrelid AND attnum = number)
                FROM pg_constraint WHERE contype = 'p' AND conname = conrelid::regclass || '_pkey'
                ORDER BY conrelid::regclass::text COLLATE "C"
                """)
            #expect(primary == keys)
            let deferred = try postgresql.ask("SELECT conname FROM pg_constraint WHERE condeferrable OR condeferred")
            #expect(deferred == [])
        }
    }

    @Test func `what SQLite checks of a value, PostgreSQL checks too`() throws {
        for step in catalogue {
            let expected = Self.checks(try #require(step.statements(for: "sqlite")))
                .map { $0.replacing("length(", with: "octet_length(") }
            let found = Set(Self.checks(try #require(step.statements(for: "postgresql"))))
            // The length of a UUID's bytes: there it is a type of its own.
            let missing = expected.filter { !$0.hasSuffix("= 16") && !found.contains($0) }
            #expect(missing == [])
            #expect(step.number > 1 || expected.count > 15)
        }
    }

    /// The checks of every table, with the table's name.
    private static func checks(_ text: String) -> [String] {
        var table: Substring = ""
        return text.split(separator: "\n").flatMap { line -> [String] in
            if line.hasPrefix("CREATE TABLE ") { table = line.dropFirst(13).prefix { $0 != " " } }
            return line.split(separator: "CHECK (").dropFirst().map { check in
                var depth = 1
                let condition = check.prefix { character in
                    if character == "(" { depth += 1 }
                    if character == ")" { depth -= 1 }
                    return depth > 0
                }
                return "\(table): \(condition)"
            }
        }
    }

    @Test func `everything lies in the store's own schema, with no sequence and no other collation`() async throws {
        try await withBoth { _, postgresql in
            let strangers = """
                SELECT nspname || '.' || relname || ' ' || relkind::text
                FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
                WHERE nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast')
                AND (nspname <> 'metastore' OR relkind NOT IN ('r', 'v', 'i'))
                UNION ALL SELECT proname FROM pg_proc WHERE pronamespace IN ('public'::regnamespace,
                'metastore'::regnamespace)
                UNION ALL SELECT extname FROM pg_extension WHERE extname <> 'plpgsql'
                """
            let found = try postgresql.ask(strangers)
            #expect(found == [])
            let collations = """
                SELECT attrelid::regclass || ' ' || attname FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
                WHERE relnamespace = 'metastore'::regnamespace AND relkind = 'r' AND attnum > 0
                AND atttypid = 'text'::regtype AND attcollation <> '"C"'::regcollation
                """
            let other = try postgresql.ask(collations)
            #expect(other == [])
        }
    }

    @Test func `columns have the types that the store binds and reads`() async throws {
        try await withBoth { _, postgresql in
            let lines = try postgresql.ask(
                """
                SELECT relname || ' ' || attname || ' ' || format_type(atttypid, NULL) FROM pg_attribute
                JOIN pg_class ON pg_class.oid = attrelid WHERE relnamespace = 'metastore'::regnamespace
                AND relkind = 'r' AND attnum > 0
                """)
            let found = Set(lines)
            for kind in RecordKind.allCases where kind != .cluster && kind != .document {
                for column in kind.table.columns {
                    let line = "\(kind.table.name) \(column.name) \(column.type.postgresql)"
                    #expect(found.contains(line), "\(line) is wanted")
                }
            }
            let others = """
                head cluster uuid; head time timestamp with time zone; head chain bytea; head digests bytea; \
                log time timestamp with time zone; log operation uuid; log body bytea; log chain bytea; \
                operations id uuid; operations time timestamp with time zone; documents content bytea; \
                documents hash bytea; epochs time timestamp with time zone; consumers position_chain bytea; \
                consumers position_time timestamp with time zone
                """
            for line in others.replacing("; ", with: ";").split(separator: ";") {
                #expect(found.contains(String(line)), "\(line) is wanted")
            }
        }
    }
}

extension ColumnType {
    fileprivate var postgresql: String {
        switch self {
        case .integer: "bigint"
        case .real: "double precision"
        case .text: "text"
        case .bytes: "bytea"
        case .uuid: "uuid"
        case .timestamp: "timestamp with time zone"
        }
    }
}
