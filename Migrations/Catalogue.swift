/// Every step there is, in order.
///
/// To add a migration: its SQL files and its catalogues beside this one, their names in `Package.swift`, and an entry
/// here. The test of the catalogues writes them.
public let catalogue: [MigrationText] = [
    MigrationText(
        number: 1, name: "initial", summary: "makes the tables of an empty store", minReader: 1, minWriter: 1,
        sqlite: PackageResources.m0001_initial_sqlite_sql, postgresql: PackageResources.m0001_initial_postgresql_sql,
        sqliteCatalogue: PackageResources.m0001_sqlite_catalogue,
        postgresqlCatalogue: PackageResources.m0001_postgresql_catalogue),
    MigrationText(
        number: 2, name: "metric_summaries",
        summary: "sums up what the workloads of each trial measured, by metric; older trials are filled in afterwards",
        minReader: 1, minWriter: 2, backfill: "workloads",
        sqlite: PackageResources.m0002_metric_summaries_sqlite_sql,
        postgresql: PackageResources.m0002_metric_summaries_postgresql_sql,
        sqliteCatalogue: PackageResources.m0002_sqlite_catalogue,
        postgresqlCatalogue: PackageResources.m0002_postgresql_catalogue),
    MigrationText(
        number: 3, name: "identity",
        summary: "keeps which file the store is, so that a copy is known for one, and whether it follows another store",
        minReader: 1, minWriter: 3,
        sqlite: PackageResources.m0003_identity_sqlite_sql,
        postgresql: PackageResources.m0003_identity_postgresql_sql,
        sqliteCatalogue: PackageResources.m0003_sqlite_catalogue,
        postgresqlCatalogue: PackageResources.m0003_postgresql_catalogue),
]
