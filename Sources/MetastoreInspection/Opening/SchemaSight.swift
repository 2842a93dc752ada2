internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
internal import Migrations

/// What a database has in place of a store's tables, looked at before any of them is read.
struct SchemaSight {
    private let found: Catalogue
    private let dialect: Dialect.Name
    private let migrator: Migrator
    /// So many differences are named.
    static let named = 10

    /// - Throws: `damaged` where something that computes what it shows stands under the name of a table.
    init(_ connection: any Connection, _ migrator: Migrator, place: String) throws {
        dialect = connection.dialect.name
        self.migrator = migrator
        if dialect == .sqlite { try Self.refuseImpostors(connection, Self.tables(migrator, dialect), place) }
        found = try Catalogue(of: connection)
        let tables = Self.tables(migrator, dialect)
        let impostor = found.objects.first { object in
            tables.contains(object.name.lowercased()) && object.kind != "table"
        }
        if let impostor { throw Self.refusal(impostor.kind, impostor.name, place) }
    }

    /// The names of all tables that a store of any known schema has, and of an unfinished copy's mark.
    private static func tables(_ migrator: Migrator, _ dialect: Dialect.Name) -> Set<String> {
        let catalogues = migrator.steps.compactMap { $0.expectedCatalogue(for: dialect.rawValue) }
        let objects = catalogues.flatMap { Catalogue(text: $0).objects }
        return Set(objects.filter { $0.kind == "table" }.map(\.name)).union(["copying"])
    }

    /// What SQLite itself takes a name for, whatever the list of its objects says.
    private static func refuseImpostors(
        _ connection: any Connection, _ tables: Set<String>, _ place: String
    ) throws {
        let others: SQL = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' AND type <> 'table'"
        for (name, type) in try connection.all(others, { (try $0.text(0), try $0.text(1)) })
        where tables.contains(name.lowercased()) {
            throw refusal(type, name, place)
        }
    }

    private static func refusal(_ kind: String, _ name: String, _ place: String) -> StoreError {
        .damaged(
            place: place,
            reason: "a \(kind) stands where its table \(name) should be: somebody made it to show what isn't there, or "
                + "to run what a reader never asked for")
    }

    /// In what the tables aren't those of the schema, one sentence each.
    func notices(_ status: MigrationStatus) -> [String] {
        var notices: [String] = []
        if let disagreement = status.disagreement { notices.append("\(disagreement)") }
        let isNewer = status.found > status.known
        let step = migrator.steps.last { $0.number <= status.found }
        guard let step, let expected = step.expectedCatalogue(for: dialect.rawValue) else { return notices }
        var drift = Catalogue(text: expected).drift(finding: found)
        if isNewer {
            notices.append(
                "a newer release wrote it: schema \(status.found), of which this program knows the first "
                    + "\(status.known). "
                    + "What was added since isn't shown")
            // What a newer schema has besides is its own affair.
            drift.removeAll { if case .unexpected = $0 { true } else { false } }
        }
        notices += drift.prefix(Self.named).map { "its tables aren't those of schema \(step.number): \($0)" }
        if drift.count > Self.named {
            notices.append("its tables differ in \(drift.count - Self.named) more places: metastore-migrate check")
        }
        return notices
    }
}
