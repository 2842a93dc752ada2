import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

extension Transaction {
    /// An ACTIVE experiment.
    func anExperiment(
        _ name: String = "mnist", smallerIsBetter: Bool = true, retention: RetentionPolicy = RetentionPolicy()
    ) throws -> Experiment {
        try experiments.create(
            NewExperiment(
                name: name, config: ["searcher": "random"], smallerIsBetter: smallerIsBetter, retention: retention,
                startsActive: true))
    }

    func aTrial(of experiment: Experiment, request: UUID? = nil) throws -> Trial {
        try trials.create(NewTrial(experiment: experiment.id, requestID: request, hparams: ["lr": 0.1]))
    }

    /// A trial of an experiment of its own.
    func aTrial() throws -> Trial { try aTrial(of: try anExperiment()) }

    /// A COMPLETED RUN_STEP of 100 batches a step.
    @discardableResult
    func run(_ trial: Trial, step: Int64, generation: Int64 = 0) throws -> Workload {
        try workloads.report(
            WorkloadReport(
                trial: trial.id, generation: generation, step: step, kind: .runStep, totalBatches: step * 100,
                metrics: ["loss": 1 / Double(step + 1)]))
    }

    /// A COMPLETED validation of a step that has run.
    @discardableResult
    func validate(_ trial: Trial, step: Int64, _ metric: Double, generation: Int64 = 0) throws -> Workload {
        try workloads.report(
            WorkloadReport(
                trial: trial.id, generation: generation, step: step, kind: .computeValidationMetrics,
                totalBatches: step * 100, metrics: ["validation_loss": metric]))
    }

    /// A COMPLETED checkpoint of a step that has run.
    @discardableResult
    func save(
        _ trial: Trial, step: Int64, generation: Int64 = 0, uuid: UUID = UUID(), state: CheckpointState = .completed
    ) throws -> Checkpoint {
        try checkpoints.report(
            CheckpointReport(
                uuid: uuid, trial: trial.id, generation: generation, state: state, totalBatches: step * 100,
                resources: ["weights": 100, "optimizer": 20]))
    }

    /// Ends the experiment of a trial, and the trial, as COMPLETED.
    func finish(_ experiment: ID<Experiment>) throws {
        for trial in try trials.unfinished(experiment) { try trials.transition(trial.id, to: .completed) }
        try experiments.transition(experiment, to: .stoppingCompleted)
        try experiments.transition(experiment, to: .completed)
    }

    /// A pool with one agent of some slots.
    @discardableResult
    func aPool(_ name: String = "gpu", slots: Int64 = 2) throws -> Agent {
        try pools.put(NewPool(name: name))
        return try agents.register(
            NewAgent(id: "\(name)-agent", pool: name, slots: (0..<slots).map { NewSlot(index: $0) }))
    }

    /// A PENDING allocation of a new notebook.
    func anAllocation(in pool: String = "gpu") throws -> Allocation {
        let task = try tasks.create(NewTask(kind: .notebook))
        return try allocations.create(NewAllocation(task: task.id, pool: pool))
    }
}

extension Metastore {
    /// Where the newest commit stands.
    func revision() async throws -> Int64 { try await info().revision.rawValue }

    /// Every commit after a revision up to the present one.
    func commits(after revision: Int64 = 0) async throws -> [Commit] {
        let end = try await info().revision
        var commits: [Commit] = []
        guard revision < end.rawValue else { return [] }
        for try await batch in changes(after: try await position(at: Revision(revision))).batches {
            commits += batch.commits
            if batch.position.revision >= end { break }
        }
        return commits
    }
}

/// What a call threw, if it was an error of the store's.
func refusal<Value>(_ body: () async throws -> Value) async -> StoreError? {
    do {
        _ = try await body()
        return nil
    } catch {
        return error as? StoreError
    }
}

/// As ``refusal(_:)`` inside a transaction, where a refused call leaves the transaction as it was.
func refused<Value>(_ body: () throws -> Value) -> StoreError? {
    do {
        _ = try body()
        return nil
    } catch {
        return error as? StoreError
    }
}

struct Planned: Error, Hashable {
    let name: String
    init(_ name: String = "planned") { self.name = name }
}
