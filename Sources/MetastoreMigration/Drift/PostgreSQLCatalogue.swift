internal import MetastoreEngine

/// PostgreSQL spells definitions out itself. Names are as the store's search path finds them, so that the schema's own
/// name stands in none; who owns and may use an object is left to the administrator.
package enum PostgreSQLCatalogue {
    static func objects(_ connection: any Connection) throws -> [Catalogue.Object] {
        try queries.flatMap { kind, query in
            try connection.all(query) { row in
                let name = try row.text(0)
                let text = try row.text(1)
                return Catalogue.Object(kind: kind, name: name, definition: kind == "view" ? view(text) : text)
            }
        }
    }

    /// Newer servers leave out the table's name before a column where there is one table only.
    package static func view(_ text: String) -> String {
        var definition = StatementText.normalised(text)
        if definition.hasSuffix(";") { definition.removeLast() }
        guard let from = definition.ranges(of: " FROM ").last else { return definition }
        let table = definition[from.upperBound...].prefix { $0 != " " }
        guard definition[from.upperBound...] == table else { return definition }
        return unqualified(definition, table: Array(table.utf8) + [UInt8(ascii: ".")])
    }

    private static func unqualified(_ definition: String, table: [UInt8]) -> String {
        let bytes = Array(definition.utf8)
        var kept: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let isWordStart = kept.last.map { " (,".utf8.contains($0) } ?? true
            if isWordStart, bytes[index...].starts(with: table) {
                index += table.count
                continue
            }
            let end = StatementText.isQuote(bytes[index]) ? StatementText.endOfQuoted(bytes, from: index) : index + 1
            kept += bytes[index..<end]
            index = end
        }
        return String(decoding: kept, as: UTF8.self)
    }

    private static let queries: [(kind: String, SQL)] = [
        (
            "table",
            """
            SELECT CAST(c.relname AS text), CASE c.relpersistence WHEN 'p' THEN '' ELSE 'UNLOGGED ' END \
            || CASE WHEN c.relrowsecurity THEN 'ROW SECURITY ' ELSE '' END \
            || coalesce('WITH (' || (SELECT string_agg(o, ', ' ORDER BY o COLLATE "C") \
            FROM (SELECT unnest(c.reloptions) \
            UNION ALL SELECT 'toast.' || unnest(t.reloptions)) AS options (o)) || ')', '') \
            FROM pg_catalog.pg_class AS c LEFT JOIN pg_catalog.pg_class AS t ON t.oid = c.reltoastrelid \
            WHERE c.relkind = 'r' AND c.relnamespace = \(schema)
            """
        ),
        (
            "column",
            """
            SELECT c.relname || '.' || a.attname, format_type(a.atttypid, a.atttypmod) \
            || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || quote_ident(l.collname) ELSE '' END \
            || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END \
            || CASE WHEN a.attgenerated <> '' THEN ' GENERATED' WHEN d.adbin IS NOT NULL THEN ' DEFAULT' ELSE '' END \
            || coalesce(' ' || pg_get_expr(d.adbin, d.adrelid), '') \
            || CASE a.attidentity WHEN '' THEN '' ELSE ' IDENTITY' END \
            || CASE WHEN a.attstorage <> t.typstorage THEN ' STORAGE ' || CASE a.attstorage WHEN 'p' THEN 'PLAIN' \
            WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END ELSE '' END \
            FROM pg_catalog.pg_attribute AS a JOIN pg_catalog.pg_class AS c ON c.oid = a.attrelid \
            JOIN pg_catalog.pg_type AS t ON t.oid = a.atttypid \
            LEFT JOIN pg_catalog.pg_collation AS l ON l.oid = a.attcollation \
            LEFT JOIN pg_catalog.pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
            WHERE c.relkind = 'r' AND a.attnum > 0 AND NOT a.attisdropped AND c.relnamespace = \(schema)
            """
        ),
        (
            // Without the constraints that newer servers also make of NOT NULL.
            "constraint",
            """
            SELECT c.relname || '.' || o.conname, pg_get_constraintdef(o.oid, true) \
            || CASE WHEN EXISTS (SELECT 1 FROM pg_catalog.pg_trigger AS g WHERE g.tgconstraint = o.oid \
            AND g.tgenabled <> 'O') THEN ' DISABLED' ELSE '' END \
            FROM pg_catalog.pg_constraint AS o JOIN pg_catalog.pg_class AS c ON c.oid = o.conrelid \
            WHERE o.contype IN ('c', 'f', 'p', 'u', 'x') AND c.relnamespace = \(schema)
            """
        ),
        (
            "index",
            """
            SELECT CAST(c.relname AS text), pg_get_indexdef(i.indexrelid, 0, true) \
            || CASE WHEN i.indisvalid THEN '' ELSE ' INVALID' END \
            FROM pg_catalog.pg_index AS i JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid \
            WHERE c.relnamespace = \(schema) \
            AND NOT EXISTS (SELECT 1 FROM pg_catalog.pg_constraint AS o WHERE o.conindid = i.indexrelid \
            AND o.contype IN ('p', 'u', 'x'))
            """
        ),
        (
            "view",
            """
            SELECT CAST(c.relname AS text), pg_get_viewdef(c.oid, true) FROM pg_catalog.pg_class AS c \
            WHERE c.relkind = 'v' AND c.relnamespace = \(schema)
            """
        ),
        (
            "relation",
            """
            SELECT CAST(c.relname AS text), CASE c.relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'm' THEN 'MATERIALIZED VIEW' \
            WHEN 'f' THEN 'FOREIGN TABLE' WHEN 'p' THEN 'PARTITIONED TABLE' \
            ELSE 'OF KIND ' || CAST(c.relkind AS text) END \
            FROM pg_catalog.pg_class AS c WHERE c.relkind NOT IN ('r', 'v', 'i', 't') AND c.relnamespace = \(schema)
            """
        ),
        (
            "trigger",
            """
            SELECT c.relname || '.' || g.tgname, pg_get_triggerdef(g.oid, true) \
            FROM pg_catalog.pg_trigger AS g JOIN pg_catalog.pg_class AS c ON c.oid = g.tgrelid \
            WHERE NOT g.tgisinternal AND c.relnamespace = \(schema)
            """
        ),
        (
            "rule",
            """
            SELECT c.relname || '.' || r.rulename, pg_get_ruledef(r.oid, true) FROM pg_catalog.pg_rewrite AS r \
            JOIN pg_catalog.pg_class AS c ON c.oid = r.ev_class \
            WHERE r.rulename <> '_RETURN' AND c.relnamespace = \(schema)
            """
        ),
        (
            "policy",
            """
            SELECT c.relname || '.' || p.polname, coalesce(pg_get_expr(p.polqual, p.polrelid), '') \
            FROM pg_catalog.pg_policy AS p JOIN pg_catalog.pg_class AS c ON c.oid = p.polrelid \
            WHERE c.relnamespace = \(schema)
            """
        ),
        (
            "function",
            """
            SELECT p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')', '' \
            FROM pg_catalog.pg_proc AS p WHERE p.pronamespace = \(schema)
            """
        ),
    ]

    private static let schema: SQL =
        "(SELECT oid FROM pg_catalog.pg_namespace WHERE nspname = pg_catalog.current_schema())"
}
