import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Checkpoints are collectable by the policy, trial by trial` {
    /// Broke elsewhere: all unvalidated checkpoints of all trials were one group, so that the latest of live trials
    /// would have been deleted.
    @Test(arguments: TestEngine.allCases)
    func `each trial keeps its latest, validated or not`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let experiment = try tx.anExperiment()
                for _ in 0..<4 {
                    let trial = try tx.aTrial(of: experiment)
                    for step in 1...3 as ClosedRange<Int64> {
                        try tx.run(trial, step: step)
                        try tx.save(trial, step: step)
                    }
                }
                let collectable = try tx.checkpoints.collectable(experiment.id)
                #expect(collectable.count == 8 && collectable.allSatisfy { $0.totalBatches < 300 })
            }
        }
    }

    /// Broke elsewhere: a best checkpoint that was deleted still used up one of the places.
    @Test(arguments: TestEngine.allCases)
    func `only COMPLETED ones take up a place`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let experiment = try tx.anExperiment(
                    retention: RetentionPolicy(experimentBest: 1, trialBest: 0, trialLatest: 0))
                let trial = try tx.aTrial(of: experiment)
                var saved: [UUID] = []
                for step in 1...3 as ClosedRange<Int64> {
                    try tx.run(trial, step: step)
                    try tx.validate(trial, step: step, Double(step))
                    saved.append(try tx.save(trial, step: step).uuid)
                }
                try tx.trials.transition(trial.id, to: .completed)
                #expect(try tx.checkpoints.collectable(experiment.id).map(\.uuid) == [saved[1], saved[2]])
                try tx.checkpoints.delete(saved[0])
                #expect(try tx.checkpoints.collectable(experiment.id).map(\.uuid) == [saved[2]])
                try tx.checkpoints.delete(saved[1], leaving: ["weights": 100])
                #expect(
                    try tx.checkpoints.collectable(experiment.id).map(\.uuid) == [saved[1]],
                    "what is gone in part goes whole, and its place is taken by the next")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what is pinned, warm-starts a live trial or is a live trial's latest is never deleted`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let experiment = try tx.anExperiment(
                    retention: RetentionPolicy(experimentBest: 0, trialBest: 0, trialLatest: 0))
                let trial = try tx.aTrial(of: experiment)
                var saved: [Checkpoint] = []
                for step in 1...4 as ClosedRange<Int64> {
                    try tx.run(trial, step: step)
                    saved.append(try tx.save(trial, step: step))
                }
                let warm = try tx.trials.create(
                    NewTrial(experiment: try tx.anExperiment("other").id, warmStart: saved[1].uuid))
                try tx.checkpoints.pin(saved[0].uuid)
                #expect(try tx.checkpoints.collectable(experiment.id).map(\.uuid) == [saved[2].uuid])
                for index in [0, 1, 3] {
                    guard
                        case .refused(saved[index].recordKey.path, _) = refused({
                            try tx.checkpoints.delete(saved[index].uuid)
                        })
                    else {
                        Issue.record("checkpoint \(index) is always kept")
                        return
                    }
                    #expect(refused { try tx.checkpoints.delete(saved[index].uuid, leaving: [:]) } != nil)
                }
                try tx.checkpoints.unpin(saved[0].uuid)
                try tx.trials.transition(warm.id, to: .completed)
                try tx.trials.transition(trial.id, to: .completed)
                #expect(try tx.checkpoints.collectable(experiment.id).map(\.uuid) == saved.map(\.uuid))
                for one in saved { try tx.checkpoints.delete(one.uuid) }
                #expect(try tx.experiments.checkpointTotals(experiment.id) == CheckpointTotals.none)
                guard case .refused = refused({ try tx.checkpoints.pin(saved[0].uuid) }) else {
                    Issue.record("what is gone can't be pinned")
                    return
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `the query agrees with the rule over plain values`(_ engine: TestEngine) async throws {
        var random = Seeded("retention")
        try await withStore(engine) { store in
            for _ in 0..<Seeded.count(100, least: 6) {
                let history = History(&random)
                let (experiment, candidates) = try await store.write { tx in try history.play(tx) }
                let rule = CheckpointRetention(policy: history.policy, smallerIsBetter: history.smallerIsBetter)
                let found = try await store.checkpoints.collectable(experiment)
                #expect(found.map(\.uuid) == rule.collectable(candidates), "\(history)")
            }
        }
    }
}

extension CheckpointTotals {
    fileprivate static let none = try! JSONDecoder().decode(Self.self, from: Data(#"{"count":0,"bytes":0}"#.utf8))
}

/// A random experiment with its checkpoints.
private struct History: Sendable {
    struct Step {
        var metric: Double?
        var fate: Int
        var uuid: UUID
    }

    let policy: RetentionPolicy
    let smallerIsBetter: Bool
    let trials: [(id: UUID, ends: Bool, steps: [Step])]

    init(_ random: inout Seeded) {
        policy = RetentionPolicy(
            experimentBest: .random(in: 0...3, using: &random), trialBest: .random(in: 0...2, using: &random),
            trialLatest: .random(in: 0...2, using: &random))
        smallerIsBetter = .random(using: &random)
        trials = (0..<4).map { _ in
            let steps = (0..<5).map { _ in
                Step(
                    metric: [nil, 0.25, 0.5, .nan].randomElement(using: &random)!,
                    fate: .random(in: 0...6, using: &random), uuid: random.uuid())
            }
            return (random.uuid(), .random(using: &random), steps)
        }
    }

    func play(_ tx: borrowing Transaction) throws -> (ID<Experiment>, [CheckpointRetention.Candidate]) {
        let experiment = try tx.anExperiment(smallerIsBetter: smallerIsBetter, retention: policy)
        var candidates: [CheckpointRetention.Candidate] = []
        for (id, ends, steps) in trials {
            let trial = try tx.aTrial(of: experiment, request: id)
            for (index, step) in steps.enumerated() {
                let number = Int64(index) + 1
                try tx.run(trial, step: number)
                if let metric = step.metric { try tx.validate(trial, step: number, metric) }
                try tx.save(trial, step: number, uuid: step.uuid, state: step.fate == 0 ? .error : .completed)
            }
            if ends { try tx.trials.transition(trial.id, to: .completed) }
            for step in steps where step.fate != 0 {
                switch step.fate {
                case 1: _ = refused { try tx.checkpoints.delete(step.uuid) }
                case 2: _ = refused { try tx.checkpoints.delete(step.uuid, leaving: ["weights": 100]) }
                case 3: try tx.checkpoints.pin(step.uuid)
                default: break
                }
            }
            for step in steps {
                let stored = try tx.checkpoints.get(step.uuid)
                candidates.append(
                    CheckpointRetention.Candidate(
                        uuid: step.uuid, trial: trial.id, requestID: id, isTrialLive: !ends, state: stored.state,
                        totalBatches: stored.totalBatches, reportRevision: stored.createdRevision,
                        isPinned: stored.isPinned, metric: step.metric))
            }
        }
        return (experiment.id, candidates)
    }
}
