/// One piece of work of a trial: a step of training, a validation, a checkpoint, or the end.
///
/// Unique by (trial, generation, step, kind); at most one live one by (trial, step, kind).
public struct Workload: Record, Codable {
    /// Given by the store.
    public package(set) var id: ID<Workload>
    /// The trial it belongs to.
    public package(set) var trial: ID<Trial>
    /// The trial's experiment; not stored, filled in on reading.
    public package(set) var experiment: ID<Experiment>
    /// The generation of the trial's process that does it.
    public package(set) var generation: Int64
    /// The step it belongs to, from 1.
    public package(set) var step: Int64
    /// What it does.
    public package(set) var kind: WorkloadKind
    /// Where it stands.
    public package(set) var state: WorkloadState
    /// Batches trained up to its end.
    public package(set) var totalBatches: Int64
    // Written out: a `Metrics?` would be nil first, and every record copied and let go of again for that.
    /// Its results, set once; `nil` while it has none or when they are a document.
    public package(set) var metrics: Optional<Metrics>
    /// Its results when they are longer than ``Limits/inlineMetricsBytes``.
    public package(set) var metricsDocument: DocumentHash?
    /// The searcher metric among its results, if it is finite.
    public package(set) var searcherMetric: Double?
    /// Whether a restart went back before it; kept, but no longer live.
    public package(set) var isRolledBack: Bool
    /// When it began.
    public package(set) var start: Timestamp
    /// When it was completed or failed.
    public package(set) var end: Timestamp?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: ID<Workload>, trial: ID<Trial>, experiment: ID<Experiment>, generation: Int64, step: Int64,
        kind: WorkloadKind, state: WorkloadState, totalBatches: Int64, metrics: Metrics?,
        metricsDocument: DocumentHash?, searcherMetric: Double?, isRolledBack: Bool, start: Timestamp,
        end: Timestamp?, createdRevision: Revision, revision: Revision
    ) {
        self.id = id
        self.trial = trial
        self.experiment = experiment
        self.generation = generation
        self.step = step
        self.kind = kind
        self.state = state
        self.totalBatches = totalBatches
        self.metrics = metrics
        self.metricsDocument = metricsDocument
        self.searcherMetric = searcherMetric
        self.isRolledBack = isRolledBack
        self.start = start
        self.end = end
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .workload(experiment: experiment, trial: trial, id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .workload }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Workload>) -> Change { .workload(change) }
}
