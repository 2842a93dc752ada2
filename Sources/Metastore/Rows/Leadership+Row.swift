internal import MetastoreEngine
internal import MetastoreModel

extension Leadership: StoredRecord {
    static let table = Table(
        .leadership, "leadership", key: ["id"],
        fields: [
            ("id", .integer), ("holder", .text), ("epoch", .integer), ("epoch_nonce", .integer),
            ("time_to_live", .integer), ("taken_time", .timestamp),
        ],
        local: [("renewed_time", .timestamp)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        _ = try row.int()
        self.init(
            holder: try row.text(),
            epoch: Epoch(number: try row.int(), nonce: UInt64(bitPattern: try row.int())),
            timeToLive: .microseconds(try row.int()), taken: try row.time(), createdRevision: createdRevision,
            revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(1)
        row.add(holder)
        row.add(epoch.number)
        row.add(Int64(bitPattern: epoch.nonce))
        row.add(timeToLive.wholeMicroseconds)
        row.add(taken)
        row.add(taken)
    }
}
