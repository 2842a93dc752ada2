internal import MetastoreEngine
internal import MetastoreModel

extension PortReservation: StoredRecord {
    static let table = Table(
        .port, "ports", key: ["host", "port"],
        fields: [
            ("host", .text), ("port", .integer), ("allocation", .integer), ("task", .integer), ("purpose", .integer),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            host: try row.text(), port: try row.int(), allocation: try row.id(), task: try row.id(),
            purpose: try row.code(), createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(host)
        row.add(port)
        row.add(allocation)
        row.add(task)
        row.add(purpose)
    }
}
