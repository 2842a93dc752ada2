internal import MetastoreEngine
internal import MetastoreModel

extension SpotRequest: StoredRecord {
    static let table = Table(
        .spotRequest, "spot_requests", key: ["client_token"],
        fields: [
            ("client_token", .text), ("request_id", .text), ("pool", .text), ("state", .integer),
            ("max_price", .real), ("instance", .text), ("requested_time", .timestamp),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            clientToken: try row.text(), requestID: try row.optionalText(), pool: try row.text(),
            state: try row.code(), maxPrice: try row.optionalReal(), instance: try row.optionalText(),
            requested: try row.time(), createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(clientToken)
        row.add(requestID)
        row.add(pool)
        row.add(state)
        row.addReal(maxPrice)
        row.add(instance)
        row.add(requested)
    }
}
