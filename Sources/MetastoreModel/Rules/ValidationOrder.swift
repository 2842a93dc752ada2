public import FoundationEssentials

/// Which of two validations is the better one; it has no ties but between a validation and itself.
///
/// 1. Only live, COMPLETED validations with a finite metric take part:
///    ``Candidate/init(metric:totalBatches:requestID:step:)`` gives none for a NaN or an infinity.
/// 2. The metric decides, in the experiment's direction; then fewer total batches; then the trial's request
///    id as bytes; and within one trial, where all three may be equal, the earlier step. Never a time or a
///    row's id.
public struct ValidationOrder: Sendable, Hashable {
    /// The direction of the searcher metric.
    public let smallerIsBetter: Bool

    /// The order of an experiment with the given direction.
    public init(smallerIsBetter: Bool) {
        self.smallerIsBetter = smallerIsBetter
    }

    /// What the order looks at.
    public struct Candidate: Sendable, Hashable {
        /// The searcher metric; finite.
        public let metric: Double
        /// Batches trained up to the validation.
        public let totalBatches: Int64
        /// The request id of its trial.
        public let requestID: UUID
        /// The step it validates.
        public let step: Int64

        /// A candidate; `nil` when there is no metric or it isn't finite.
        public init?(metric: Double?, totalBatches: Int64, requestID: UUID, step: Int64 = 0) {
            guard let metric, metric.isFinite else { return nil }
            self.metric = metric
            self.totalBatches = totalBatches
            self.requestID = requestID
            self.step = step
        }
    }

    /// Whether the first is better than the second.
    public func precedes(_ first: Candidate, _ second: Candidate) -> Bool {
        if first.metric != second.metric {
            return (first.metric < second.metric) == smallerIsBetter
        }
        if first.totalBatches != second.totalBatches { return first.totalBatches < second.totalBatches }
        if first.requestID != second.requestID { return first.requestID.precedesByBytes(second.requestID) }
        return first.step < second.step
    }

    /// The best of some candidates; `nil` when there are none.
    public func best(of candidates: some Sequence<Candidate>) -> Candidate? {
        candidates.min(by: precedes)
    }
}
