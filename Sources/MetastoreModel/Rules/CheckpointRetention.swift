public import FoundationEssentials

/// Which checkpoints of one experiment may be removed from storage: a pure function of plain values.
///
/// 1. Kept is the union of the N best validated of the experiment, the N best validated of each trial, and
///    the N latest of each trial (by total batches, then report; validated or not). Each trial is a
///    group of its own.
/// 2. Only COMPLETED checkpoints take up a place.
/// 3. Always kept: pinned ones, the latest COMPLETED one of a live trial, one that a live trial is
///    warm-started from.
/// 4. Collectable is every other COMPLETED one, and every PARTIALLY_DELETED one; nothing in another state.
public struct CheckpointRetention: Sendable, Hashable {
    /// How many are kept.
    public let policy: RetentionPolicy
    /// The direction of the searcher metric.
    public let smallerIsBetter: Bool

    /// The retention of an experiment.
    public init(policy: RetentionPolicy, smallerIsBetter: Bool) {
        self.policy = policy
        self.smallerIsBetter = smallerIsBetter
    }

    /// What the rule looks at.
    public struct Candidate: Sendable, Hashable {
        /// The checkpoint.
        public var uuid: UUID
        /// Its trial.
        public var trial: ID<Trial>
        /// The request id of its trial.
        public var requestID: UUID
        /// Whether its trial is not terminal.
        public var isTrialLive: Bool
        /// Where it stands.
        public var state: CheckpointState
        /// Batches trained up to it.
        public var totalBatches: Int64
        /// The revision in which it was reported.
        public var reportRevision: Revision
        /// Its number: of two reported in one revision the greater is the later one.
        public var number: Int64
        /// Whether a registry or a person holds it.
        public var isPinned: Bool
        /// Whether a live trial, of whatever experiment, is warm-started from it.
        public var isWarmStart: Bool
        /// The searcher metric of the live, COMPLETED validation of the same model; `nil` when there is none.
        public var metric: Double?

        /// A checkpoint; the values that have a default may be left out.
        public init(
            uuid: UUID, trial: ID<Trial>, requestID: UUID, isTrialLive: Bool, state: CheckpointState,
            totalBatches: Int64, reportRevision: Revision, number: Int64 = 0, isPinned: Bool = false,
            isWarmStart: Bool = false, metric: Double? = nil
        ) {
            self.uuid = uuid
            self.trial = trial
            self.requestID = requestID
            self.isTrialLive = isTrialLive
            self.state = state
            self.totalBatches = totalBatches
            self.reportRevision = reportRevision
            self.number = number
            self.isPinned = isPinned
            self.isWarmStart = isWarmStart
            self.metric = metric
        }
    }

    /// The checkpoints that may be collected, in the order in which they were given.
    ///
    /// - Parameter checkpoints: all checkpoints of the experiment, in any order and state.
    public func collectable(_ checkpoints: [Candidate]) -> [UUID] {
        let completed = checkpoints.indices.filter { checkpoints[$0].state == .completed }
        var kept = Set(completed.filter { checkpoints[$0].isPinned || checkpoints[$0].isWarmStart })

        let best = completed.compactMap { index in rank(checkpoints[index]).map { (index, $0) } }
            .sorted(by: precedes)
        kept.formUnion(best.prefix(max(0, policy.experimentBest)).map(\.0))
        var taken: [ID<Trial>: Int] = [:]
        for (index, _) in best where taken[checkpoints[index].trial, default: 0] < policy.trialBest {
            taken[checkpoints[index].trial, default: 0] += 1
            kept.insert(index)
        }

        for group in Dictionary(grouping: completed, by: { checkpoints[$0].trial }).values {
            let latest = group.sorted { isLater(checkpoints[$0], checkpoints[$1]) }
            let places = max(policy.trialLatest, checkpoints[group[0]].isTrialLive ? 1 : 0)
            kept.formUnion(latest.prefix(max(0, places)))
        }

        return checkpoints.indices.filter { index in
            switch checkpoints[index].state {
            case .completed: !kept.contains(index)
            case .partiallyDeleted: true
            case .active, .error, .deleted: false
            }
        }.map { checkpoints[$0].uuid }
    }

    /// What it is judged by; two of one model are told apart by their report, the earlier first.
    private typealias Rank = (validation: ValidationOrder.Candidate, report: Revision, number: Int64)

    private func rank(_ checkpoint: Candidate) -> Rank? {
        ValidationOrder.Candidate(
            metric: checkpoint.metric, totalBatches: checkpoint.totalBatches, requestID: checkpoint.requestID
        ).map { ($0, checkpoint.reportRevision, checkpoint.number) }
    }

    private func precedes(_ first: (Int, Rank), _ second: (Int, Rank)) -> Bool {
        let order = ValidationOrder(smallerIsBetter: smallerIsBetter)
        if first.1.validation == second.1.validation {
            return (first.1.report, first.1.number) < (second.1.report, second.1.number)
        }
        return order.precedes(first.1.validation, second.1.validation)
    }

    private func isLater(_ first: Candidate, _ second: Candidate) -> Bool {
        (first.totalBatches, first.reportRevision, first.number)
            > (second.totalBatches, second.reportRevision, second.number)
    }
}
