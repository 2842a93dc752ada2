public import FoundationEssentials

/// A trial to be created; it begins ACTIVE.
public struct NewTrial: Sendable, Hashable {
    /// The experiment it belongs to, which must not be terminal.
    public var experiment: ID<Experiment>
    /// The searcher's idempotency key; `nil`: the store makes one up.
    public var requestID: UUID?
    /// Its hyperparameters.
    public var hparams: JSONObject
    /// What its randomness starts from.
    public var seed: Int64
    /// The checkpoint it starts from.
    public var warmStart: UUID?

    /// The values that have a default may be left out.
    public init(
        experiment: ID<Experiment>, requestID: UUID? = nil, hparams: JSONObject = [:], seed: Int64 = 0,
        warmStart: UUID? = nil
    ) {
        self.experiment = experiment
        self.requestID = requestID
        self.hparams = hparams
        self.seed = seed
        self.warmStart = warmStart
    }
}

/// What a trial's process reports of one workload.
///
/// The same report twice changes nothing; another one under the same trial, generation, step and kind is a
/// conflict, but for one that completes an ACTIVE workload.
public struct WorkloadReport: Sendable, Hashable {
    /// The trial.
    public var trial: ID<Trial>
    /// The generation of the process that reports; an earlier one than the trial's is refused.
    public var generation: Int64
    /// The step, from 1.
    public var step: Int64
    /// What the workload does.
    public var kind: WorkloadKind
    /// Where it stands.
    public var state: WorkloadState
    /// Batches trained up to its end.
    public var totalBatches: Int64
    /// Its results, set once.
    public var metrics: Metrics?

    /// The values that have a default may be left out.
    public init(
        trial: ID<Trial>, generation: Int64, step: Int64, kind: WorkloadKind,
        state: WorkloadState = .completed, totalBatches: Int64, metrics: Metrics? = nil
    ) {
        self.trial = trial
        self.generation = generation
        self.step = step
        self.kind = kind
        self.state = state
        self.totalBatches = totalBatches
        self.metrics = metrics
    }
}

/// What a trial's process reports of one checkpoint.
public struct CheckpointReport: Sendable, Hashable {
    /// Its name, the same in every report of it.
    public var uuid: UUID
    /// The trial.
    public var trial: ID<Trial>
    /// The generation of the process that reports; an earlier one than the trial's is refused.
    public var generation: Int64
    /// The workload that saves it.
    public var workload: ID<Workload>?
    /// Where it stands.
    public var state: CheckpointState
    /// Batches trained up to it.
    public var totalBatches: Int64
    /// Which storage has it.
    @ByBytes public var storageID: String
    /// Its files and their sizes in bytes.
    public var resources: Resources
    /// What the framework says of it.
    public var metadata: JSONObject

    /// The values that have a default may be left out.
    public init(
        uuid: UUID, trial: ID<Trial>, generation: Int64, workload: ID<Workload>? = nil,
        state: CheckpointState = .completed, totalBatches: Int64, storageID: String = "",
        resources: Resources = [:], metadata: JSONObject = [:]
    ) {
        self.uuid = uuid
        self.trial = trial
        self.generation = generation
        self.workload = workload
        self.state = state
        self.totalBatches = totalBatches
        self.storageID = storageID
        self.resources = resources
        self.metadata = metadata
    }
}
