internal import Metastore

extension SnapshotSource {
    /// What the parts of a portable snapshot hold, one after the other, and then what the tables were.
    ///
    /// - Parameter take: is given a part's content, the table that it ends in, and how many rows came so far.
    func forEachContent(
        _ take: (_ content: [UInt8], _ table: String, _ rows: Int64) throws -> Void
    ) throws -> [SnapshotManifest.TableShape] {
        var shapes: [SnapshotManifest.TableShape] = []
        var writer = SnapshotRowWriter()
        var all: Int64 = 0
        for (index, table) in tables.enumerated() {
            var rows: Int64 = 0
            try forEachRow(of: table) { row in
                rows += 1
                guard let content = writer.add(row, of: index) else { return }
                try take(content, table.name, all + rows)
            }
            all += rows
            shapes.append(SnapshotManifest.TableShape(table, rows: rows))
        }
        if let content = writer.end() { try take(content, tables.last?.name ?? "", all) }
        return shapes
    }
}

extension SnapshotManifest.TableShape {
    init(_ table: SnapshotTable, rows: Int64) {
        self.init(
            name: table.name, columns: table.columns.map { Column(name: $0.name, type: $0.type) }, rows: rows)
    }
}
