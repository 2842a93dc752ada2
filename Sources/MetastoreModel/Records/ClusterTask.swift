/// Something the cluster does for someone: a trial, a notebook, a command.
public struct ClusterTask: Record, Codable {
    /// Given by the store.
    public package(set) var id: ID<ClusterTask>
    /// What it is for.
    public package(set) var kind: TaskKind
    /// The trial it runs.
    public package(set) var trial: ID<Trial>?
    /// When it was created.
    public package(set) var start: Timestamp
    /// When its last allocation ended for good.
    public package(set) var end: Timestamp?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: ID<ClusterTask>, kind: TaskKind, trial: ID<Trial>?, start: Timestamp, end: Timestamp?,
        createdRevision: Revision, revision: Revision
    ) {
        self.id = id
        self.kind = kind
        self.trial = trial
        self.start = start
        self.end = end
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .task(id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .task }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<ClusterTask>) -> Change { .task(change) }
}

/// One run of a task on slots.
public struct Allocation: Record, Codable {
    /// Given by the store.
    public package(set) var id: ID<Allocation>
    /// The task that runs.
    public package(set) var task: ID<ClusterTask>
    /// The pool it asks for slots in.
    @ByBytes public package(set) var pool: String
    /// Where it stands.
    public package(set) var state: AllocationState
    /// How many slots it asks for.
    public package(set) var slots: Int64
    /// Lower runs first.
    public package(set) var priority: Int64
    /// Why it ended.
    @ByBytes public package(set) var exitReason: String?
    /// When it was asked for.
    public package(set) var start: Timestamp
    /// When it was terminated.
    public package(set) var end: Timestamp?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: ID<Allocation>, task: ID<ClusterTask>, pool: String, state: AllocationState, slots: Int64,
        priority: Int64, exitReason: String?, start: Timestamp, end: Timestamp?, createdRevision: Revision,
        revision: Revision
    ) {
        self.id = id
        self.task = task
        self.pool = pool
        self.state = state
        self.slots = slots
        self.priority = priority
        self.exitReason = exitReason
        self.start = start
        self.end = end
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .allocation(task: task, id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .allocation }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Allocation>) -> Change { .allocation(change) }
}

/// A process tree of an allocation on one agent.
public struct Container: Record, Codable {
    /// Given by the store.
    public package(set) var id: ID<Container>
    /// The task of its allocation.
    public package(set) var task: ID<ClusterTask>
    /// The allocation it belongs to.
    public package(set) var allocation: ID<Allocation>
    /// The agent it runs on.
    @ByBytes public package(set) var agent: String
    /// The numbers of the agent's slots it holds.
    public package(set) var slots: [Int64]
    /// Where it stands.
    public package(set) var state: ContainerState
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: ID<Container>, task: ID<ClusterTask>, allocation: ID<Allocation>, agent: String,
        slots: [Int64], state: ContainerState, createdRevision: Revision, revision: Revision
    ) {
        self.id = id
        self.task = task
        self.allocation = allocation
        self.agent = agent
        self.slots = slots
        self.state = state
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .container(task: task, allocation: allocation, id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .container }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Container>) -> Change { .container(change) }
}
