internal import MetastoreEngine
internal import MetastoreModel

extension Slot: StoredRecord {
    static let table = Table(
        .slot, "slots", key: ["agent", "slot"],
        fields: [
            ("agent", .text), ("slot", .integer), ("device", .integer), ("uuid", .text), ("brand", .text),
            ("is_enabled", .integer), ("container", .integer),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            agent: try row.text(), index: try row.int(), device: try row.code(), uuid: try row.text(),
            brand: try row.text(), isEnabled: try row.bool(), container: try row.optionalID(),
            createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(agent)
        row.add(index)
        row.add(device)
        row.add(uuid)
        row.add(brand)
        row.add(isEnabled)
        row.add(container)
    }
}
