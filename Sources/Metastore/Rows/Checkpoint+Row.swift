internal import MetastoreEngine
internal import MetastoreModel

extension Checkpoint: StoredRecord {
    static let table = Table(
        .checkpoint, "checkpoints", key: ["number"],
        fields: [
            ("number", .integer), ("uuid", .uuid), ("experiment", .integer), ("trial", .integer),
            ("workload", .integer), ("state", .integer), ("total_batches", .integer), ("storage_id", .text),
            ("resources", .text), ("size", .integer), ("metadata", .text), ("is_pinned", .integer),
            ("report_time", .timestamp),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        let number = try row.int()
        let uuid = try row.uuid()
        let experiment: ID<Experiment> = try row.id()
        self.init(
            number: number, uuid: uuid, trial: try row.id(), experiment: experiment, workload: try row.optionalID(),
            state: try row.code(), totalBatches: try row.int(), storageID: try row.text(),
            resources: Resources(canonical: try row.text()), size: try row.int(),
            metadata: JSONObject(canonical: try row.text()), isPinned: try row.bool(), reportTime: try row.time(),
            createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(number)
        row.add(uuid)
        row.add(experiment)
        row.add(trial)
        row.add(workload)
        row.add(state)
        row.add(totalBatches)
        row.add(storageID)
        row.add(resources.text)
        row.add(size)
        row.add(metadata.text)
        row.add(isPinned)
        row.add(reportTime)
    }
}
