public import FoundationEssentials

/// One choice of hyperparameters of an experiment, and how its training went.
public struct Trial: Record, Codable {
    /// Given by the store.
    public package(set) var id: ID<Trial>
    /// The experiment it belongs to.
    public package(set) var experiment: ID<Experiment>
    /// The searcher's idempotency key, unique in the experiment.
    public package(set) var requestID: UUID
    /// Where it stands.
    public package(set) var state: TrialState
    /// Its hyperparameters.
    public package(set) var hparams: JSONObject
    /// What its randomness starts from.
    public package(set) var seed: Int64
    /// The checkpoint it started from.
    public package(set) var warmStart: UUID?
    /// How often it was restarted after an error.
    public package(set) var restarts: Int64
    /// Counts the starts of its process; a report from an earlier one is refused.
    public package(set) var generation: Int64
    /// Batches trained, of what is live.
    public package(set) var totalBatches: Int64
    /// The validation that is best by ``ValidationOrder``.
    public package(set) var bestValidation: ID<Workload>?
    /// The live, completed validation with the most batches.
    public package(set) var latestValidation: ID<Workload>?
    /// The searcher metric of the best validation; always finite.
    public package(set) var bestMetric: Double?
    /// The total batches at the best validation.
    public package(set) var bestTotalBatches: Int64?
    /// When its process was last heard of; kept up to date without being logged.
    public package(set) var lastActivity: Timestamp?
    /// When it was created.
    public package(set) var start: Timestamp
    /// When it became terminal.
    public package(set) var end: Timestamp?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: ID<Trial>, experiment: ID<Experiment>, requestID: UUID, state: TrialState, hparams: JSONObject,
        seed: Int64, warmStart: UUID?, restarts: Int64, generation: Int64, totalBatches: Int64,
        bestValidation: ID<Workload>?, latestValidation: ID<Workload>?, bestMetric: Double?,
        bestTotalBatches: Int64?, lastActivity: Timestamp?, start: Timestamp, end: Timestamp?,
        createdRevision: Revision, revision: Revision
    ) {
        self.id = id
        self.experiment = experiment
        self.requestID = requestID
        self.state = state
        self.hparams = hparams
        self.seed = seed
        self.warmStart = warmStart
        self.restarts = restarts
        self.generation = generation
        self.totalBatches = totalBatches
        self.bestValidation = bestValidation
        self.latestValidation = latestValidation
        self.bestMetric = bestMetric
        self.bestTotalBatches = bestTotalBatches
        self.lastActivity = lastActivity
        self.start = start
        self.end = end
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .trial(experiment: experiment, id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .trial }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Trial>) -> Change { .trial(change) }
}
