internal import MetastoreEngine
internal import MetastoreModel

extension ClusterTask: StoredRecord {
    static let table = Table(
        .task, "tasks", key: ["id"],
        fields: [
            ("id", .integer), ("kind", .integer), ("trial", .integer), ("start_time", .timestamp),
            ("end_time", .timestamp),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            id: try row.id(), kind: try row.code(), trial: try row.optionalID(), start: try row.time(),
            end: try row.optionalTime(), createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(kind)
        row.add(trial)
        row.add(start)
        row.add(end)
    }
}
