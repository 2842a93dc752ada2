/// An experiment to be created.
public struct NewExperiment: Sendable, Hashable {
    /// What people call it.
    @ByBytes public var name: String
    /// The configuration, kept for ever as it is.
    public var config: JSONObject
    /// Labels; the store sorts them and drops repetitions.
    @ByBytes public var labels: [String]
    /// Free text.
    @ByBytes public var notes: String
    /// Who it belongs to.
    @ByBytes public var owner: String
    /// The experiment it is forked from.
    public var parent: ID<Experiment>?
    /// The priority of its jobs; lower runs first.
    public var priority: Int64
    /// The resource pool it runs in.
    @ByBytes public var pool: String
    /// The validation metric by which trials are judged.
    @ByBytes public var metric: String
    /// The direction of that metric.
    public var smallerIsBetter: Bool
    /// How many checkpoints are kept.
    public var retention: RetentionPolicy
    /// An idempotency key: creating a second experiment with it is a conflict.
    @ByBytes public var externalID: String?
    /// The model's code; equal ones are stored once.
    public var modelDefinition: [UInt8]?
    /// Whether it begins ACTIVE instead of PAUSED.
    public var startsActive: Bool

    /// The values that have a default may be left out.
    public init(
        name: String, config: JSONObject, labels: [String] = [], notes: String = "", owner: String = "",
        parent: ID<Experiment>? = nil, priority: Int64 = 42, pool: String = "default",
        metric: String = "validation_loss", smallerIsBetter: Bool = true,
        retention: RetentionPolicy = RetentionPolicy(), externalID: String? = nil,
        modelDefinition: [UInt8]? = nil, startsActive: Bool = false
    ) {
        self.name = name
        self.config = config
        self.labels = labels
        self.notes = notes
        self.owner = owner
        self.parent = parent
        self.priority = priority
        self.pool = pool
        self.metric = metric
        self.smallerIsBetter = smallerIsBetter
        self.retention = retention
        self.externalID = externalID
        self.modelDefinition = modelDefinition
        self.startsActive = startsActive
    }
}
