internal import MetastoreEngine
internal import MetastoreModel

extension Agent: StoredRecord {
    static let table = Table(
        .agent, "agents", key: ["id"],
        fields: [
            ("id", .text), ("pool", .text), ("address", .text), ("is_enabled", .integer), ("version", .text),
            ("state", .integer),
        ],
        local: [("last_heartbeat", .timestamp)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            id: try row.text(), pool: try row.text(), address: try row.text(), isEnabled: try row.bool(),
            version: try row.text(), lastHeartbeat: nil, state: try row.code(), createdRevision: createdRevision,
            revision: revision)
        lastHeartbeat = try row.optionalTime()
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(pool)
        row.add(address)
        row.add(isEnabled)
        row.add(version)
        row.add(state)
        row.add(lastHeartbeat)
    }
}
