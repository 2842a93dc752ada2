internal import MetastoreEngine
internal import MetastoreModel

extension Experiment: StoredRecord {
    static let table = Table(
        .experiment, "experiments", key: ["id"],
        fields: [
            ("id", .integer), ("state", .integer), ("name", .text), ("config", .bytes), ("labels", .text),
            ("notes", .text), ("owner", .text), ("is_archived", .integer), ("parent", .integer),
            ("priority", .integer), ("pool", .text), ("progress", .real), ("metric", .text),
            ("smaller_is_better", .integer), ("keep_experiment_best", .integer), ("keep_trial_best", .integer),
            ("keep_trial_latest", .integer), ("external_id", .text), ("model_definition", .bytes),
            ("start_time", .timestamp), ("end_time", .timestamp),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        self.init(
            id: try row.id(), state: try row.code(), name: try row.text(), config: try row.hash(),
            labels: try row.texts(), notes: try row.text(),
            owner: try row.text(), isArchived: try row.bool(), parent: try row.optionalID(),
            priority: try row.int(), pool: try row.text(), progress: try row.optionalReal(),
            metric: try row.text(), smallerIsBetter: try row.bool(),
            retention: RetentionPolicy(
                experimentBest: Int(try row.int()), trialBest: Int(try row.int()), trialLatest: Int(try row.int())),
            externalID: try row.optionalText(), modelDefinition: try row.optionalHash(), start: try row.time(),
            end: try row.optionalTime(), createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(state)
        row.add(name)
        row.add(config)
        row.add(labels.isEmpty ? "{}" : ((try? TextList.text(labels)) ?? "{}"))
        row.add(notes)
        row.add(owner)
        row.add(isArchived)
        row.add(parent)
        row.add(priority)
        row.add(pool)
        row.addReal(progress)
        row.add(metric)
        row.add(smallerIsBetter)
        row.add(retention.experimentBest)
        row.add(retention.trialBest)
        row.add(retention.trialLatest)
        row.add(externalID)
        row.add(modelDefinition)
        row.add(start)
        row.add(end)
    }
}
