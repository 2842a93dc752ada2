internal import MetastoreEngine
internal import MetastoreModel

extension Consumer: StoredRecord {
    /// Its position is not here: it moves with every batch, and is written by ``ConsumerPositions``.
    static let table = Table(
        .consumer, "consumers", key: ["name"],
        fields: [("name", .text), ("kinds", .integer), ("under", .text), ("is_expired", .integer)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            name: try row.text(), kinds: RecordKinds(rawValue: UInt64(bitPattern: try row.int())),
            under: try row.optionalText(), isExpired: try row.bool(), createdRevision: createdRevision,
            revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(name)
        row.add(Int64(bitPattern: kinds.rawValue))
        row.add(under)
        row.add(isExpired)
    }
}
