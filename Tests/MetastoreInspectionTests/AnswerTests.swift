internal import Metastore
internal import MetastoreEngine
internal import MetastoreInspection
internal import MetastoreModel
internal import MetastoreSQLite
internal import MetastoreTestSupport
internal import Testing

/// What the inspector answers, beside what the library answers about the same revision.
@Suite(.serialized) struct `Answers about a store` {
    @Test func `are the library's own`() async throws {
        try await withScratch { root in
            let path = root + "/store.db"
            try await RandomHistory.make(path, commits: 300, name: "answers")
            let inspection = try Inspection.open(path: path)
            let store = try await Metastore.open(.sqlite(path), readOnly())
            let experiments = try await store.experiments.list(limit: Limits.pageLimit).records
            #expect(try keys(inspection, .experiment) == experiments.map(\.recordKey.path).sorted(by: byNumber))
            for experiment in experiments {
                let record = try #require(try inspection.record(experiment.recordKey))
                #expect(record["state"] == .text(experiment.state.name))
                #expect(record["name"] == .text(experiment.name))
                #expect(record["labels"] == .list(experiment.labels))
                #expect(record["progress"] == experiment.progress.map { .real($0) } ?? FieldValue.none)
                #expect(record["revision"] == .integer(experiment.revision.rawValue))
                for trial in try await store.trials.list(of: experiment.id).records {
                    try await compare(trial, of: experiment, store, inspection)
                }
            }
            #expect(try inspection.check(.full).isClean)
            let report = try await store.verify()
            #expect(report.isClean)
            await store.close()
        }
    }

    private func compare(
        _ trial: Trial, of experiment: Experiment, _ store: Metastore, _ inspection: Inspection
    ) async throws {
        let record = try #require(try inspection.record(trial.recordKey))
        #expect(record["best_metric"] == trial.bestMetric.map { .real($0) } ?? FieldValue.none)
        #expect(record["hparams"] == .json(trial.hparams.text))
        let workloads = try await store.workloads.list(of: trial.id, limit: Limits.pageLimit).records
        var query = RecordQuery(.workload)
        query.under = KeyPrefix(trial.recordKey)
        var found: [String: FieldValue] = [:]
        _ = try inspection.list(query) {
            found[$0.key.path] = $0["searcher_metric"]; return true
        }
        #expect(found.count == workloads.count)
        for workload in workloads {
            #expect(found[workload.recordKey.path] == workload.searcherMetric.map { .real($0) } ?? FieldValue.none)
        }
        let series = try await store.workloads.series(of: [trial.id])
        let curve = try inspection.curves(of: trial.id, named: experiment.metric).first { $0.isValidation }
        #expect(curve?.points.map(\.workload) ?? [] == series.map(\.workload))
        let tree = try #require(try inspection.tree(trial.recordKey))
        #expect(tree.counted.first { $0.kind == .workload }?.count ?? 0 == workloads.count)
    }

    @Test func `of the feed: every change of every record, once`() async throws {
        try await withScratch { root in
            let path = root + "/store.db"
            try await RandomHistory.make(path, commits: 150, name: "feed")
            let store = try await Metastore.open(.sqlite(path), readOnly())
            var changes: [String: [Int64]] = [:]
            let end = store.position.revision
            for record in try await store.logRecords(after: .absent, bytes: .max) {
                for change in try record.changes(.everything) {
                    changes[change.key.path, default: []].append(change.revision.rawValue)
                }
            }
            #expect(end.rawValue > 20)
            await store.close()
            let inspection = try Inspection.open(path: path)
            for (path, revisions) in changes {
                let key = try #require(RecordKey(path: path))
                let history = try #require(try inspection.history(of: key))
                let found = history.entries.map(\.revision.rawValue)
                #expect(found == Array(revisions.prefix(found.count)) && found.count >= revisions.count - 1, "\(path)")
                #expect(history.isComplete)
            }
        }
    }

    private func byNumber(_ left: String, _ right: String) -> Bool {
        Int64(left.split(separator: "/").last ?? "") ?? 0 < Int64(right.split(separator: "/").last ?? "") ?? 0
    }

    private func keys(_ inspection: Inspection, _ kind: RecordKind) throws -> [String] {
        var keys: [String] = []
        _ = try inspection.list(RecordQuery(kind)) {
            keys.append($0.key.path); return true
        }
        return keys
    }

    private func readOnly() -> StoreOptions {
        var options = StoreOptions()
        options.engine.isReadOnly = true
        return options
    }
}
