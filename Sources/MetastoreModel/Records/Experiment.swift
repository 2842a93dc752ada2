/// A search over one model: its configuration, where it stands, and how it judges its trials.
///
/// Best trial, checkpoint count and bytes are computed when they are asked for.
public struct Experiment: Record, Codable {
    /// Given by the store; the address of everything below it.
    public package(set) var id: ID<Experiment>
    /// Where it stands.
    public package(set) var state: ExperimentState
    /// What people call it; need not be unique.
    @ByBytes public package(set) var name: String
    /// The configuration, a JSON document that never changes and is stored once.
    public package(set) var config: DocumentHash
    /// Sorted by bytes, each once.
    @ByBytes public package(set) var labels: [String]
    /// Free text.
    @ByBytes public package(set) var notes: String
    /// Who it belongs to, as a text.
    @ByBytes public package(set) var owner: String
    /// Whether lists leave it out unless asked.
    public package(set) var isArchived: Bool
    /// The experiment it was forked from.
    public package(set) var parent: ID<Experiment>?
    /// The priority of its jobs; lower runs first.
    public package(set) var priority: Int64
    /// The resource pool it runs in.
    @ByBytes public package(set) var pool: String
    /// How far the search is, 0…1, when the searcher can tell.
    public package(set) var progress: Double?
    /// The searcher metric: the validation metric by which trials are judged.
    @ByBytes public package(set) var metric: String
    /// The direction of the searcher metric.
    public package(set) var smallerIsBetter: Bool
    /// How many checkpoints are kept.
    public package(set) var retention: RetentionPolicy
    // Written out: a `String?` would be nil first, and every record copied and let go of again for that.
    /// The caller's idempotency key, unique among experiments.
    @ByBytes public package(set) var externalID: Optional<String>
    /// The model's code, a document that is stored once.
    public package(set) var modelDefinition: DocumentHash?
    /// When it was created.
    public package(set) var start: Timestamp
    /// When it became terminal.
    public package(set) var end: Timestamp?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: ID<Experiment>, state: ExperimentState, name: String, config: DocumentHash, labels: [String],
        notes: String, owner: String, isArchived: Bool, parent: ID<Experiment>?, priority: Int64,
        pool: String, progress: Double?, metric: String, smallerIsBetter: Bool, retention: RetentionPolicy,
        externalID: String?, modelDefinition: DocumentHash?, start: Timestamp, end: Timestamp?,
        createdRevision: Revision, revision: Revision
    ) {
        self.id = id
        self.state = state
        self.name = name
        self.config = config
        self.labels = labels
        self.notes = notes
        self.owner = owner
        self.isArchived = isArchived
        self.parent = parent
        self.priority = priority
        self.pool = pool
        self.progress = progress
        self.metric = metric
        self.smallerIsBetter = smallerIsBetter
        self.retention = retention
        self.externalID = externalID
        self.modelDefinition = modelDefinition
        self.start = start
        self.end = end
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .experiment(id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .experiment }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Experiment>) -> Change { .experiment(change) }
}

/// How many checkpoints of an experiment are kept; the others may be collected. See ``CheckpointRetention``.
public struct RetentionPolicy: Sendable, Hashable, Codable {
    /// How many of the best validated of the whole experiment.
    public var experimentBest: Int
    /// How many of the best validated of each trial.
    public var trialBest: Int
    /// How many of the latest of each trial, validated or not.
    public var trialLatest: Int

    /// A policy; without arguments the usual one: none, one, one.
    public init(experimentBest: Int = 0, trialBest: Int = 1, trialLatest: Int = 1) {
        self.experimentBest = experimentBest
        self.trialBest = trialBest
        self.trialLatest = trialLatest
    }
}
