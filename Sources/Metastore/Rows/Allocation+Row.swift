internal import MetastoreEngine
internal import MetastoreModel

extension Allocation: StoredRecord {
    static let table = Table(
        .allocation, "allocations", key: ["id"],
        fields: [
            ("id", .integer), ("task", .integer), ("pool", .text), ("state", .integer), ("slots", .integer),
            ("priority", .integer), ("exit_reason", .text), ("start_time", .timestamp), ("end_time", .timestamp),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            id: try row.id(), task: try row.id(), pool: try row.text(), state: try row.code(),
            slots: try row.int(), priority: try row.int(), exitReason: try row.optionalText(),
            start: try row.time(), end: try row.optionalTime(), createdRevision: createdRevision,
            revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(task)
        row.add(pool)
        row.add(state)
        row.add(slots)
        row.add(priority)
        row.add(exitReason)
        row.add(start)
        row.add(end)
    }
}
