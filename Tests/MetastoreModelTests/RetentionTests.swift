import FoundationEssentials
import MetastoreModel
import Testing

/// What broke elsewhere: unvalidated checkpoints of all trials stood in one group, so that the latest checkpoints of
/// live trials went; and a deleted best checkpoint used up a place.
@Suite struct `Checkpoint retention` {
    typealias Candidate = CheckpointRetention.Candidate

    @Test func `treats each trial as a group of its own, validated or not`() {
        let checkpoints = (1...3).flatMap { trial in
            [checkpoint(trial: Int64(trial), batches: 100), checkpoint(trial: Int64(trial), batches: 200)]
        }
        let collectable = CheckpointRetention(policy: RetentionPolicy(), smallerIsBetter: true).collectable(
            checkpoints)
        #expect(collectable == [0, 2, 4].map { checkpoints[$0].uuid })
    }

    @Test(arguments: [CheckpointState.deleted, .partiallyDeleted, .error, .active])
    func `gives no place to a checkpoint that can't be loaded`(_ state: CheckpointState) {
        let gone = checkpoint(trial: 1, batches: 100, metric: 0.1, state: state)
        let best = checkpoint(trial: 1, batches: 200, metric: 0.2)
        let latest = checkpoint(trial: 1, batches: 300, metric: 0.9)
        let policy = RetentionPolicy(experimentBest: 1, trialBest: 1, trialLatest: 1)
        let collectable = CheckpointRetention(policy: policy, smallerIsBetter: true).collectable([
            gone, best, latest,
        ])
        #expect(collectable == (state == .partiallyDeleted ? [gone.uuid] : []))
    }

    @Test
    func
        `keeps what is pinned, warm-started from, or the latest of a live trial, even if the policy is zero`()
    {
        let none = RetentionPolicy(experimentBest: 0, trialBest: 0, trialLatest: 0)
        let retention = CheckpointRetention(policy: none, smallerIsBetter: true)
        let old = checkpoint(trial: 1, batches: 1, isLive: true)
        let latest = checkpoint(trial: 1, batches: 2, isLive: true)
        let pinned = checkpoint(trial: 2, batches: 1, isPinned: true)
        let warm = checkpoint(trial: 2, batches: 2, isWarmStart: true)
        let last = checkpoint(trial: 2, batches: 3)
        #expect(retention.collectable([old, latest, pinned, warm, last]) == [old.uuid, last.uuid])
    }

    @Test func `never counts NaN or an infinity as validated`() {
        let policy = RetentionPolicy(experimentBest: 1, trialBest: 0, trialLatest: 0)
        let checkpoints = [-Double.infinity, .nan, 0.5].enumerated().map {
            checkpoint(trial: 1, batches: Int64($0.offset), metric: $0.element)
        }
        let collectable = CheckpointRetention(policy: policy, smallerIsBetter: true).collectable(checkpoints)
        #expect(collectable == [checkpoints[0].uuid, checkpoints[1].uuid])
    }

    @Test func `agrees with a second implementation on random experiments`() {
        var random = Randomness()
        for _ in 0..<3_000 {
            let live = (0..<4).map { _ in Bool.random(using: &random) }
            let requests = (0..<4).map { _ in random.uuid() }
            let checkpoints = (0..<Int.random(in: 0...14, using: &random)).map { revision in
                let trial = Int.random(in: 0..<4, using: &random)
                return Candidate(
                    uuid: random.uuid(), trial: ID(rawValue: Int64(trial)), requestID: requests[trial],
                    isTrialLive: live[trial],
                    state: Bool.random(using: &random)
                        ? .completed : CheckpointState.allCases.randomElement(using: &random)!,
                    totalBatches: .random(in: 0...3, using: &random) * 100,
                    reportRevision: Revision(Int64(revision)),
                    isPinned: Int.random(in: 0..<10, using: &random) == 0,
                    isWarmStart: Int.random(in: 0..<10, using: &random) == 0,
                    metric: [nil, .nan, -.infinity, 0.5, 0.5, 0.25, 1].randomElement(using: &random)!)
            }
            let policy = RetentionPolicy(
                experimentBest: .random(in: 0...3, using: &random),
                trialBest: .random(in: 0...2, using: &random),
                trialLatest: .random(in: 0...2, using: &random))
            let smaller = Bool.random(using: &random)
            let found = CheckpointRetention(policy: policy, smallerIsBetter: smaller).collectable(
                checkpoints.shuffled(using: &random))
            #expect(Set(found) == bruteForce(checkpoints, policy, smallerIsBetter: smaller), "\(random)")
            #expect(Set(found).count == found.count)
        }
    }

    /// A checkpoint is kept if fewer than N of its rivals stand before it: counted, never sorted.
    private func bruteForce(
        _ all: [Candidate], _ policy: RetentionPolicy, smallerIsBetter: Bool
    ) -> Set<UUID> {
        func isBetter(_ a: Candidate, _ b: Candidate) -> Bool {
            let (x, y) = (smallerIsBetter ? a.metric! : -a.metric!, smallerIsBetter ? b.metric! : -b.metric!)
            if x != y { return x < y }
            if a.totalBatches != b.totalBatches { return a.totalBatches < b.totalBatches }
            if a.requestID != b.requestID { return a.requestID.uuidString < b.requestID.uuidString }
            return a.reportRevision < b.reportRevision
        }
        func isLater(_ a: Candidate, _ b: Candidate) -> Bool {
            a.totalBatches == b.totalBatches
                ? a.reportRevision > b.reportRevision : a.totalBatches > b.totalBatches
        }
        let completed = all.filter { $0.state == .completed }
        let validated = completed.filter { $0.metric?.isFinite == true }
        return Set(
            all.filter { one in
                if one.state == .partiallyDeleted { return true }
                if one.state != .completed || one.isPinned || one.isWarmStart { return false }
                let later = completed.count { $0.trial == one.trial && isLater($0, one) }
                if later < policy.trialLatest || one.isTrialLive && later == 0 { return false }
                guard one.metric?.isFinite == true else { return true }
                let better = validated.filter { isBetter($0, one) }
                return better.count >= policy.experimentBest
                    && better.count { $0.trial == one.trial } >= policy.trialBest
            }.map(\.uuid))
    }

    private func checkpoint(
        trial: Int64, batches: Int64, metric: Double? = nil, state: CheckpointState = .completed,
        isLive: Bool = false, isPinned: Bool = false, isWarmStart: Bool = false
    ) -> Candidate {
        Candidate(
            uuid: UUID(), trial: ID(rawValue: trial), requestID: UUID(), isTrialLive: isLive, state: state,
            totalBatches: batches, reportRevision: 1, isPinned: isPinned, isWarmStart: isWarmStart,
            metric: metric)
    }
}

@Suite struct `The best validation` {
    let first = UUID(uuid: (0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1))
    let second = UUID(uuid: (0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))

    @Test(arguments: [Double.nan, .infinity, -.infinity, nil])
    func `is never one without a finite metric`(_ metric: Double?) {
        #expect(ValidationOrder.Candidate(metric: metric, totalBatches: 1, requestID: first) == nil)
    }

    @Test func `goes by the direction, then the batches, then the request id as bytes`() throws {
        func candidate(_ metric: Double, _ batches: Int64, _ id: UUID) throws -> ValidationOrder.Candidate {
            try #require(ValidationOrder.Candidate(metric: metric, totalBatches: batches, requestID: id))
        }
        let low = try candidate(-1, 300, second)
        let high = try candidate(1, 300, second)
        #expect(ValidationOrder(smallerIsBetter: true).best(of: [high, low]) == low)
        #expect(ValidationOrder(smallerIsBetter: false).best(of: [low, high]) == high)
        let earlier = try candidate(1, 200, second)
        let smaller = try candidate(1, 200, first)
        for direction in [true, false] {
            let order = ValidationOrder(smallerIsBetter: direction)
            #expect(order.best(of: [high, earlier]) == earlier)
            #expect(order.best(of: [earlier, smaller, high]) == smaller)
            #expect(!order.precedes(high, high))
        }
        let zeros = [try candidate(0.0, 2, first), try candidate(-0.0, 1, first)]
        #expect(ValidationOrder(smallerIsBetter: false).best(of: zeros) == zeros[1])
        #expect(ValidationOrder(smallerIsBetter: true).best(of: []) == nil)
    }
}
