package import Migrations

extension MigrationText {
    /// A step after all there are, with one text for both databases.
    package static func later(
        _ offset: Int, _ name: String, minReader: Int64 = 1, minWriter: Int64 = 1,
        concurrentIndexes: [ConcurrentIndex] = [], _ text: String
    ) -> MigrationText {
        MigrationText(
            number: Int64(catalogue.count + offset), name: name, summary: "does something for a test",
            tables: ["things"], minReader: minReader, minWriter: minWriter, concurrentIndexes: concurrentIndexes,
            sqlite: Array(text.utf8), postgresql: Array(text.utf8))
    }

    /// Three steps that need each other.
    package static let three: [MigrationText] =
        catalogue + [
            .later(1, "things", "CREATE TABLE things (id bigint NOT NULL PRIMARY KEY)"),
            .later(2, "notes", "ALTER TABLE things ADD COLUMN note text; INSERT INTO things VALUES (1, 'one')"),
            .later(3, "more", minWriter: Int64(catalogue.count + 3), "INSERT INTO things VALUES (2, 'two')"),
        ]
}
