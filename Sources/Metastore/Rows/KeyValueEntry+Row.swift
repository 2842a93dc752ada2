internal import MetastoreEngine
internal import MetastoreModel

extension KeyValueEntry: StoredRecord {
    static let table = Table(
        .keyValue, "key_value", key: ["namespace", "key"],
        fields: [("namespace", .text), ("key", .text), ("value", .bytes), ("lease", .integer)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            namespace: try row.text(), key: try row.text(), value: try row.bytes(), lease: try row.optionalID(),
            createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(namespace)
        row.add(key)
        row.add(value)
        row.add(lease)
    }
}
