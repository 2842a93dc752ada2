internal import MetastoreEngine
internal import MetastoreModel

extension ExperimentSnapshot: StoredRecord {
    static let table = Table(
        .snapshot, "snapshots", key: ["experiment"],
        fields: [("experiment", .integer), ("version", .integer), ("content", .text)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            experiment: try row.id(), version: try row.int(), content: JSONObject(canonical: try row.text()),
            createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(experiment)
        row.add(version)
        row.add(content.text)
    }
}
