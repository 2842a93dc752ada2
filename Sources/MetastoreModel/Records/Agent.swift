/// A machine that runs containers.
public struct Agent: Record, Codable {
    /// Its name, unique.
    @ByBytes public package(set) var id: String
    /// The pool it belongs to.
    @ByBytes public package(set) var pool: String
    /// Where it is reached.
    @ByBytes public package(set) var address: String
    /// Whether new work may be put on it.
    public package(set) var isEnabled: Bool
    /// The version of its software.
    @ByBytes public package(set) var version: String
    /// When it was last heard of; kept up to date without being logged.
    public package(set) var lastHeartbeat: Timestamp?
    /// Where it stands.
    public package(set) var state: AgentState
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: String, pool: String, address: String, isEnabled: Bool, version: String,
        lastHeartbeat: Timestamp?, state: AgentState, createdRevision: Revision, revision: Revision
    ) {
        self.id = id
        self.pool = pool
        self.address = address
        self.isEnabled = isEnabled
        self.version = version
        self.lastHeartbeat = lastHeartbeat
        self.state = state
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .agent(id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .agent }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Agent>) -> Change { .agent(change) }
}

/// A device of an agent; at most one container is on it.
public struct Slot: Record, Codable {
    /// The agent it belongs to.
    @ByBytes public package(set) var agent: String
    /// Its number on the agent, from 0.
    public package(set) var index: Int64
    /// What it is made of.
    public package(set) var device: DeviceKind
    /// The device's own identity, as its driver gives it.
    @ByBytes public package(set) var uuid: String
    /// The device's model.
    @ByBytes public package(set) var brand: String
    /// Whether new work may be put on it.
    public package(set) var isEnabled: Bool
    /// The live container on it.
    public package(set) var container: ID<Container>?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        agent: String, index: Int64, device: DeviceKind, uuid: String, brand: String, isEnabled: Bool,
        container: ID<Container>?, createdRevision: Revision, revision: Revision
    ) {
        self.agent = agent
        self.index = index
        self.device = device
        self.uuid = uuid
        self.brand = brand
        self.isEnabled = isEnabled
        self.container = container
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .slot(agent: agent, index: Int(index)) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .slot }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Slot>) -> Change { .slot(change) }
}
