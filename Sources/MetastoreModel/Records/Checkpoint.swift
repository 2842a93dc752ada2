public import FoundationEssentials

/// A saved model of a trial, as the storage has it.
public struct Checkpoint: Record, Codable {
    /// The store's own number of it; never shown to users.
    public package(set) var number: Int64
    /// Its name, given by who saved it; the name of its directory in the storage.
    public package(set) var uuid: UUID
    /// The trial it belongs to.
    public package(set) var trial: ID<Trial>
    /// The trial's experiment; not stored, filled in on reading.
    public package(set) var experiment: ID<Experiment>
    /// The workload that saved it.
    public package(set) var workload: ID<Workload>?
    /// Where it stands.
    public package(set) var state: CheckpointState
    /// Batches trained up to it.
    public package(set) var totalBatches: Int64
    /// Which storage has it.
    @ByBytes public package(set) var storageID: String
    /// Its files and their sizes.
    public package(set) var resources: Resources
    /// Bytes of all its files.
    public package(set) var size: Int64
    /// What the framework says of it: its name, its format.
    public package(set) var metadata: JSONObject
    /// Whether a registry or a person holds it, so that it is never collected.
    public package(set) var isPinned: Bool
    /// When it was reported.
    public package(set) var reportTime: Timestamp
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        number: Int64, uuid: UUID, trial: ID<Trial>, experiment: ID<Experiment>, workload: ID<Workload>?,
        state: CheckpointState, totalBatches: Int64, storageID: String, resources: Resources, size: Int64,
        metadata: JSONObject, isPinned: Bool, reportTime: Timestamp, createdRevision: Revision,
        revision: Revision
    ) {
        self.number = number
        self.uuid = uuid
        self.trial = trial
        self.experiment = experiment
        self.workload = workload
        self.state = state
        self.totalBatches = totalBatches
        self.storageID = storageID
        self.resources = resources
        self.size = size
        self.metadata = metadata
        self.isPinned = isPinned
        self.reportTime = reportTime
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .checkpoint(experiment: experiment, trial: trial, uuid) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .checkpoint }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Checkpoint>) -> Change { .checkpoint(change) }
}

/// The searcher's state of an experiment, written with the trials and workloads it speaks of.
public struct ExperimentSnapshot: Record, Codable {
    /// The experiment it belongs to.
    public package(set) var experiment: ID<Experiment>
    /// The version of its content's format; reading a newer one than the reader knows is an error.
    public package(set) var version: Int64
    /// The state.
    public package(set) var content: JSONObject
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        experiment: ID<Experiment>, version: Int64, content: JSONObject, createdRevision: Revision,
        revision: Revision
    ) {
        self.experiment = experiment
        self.version = version
        self.content = content
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .snapshot(experiment: experiment) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .snapshot }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<ExperimentSnapshot>) -> Change { .snapshot(change) }
}
