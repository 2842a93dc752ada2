internal import MetastoreEngine
internal import MetastoreModel

extension Trial: StoredRecord {
    static let table = Table(
        .trial, "trials", key: ["id"],
        fields: [
            ("id", .integer), ("experiment", .integer), ("request_id", .uuid), ("state", .integer),
            ("hparams", .text), ("seed", .integer), ("warm_start", .uuid), ("restarts", .integer),
            ("generation", .integer), ("total_batches", .integer), ("best_validation", .integer),
            ("latest_validation", .integer), ("best_metric", .real), ("best_total_batches", .integer),
            ("start_time", .timestamp), ("end_time", .timestamp),
        ],
        local: [("last_activity", .timestamp)])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            id: try row.id(), experiment: try row.id(), requestID: try row.uuid(), state: try row.code(),
            hparams: JSONObject(canonical: try row.text()), seed: try row.int(), warmStart: try row.optionalUUID(),
            restarts: try row.int(), generation: try row.int(), totalBatches: try row.int(),
            bestValidation: try row.optionalID(), latestValidation: try row.optionalID(),
            bestMetric: try row.optionalReal(), bestTotalBatches: try row.optionalInt(), lastActivity: nil,
            start: try row.time(), end: try row.optionalTime(), createdRevision: createdRevision, revision: revision)
        lastActivity = try row.optionalTime()
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(experiment)
        row.add(requestID)
        row.add(state)
        row.add(hparams.text)
        row.add(seed)
        row.add(warmStart)
        row.add(restarts)
        row.add(generation)
        row.add(totalBatches)
        row.add(bestValidation)
        row.add(latestValidation)
        row.addReal(bestMetric)
        row.add(bestTotalBatches)
        row.add(start)
        row.add(end)
        row.add(lastActivity)
    }
}
