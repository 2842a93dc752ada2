internal import FoundationEssentials
internal import Migrations
internal import PostgreSQLServer
internal import Testing

/// What docs/OPERATIONS.md tells an administrator to run, run as it stands.
@Suite struct `The roles of the runbook` {
    private static let blocks: [String] = {
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().path
        let text = (try? String(contentsOfFile: root + "/docs/OPERATIONS.md", encoding: .utf8)) ?? ""
        return text.split(separator: "```sql\n").dropFirst().map { part in
            String(part[..<(part.firstRange(of: "```")?.lowerBound ?? part.endIndex)])
        }
    }()

    @Test func `suffice for the store, and for no more`() throws {
        try #require(Self.blocks.count == 4)
        let server = try PostgreSQLServer(.answersOnly)
        try server.ask("CREATE DATABASE training TEMPLATE template0")
        try server.ask("CREATE TABLE secrets (word text)", in: "training")
        try server.ask(Self.blocks[0], in: "training")
        func ask(_ role: String, _ statement: String) throws -> String {
            try psql(server.connection(to: "training") + " user=\(role) options='-c search_path=metastore'", statement)
        }
        func refused(_ role: String, _ statements: String...) {
            for statement in statements {
                let error = #expect(throws: ServerFailure.self, "\(role): \(statement)") { try ask(role, statement) }
                let said = "\(error, default: "nothing")"
                let reasons = ["permission denied", "must be owner", "must be superuser", "read-only transaction"]
                #expect(reasons.contains { said.contains($0) }, "\(role): \(statement): \(said)")
            }
        }

        for step in catalogue { _ = try ask("metastore", step.statements(for: "postgresql") ?? "") }
        _ = try ask("metastore", "CREATE TABLE schema_migrations (number bigint)")
        _ = try ask("metastore", "CREATE TABLE migration_lock (token bigint)")
        let beyond = [
            "CREATE SCHEMA other", "CREATE TEMPORARY TABLE a (b bigint)", "CREATE TABLE public.a (b bigint)",
            "SELECT * FROM public.secrets", "CREATE ROLE a", "CREATE DATABASE a", "SELECT pg_read_file('/etc/passwd')",
            "ALTER SYSTEM SET fsync = off", "CREATE EXTENSION pgcrypto",
        ]
        for statement in beyond { refused("metastore", statement) }

        try server.ask(Self.blocks[1], in: "training")
        let lease = "INSERT INTO leases VALUES (1, 1, 1, 1, 1)"
        #expect(try ask("metastore_master", "SELECT count(*) FROM head; \(lease); SELECT id FROM leases") == "0\n1")
        let entry = "INSERT INTO key_value VALUES ('n', 'k', 'v', 1, 1, 1, 1)"
        #expect(try ask("metastore_master", "\(entry); SELECT 1 FROM leases FOR UPDATE") == "1")
        _ = try ask("metastore_master", "DELETE FROM key_value; SELECT number FROM schema_migrations")
        _ = try ask("metastore_master", "LISTEN a; NOTIFY a; SELECT pg_advisory_xact_lock(1)")
        _ = try ask("metastore_master", "SELECT system_identifier FROM pg_control_system()")
        _ = try ask("metastore_master", "SELECT pg_walfile_name(pg_current_wal_insert_lsn())")
        for statement in beyond { refused("metastore_master", statement) }
        refused(
            "metastore_master", "INSERT INTO schema_migrations VALUES (2)", "UPDATE migration_lock SET token = 1",
            "CREATE TABLE a (b bigint)",
            "ALTER TABLE head ADD a bigint", "TRUNCATE log", "DROP TABLE log")

        try server.ask(Self.blocks[2], in: "training")
        #expect(try ask("metastore_reader", "SELECT count(*) FROM leases") == "1")
        #expect(try ask("metastore_reader", "SELECT count(*) FROM experiment_names") == "0")
        for statement in beyond { refused("metastore_reader", statement) }
        refused(
            "metastore_reader", "DELETE FROM leases", "SELECT id FROM leases FOR UPDATE",
            "SET default_transaction_read_only = off; DELETE FROM leases")

        // A later step's tables are there for all of them.
        _ = try ask("metastore", "CREATE TABLE later (a bigint)")
        _ = try ask("metastore_master", "INSERT INTO later VALUES (1)")
        #expect(try ask("metastore_reader", "SELECT a FROM later") == "1")
        #expect(try server.ask(Self.blocks[3], in: "training").split(separator: "|").count == 3)
        try server.ask("CREATE ROLE stranger LOGIN")
        refused("stranger", "SELECT 1")
    }
}
