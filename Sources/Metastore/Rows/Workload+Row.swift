internal import MetastoreEngine
internal import MetastoreModel

extension Workload: StoredRecord {
    static let table = Table(
        .workload, "workloads", key: ["id"],
        fields: [
            ("id", .integer), ("experiment", .integer), ("trial", .integer), ("generation", .integer),
            ("step", .integer), ("kind", .integer), ("state", .integer), ("total_batches", .integer),
            ("metrics", .text), ("metrics_document", .bytes), ("searcher_metric", .real),
            ("is_rolled_back", .integer), ("start_time", .timestamp), ("end_time", .timestamp),
        ])

    init(reading row: inout RowReader) throws(StoreError) {
        let createdRevision = try row.revision()
        let revision = try row.revision()
        let id: ID<Workload> = try row.id()
        let experiment: ID<Experiment> = try row.id()
        self.init(
            id: id, trial: try row.id(), experiment: experiment, generation: try row.int(), step: try row.int(),
            kind: try row.code(), state: try row.code(), totalBatches: try row.int(),
            metrics: try row.optionalText().map(Metrics.init(canonical:)), metricsDocument: try row.optionalHash(),
            searcherMetric: try row.optionalReal(), isRolledBack: try row.bool(), start: try row.time(),
            end: try row.optionalTime(), createdRevision: createdRevision, revision: revision)
    }

    func write(to row: inout RowWriter) {
        row.add(id)
        row.add(experiment)
        row.add(trial)
        row.add(generation)
        row.add(step)
        row.add(kind)
        row.add(state)
        row.add(totalBatches)
        row.add(metrics?.text)
        row.add(metricsDocument)
        row.addReal(searcherMetric)
        row.add(isRolledBack)
        row.add(start)
        row.add(end)
    }
}
