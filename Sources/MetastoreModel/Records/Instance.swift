/// A machine the provisioner asked the cloud for, written before the call, or found there by its tag.
public struct Instance: Record, Codable {
    /// The provisioner's idempotency key, unique; one that was found has `found-<cloud id>`.
    @ByBytes public package(set) var clientToken: String
    /// The cloud's name for it, once it is known.
    @ByBytes public package(set) var instanceID: String?
    /// The pool it is for.
    @ByBytes public package(set) var pool: String
    /// The key of the tag it carries.
    @ByBytes public package(set) var tagKey: String
    /// The value of that tag.
    @ByBytes public package(set) var tagValue: String
    /// Its type.
    @ByBytes public package(set) var type: String
    /// The client token of the spot request that it fulfils.
    @ByBytes public package(set) var spotRequest: String?
    /// Where it stands.
    public package(set) var state: InstanceState
    /// The agent that runs on it, once it has registered.
    @ByBytes public package(set) var agent: String?
    /// When it was asked for or found.
    public package(set) var requested: Timestamp
    /// When it was first seen running.
    public package(set) var started: Timestamp?
    /// When it was terminated.
    public package(set) var ended: Timestamp?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        clientToken: String, instanceID: String?, pool: String, tagKey: String, tagValue: String,
        type: String, spotRequest: String?, state: InstanceState, agent: String?, requested: Timestamp,
        started: Timestamp?, ended: Timestamp?, createdRevision: Revision, revision: Revision
    ) {
        self.clientToken = clientToken
        self.instanceID = instanceID
        self.pool = pool
        self.tagKey = tagKey
        self.tagValue = tagValue
        self.type = type
        self.spotRequest = spotRequest
        self.state = state
        self.agent = agent
        self.requested = requested
        self.started = started
        self.ended = ended
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .instance(clientToken: clientToken) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .instance }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Instance>) -> Change { .instance(change) }
}

/// A request for a spot instance, written before the cloud is asked.
public struct SpotRequest: Record, Codable {
    /// The provisioner's idempotency key, unique.
    @ByBytes public package(set) var clientToken: String
    /// The cloud's name for it, once it is known.
    @ByBytes public package(set) var requestID: String?
    /// The pool it is for.
    @ByBytes public package(set) var pool: String
    /// Where it stands.
    public package(set) var state: SpotRequestState
    /// The most that is paid, in US dollars an hour; `nil`: the on-demand price.
    public package(set) var maxPrice: Double?
    /// The client token of the instance that fulfils it.
    @ByBytes public package(set) var instance: String?
    /// When it was made.
    public package(set) var requested: Timestamp
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        clientToken: String, requestID: String?, pool: String, state: SpotRequestState, maxPrice: Double?,
        instance: String?, requested: Timestamp, createdRevision: Revision, revision: Revision
    ) {
        self.clientToken = clientToken
        self.requestID = requestID
        self.pool = pool
        self.state = state
        self.maxPrice = maxPrice
        self.instance = instance
        self.requested = requested
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .spotRequest(clientToken: clientToken) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .spotRequest }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<SpotRequest>) -> Change { .spotRequest(change) }
}
