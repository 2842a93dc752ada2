internal import MetastoreEngine
internal import MetastoreModel

extension Container: StoredRecord {
    static let table = Table(
        .container, "containers", key: ["id"],
        fields: [
            ("id", .integer), ("task", .integer), ("allocation", .integer), ("agent", .text), ("slots", .text),
            ("state", .integer),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            id: try row.id(), task: try row.id(), allocation: try row.id(), agent: try row.text(),
            slots: try NumberList.parse(try row.text(), place: "slots"), state: try row.code(),
            createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(task)
        row.add(allocation)
        row.add(agent)
        row.add(NumberList.text(slots))
        row.add(state)
    }
}
