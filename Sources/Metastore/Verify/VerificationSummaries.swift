internal import MetastoreEngine
internal import MetastoreModel

extension Verification {
    private static let rule = "a trial's metric summaries are those of its workloads"

    /// The summaries of every filled trial, made anew from its workloads; and that no other trial has any.
    mutating func checkSummaries() throws {
        let backfill: Backfill
        do {
            backfill = try Backfill.load(session.connection)
        } catch let error as StoreError {
            return report.add("a backfill can be read", "backfills", "\(error)")
        }
        let trials: SQL = """
            SELECT trials.experiment, trials.id, through_step, through_kind, content FROM trials \
            LEFT JOIN trial_summaries ON trial_summaries.trial = trials.id WHERE NOT EXISTS (SELECT 1 \
            FROM experiments WHERE experiments.id = trials.experiment AND experiments.state >= 10) ORDER BY trials.id
            """
        try session.forEach(trials) { row in
            let id = ID<Trial>(rawValue: try row.integer(1))
            let key = RecordKey.trial(experiment: ID(rawValue: try row.integer(0)), id).path
            do {
                var stored: TrialSummaries?
                if !row.isNull(4) {
                    let place = WorkloadPlace(step: try row.integer(2), kind: try row.integer(3))
                    stored = TrialSummaries(try row.withBytes(4) { try MetricSummaries($0, of: id) }, through: place)
                }
                switch backfill.standing(of: id) {
                case .filled:
                    if try session.computeSummaries(of: id) != stored { report.add(Self.rule, key) }
                case .filling: break
                case .waiting:
                    if stored != nil { report.add(Self.rule, key, "it has some before the backfill came to it") }
                }
            } catch let error as StoreError {
                report.add("a trial's metric summaries can be read", key, "\(error)")
            }
            return report.findingCount < VerificationReport.findingsKept * 10
        }
    }
}
