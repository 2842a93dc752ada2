internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreTestSupport
internal import MigrationSupport
internal import Migrations
internal import Testing

@Suite struct `What a store should contain` {
    private static let folder =
        URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().path + "/Migrations"

    /// With METASTORE_RENEW_CATALOGUES set it writes the files, and fails until they are compiled in.
    @Test(arguments: TestEngine.migrated)
    func `is compiled in, as a new store has it`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
            let found = try migration.withConnection { try Catalogue(of: $0) }
            let step = try #require(catalogue.last)
            let database = engine.isFile ? "sqlite" : "postgresql"
            let number = String("000\(step.number)".suffix(4))
            if ProcessInfo.processInfo.environment["METASTORE_RENEW_CATALOGUES"] != nil {
                try found.text.write(
                    toFile: "\(Self.folder)/m\(number).\(database).catalogue", atomically: true, encoding: .utf8)
            }
            let expected = try #require(
                step.expectedCatalogue(for: database), "run it with METASTORE_RENEW_CATALOGUES=1")
            let drift = Catalogue(text: expected).drift(finding: found)
            #expect(drift.isEmpty, "if it is meant: METASTORE_RENEW_CATALOGUES=1 swift test --filter DriftTests, twice")
            #expect(found.text == expected)
            #expect(found.objects.count > 250)
        }
    }

    @Test func `is written down for every step and both databases`() {
        for step in catalogue {
            for database in Dialect.Name.allCases {
                let text = step.expectedCatalogue(for: database.rawValue) ?? ""
                #expect(Catalogue(text: text).text == text && !text.isEmpty)
            }
        }
    }

    @Test(arguments: TestEngine.migrated)
    func `and contains: nothing differs`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine) { (bench: Bench, migration: TestMigration) async throws -> Void in
            try migration.withConnection { (connection) throws in
                let migrator = Migrator(appliedBy: "metastore test", host: "here")
                #expect(try migrator.drift(connection).isEmpty)
            }
            // Of a schema that nobody wrote down, or that is newer, nothing can be told.
            try migration.run()
            try migration.withConnection { (connection) throws in
                #expect(throws: MigrationError.self) { try migration.migrator.drift(connection) }
                let migrator = Migrator(appliedBy: "metastore test", host: "here")
                let error = #expect(throws: MigrationError.self) { try migrator.drift(connection) }
                guard case .newer? = error else {
                    Issue.record("\(String(describing: error))")
                    return
                }
            }
        }
    }

    private static let changes: [(SQL, [String])] = [
        ("DROP INDEX trials_by_best", ["index trials_by_best is missing"]),
        ("CREATE INDEX more ON trials (seed)", ["index more doesn't belong there"]),
        ("CREATE TABLE more (a bigint, b bigint PRIMARY KEY)", ["table more doesn't belong there"]),
        ("DROP TABLE experiment_labels", ["table experiment_labels is missing"]),
        ("ALTER TABLE trials ADD COLUMN more text", ["column trials.more doesn't belong there"]),
        ("ALTER TABLE schema_migrations DROP COLUMN backup", ["column schema_migrations.backup is missing"]),
        ("DROP VIEW trial_names", ["view trial_names is missing"]),
    ]

    @Test(arguments: TestEngine.migrated)
    func `and doesn't is named, object by object`(_ engine: TestEngine) async throws {
        try await withClosedStore(engine, verifying: false) {
            (_: Bench, migration: TestMigration) async throws -> Void in
            try migration.withConnection { (connection) throws in
                let migrator = Migrator(appliedBy: "metastore test", host: "here")
                let expected = Catalogue(
                    text: try #require(catalogue.last?.expectedCatalogue(for: connection.dialect.name.rawValue)))
                for (statement, names) in Self.changes {
                    try connection.begin(.write)
                    try connection.execute(statement)
                    // The index goes with its table.
                    let found = expected.drift(finding: try Catalogue(of: connection)).map(\.description)
                    connection.rollback()
                    #expect(found.filter { !$0.contains("experiment_labels_by_") } == names)
                }
                let found = try migrator.drift(connection)
                #expect(found.isEmpty)
            }
        }
    }
}

#if PostgreSQL
    extension `What a store should contain` {
        private static let onServers: [(SQL, String)] = [
            ("ALTER TABLE head SET (fillfactor = 90)", "table head is WITH (autovacuum_vacuum_cost_delay=0"),
            (
                "ALTER TABLE log ALTER COLUMN body SET STORAGE EXTENDED",
                "column log.body is bytea NOT NULL; it should be"
            ),
            ("ALTER TABLE trials ALTER COLUMN seed DROP NOT NULL", "column trials.seed is bigint; it should be"),
            (
                "ALTER TABLE trials ALTER COLUMN seed TYPE integer",
                "column trials.seed is integer NOT NULL; it should be"
            ),
            (
                "ALTER TABLE pools ALTER COLUMN name TYPE text COLLATE \"default\"",
                "column pools.name is text NOT NULL; it"
            ),
            ("ALTER TABLE trials ALTER COLUMN seed SET DEFAULT 7", "column trials.seed is bigint NOT NULL DEFAULT"),
            ("ALTER TABLE log SET UNLOGGED", "table log is UNLOGGED"),
            ("ALTER TABLE head DROP CONSTRAINT head_id_check", "constraint head.head_id_check is missing"),
            ("ALTER TABLE checkpoints DISABLE TRIGGER ALL", "constraint checkpoints.checkpoints_trial_fkey is"),
            ("ALTER TABLE trials ENABLE ROW LEVEL SECURITY", "table trials is ROW SECURITY"),
            ("CREATE POLICY p ON trials USING (seed > 0)", "policy trials.p doesn't belong there"),
            ("CREATE RULE r AS ON DELETE TO trials DO INSTEAD NOTHING", "rule trials.r doesn't belong there"),
            ("CREATE SEQUENCE s", "relation s doesn't belong there"),
            ("CREATE MATERIALIZED VIEW m AS SELECT 1", "relation m doesn't belong there"),
            ("CREATE FUNCTION f(a bigint) RETURNS bigint LANGUAGE sql RETURN a", "function f(a bigint) doesn't belong"),
            (
                """
                CREATE TRIGGER t BEFORE UPDATE ON trials FOR EACH ROW \
                EXECUTE FUNCTION suppress_redundant_updates_trigger()
                """,
                "trigger trials.t doesn't belong there"
            ),
            (
                "CREATE OR REPLACE VIEW trial_names AS SELECT id, experiment, 'x' AS state, restarts, generation, "
                    + "total_batches, best_metric FROM trials", "view trial_names is SELECT"
            ),
        ]

        @Test(arguments: TestEngine.servers)
        func `and doesn't is named in whatever a server can change`(_ engine: TestEngine) async throws {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                try migration.withConnection { (connection) throws in
                    let migrator = Migrator(appliedBy: "metastore test", host: "here")
                    for (statement, name) in Self.onServers {
                        try connection.begin(.write)
                        try connection.execute(statement)
                        let found = try migrator.drift(connection).map(\.description)
                        connection.rollback()
                        #expect(!found.isEmpty && found.contains { $0.hasPrefix(name) }, "\(statement.text): \(found)")
                    }
                }
            }
        }

        @Test(arguments: TestEngine.servers)
        func `is compared in the store's own schema, whatever its name, and no other`(_ engine: TestEngine) async throws
        {
            try await withClosedStore(engine) { (_: Bench, migration: TestMigration) async throws -> Void in
                try migration.withConnection { (connection) throws in
                    let script = "CREATE TABLE public.more (a bigint); CREATE INDEX trials_by_best ON public.more (a)"
                    try connection.executeScript(script)
                    let migrator = Migrator(appliedBy: "metastore test", host: "here")
                    #expect(try migrator.drift(connection).isEmpty)
                    try connection.executeScript(
                        "ALTER SCHEMA metastore RENAME TO \"other name\"; SET search_path = \"other name\", pg_temp")
                    #expect(try migrator.drift(connection).isEmpty)
                    try connection.executeScript("ALTER SCHEMA \"other name\" RENAME TO metastore")
                }
            }
        }

        /// What older and newer servers say of one view.
        @Test func `is said alike by every server`() {
            let old = """
                 SELECT trials.id,
                    CASE trials.state WHEN 1 THEN 'trials.x' END AS state,
                    lower(trials.name) AS name
                   FROM trials;
                """
            let new = "SELECT id, CASE state WHEN 1 THEN 'trials.x' END AS state, lower(name) AS name FROM trials"
            #expect(MetastoreMigration.PostgreSQLCatalogue.view(old) == new)
            #expect(MetastoreMigration.PostgreSQLCatalogue.view(new) == new)
            let two = "SELECT a.id FROM a JOIN b ON b.id = a.id;"
            #expect(MetastoreMigration.PostgreSQLCatalogue.view(two) == String(two.dropLast()))
        }
    }
#endif

@Suite struct `A table's statement` {
    @Test func `is taken apart at its commas`() {
        let statement = """
            CREATE TABLE "a b" ( id INTEGER PRIMARY KEY CHECK (id IN (1, 2)), "odd, (name" TEXT DEFAULT 'x, (y',
                plain, -- a remark, with a comma
                PRIMARY KEY (id, plain), CHECK (id > 0)
            ) STRICT, WITHOUT ROWID
            """
        let objects = MetastoreMigration.SQLiteCatalogue.table("a b", statement)
        #expect(
            objects.map(\.description) == [
                "table a b PRIMARY KEY (id, plain), CHECK (id > 0), STRICT, WITHOUT ROWID",
                "column a b.id INTEGER PRIMARY KEY CHECK (id IN (1, 2))",
                "column a b.odd, (name TEXT DEFAULT 'x, (y'", "column a b.plain",
            ])
    }

    @Test(arguments: [
        "CREATE TABLE a", "CREATE TABLE a (", "CREATE VIRTUAL TABLE a USING b(c)", "CREATE TABLE a (b 'c", "",
    ])
    func `of another kind stays whole`(_ statement: String) {
        let objects = MetastoreMigration.SQLiteCatalogue.table("a", statement)
        #expect(objects.count == 1 && objects[0].kind == "table")
    }
}
