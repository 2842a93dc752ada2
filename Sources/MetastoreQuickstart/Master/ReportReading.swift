internal import FoundationEssentials
package import Metastore
package import MetastoreModel

extension ExperimentReport {
    /// What an experiment came to, as the store tells it: one snapshot.
    ///
    /// - Parameter suggestions: what to try next.
    package static func read(
        _ id: ID<Experiment>, from store: Metastore, suggestions: [String] = []
    ) async throws -> ExperimentReport {
        var report = try await store.read { tx in
            let experiment = try tx.experiments.get(id)
            let collected = try Collected(try tx.keyValue.get(Collected.entry(of: id)))
            var trials: [Trial] = []
            var cursor: Cursor?
            repeat {
                let page = try tx.trials.list(of: id, after: cursor)
                for trial in page.records { trials.append(try Trial(reading: trial, tx)) }
                cursor = page.next
            } while cursor != nil
            return ExperimentReport(
                title: "\(id): \(experiment.name)", state: experiment.state.name,
                metricName: experiment.metric, trialCount: trials.count, trials: trials,
                collectedCount: collected.count,
                collectedBytes: collected.bytes, revisions: 0, suggestions: suggestions)
        }
        report.revisions = Int(try await store.info().revision.rawValue)
        return report
    }
}

extension ExperimentReport.Trial {
    /// A trial with the checkpoints it still has.
    fileprivate init(reading trial: MetastoreModel.Trial, _ tx: borrowing Snapshot) throws {
        let points = try tx.workloads.series(of: [trial.id])
        let metrics = Dictionary(points.map { ($0.totalBatches, $0.metric) }) { first, _ in first }
        var checkpoints: [ExperimentReport.Checkpoint] = []
        var cursor: Cursor?
        repeat {
            let page = try tx.checkpoints.list(of: trial.id, after: cursor)
            for checkpoint in page.records where checkpoint.state == .completed {
                checkpoints.append(
                    .init(
                        uuid: checkpoint.uuid.uuidString.lowercased(), batches: Int(checkpoint.totalBatches),
                        bytes: Int(checkpoint.size), metric: metrics[checkpoint.totalBatches] ?? nil))
            }
            cursor = page.next
        } while cursor != nil
        self.init(
            request: RequestID(trial.requestID).short, state: trial.state.name,
            batches: Int(trial.totalBatches), restarts: Int(trial.restarts),
            hyperparameters: trial.hparams.hyperparameters, bestMetric: trial.bestMetric,
            checkpoints: checkpoints)
    }
}
