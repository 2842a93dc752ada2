internal import MetastoreEngine
internal import MetastoreModel

extension Instance: StoredRecord {
    static let table = Table(
        .instance, "instances", key: ["client_token"],
        fields: [
            ("client_token", .text), ("instance_id", .text), ("pool", .text), ("tag_key", .text),
            ("tag_value", .text), ("type", .text), ("spot_request", .text), ("state", .integer), ("agent", .text),
            ("requested_time", .timestamp), ("started_time", .timestamp), ("ended_time", .timestamp),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            clientToken: try row.text(), instanceID: try row.optionalText(), pool: try row.text(),
            tagKey: try row.text(), tagValue: try row.text(), type: try row.text(),
            spotRequest: try row.optionalText(), state: try row.code(), agent: try row.optionalText(),
            requested: try row.time(), started: try row.optionalTime(), ended: try row.optionalTime(),
            createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(clientToken)
        row.add(instanceID)
        row.add(pool)
        row.add(tagKey)
        row.add(tagValue)
        row.add(type)
        row.add(spotRequest)
        row.add(state)
        row.add(agent)
        row.add(requested)
        row.add(started)
        row.add(ended)
    }
}
