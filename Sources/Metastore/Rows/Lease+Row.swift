internal import MetastoreEngine
internal import MetastoreModel

extension Lease: StoredRecord {
    static let table = Table(
        .lease, "leases", key: ["id"], fields: [("id", .integer), ("time_to_live", .integer)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            id: try row.id(), timeToLive: .microseconds(try row.int()), createdRevision: createdRevision,
            revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(timeToLive.wholeMicroseconds)
    }
}
