/// A task to be created.
public struct NewTask: Sendable, Hashable {
    /// What it is for.
    public var kind: TaskKind
    /// The trial it runs.
    public var trial: ID<Trial>?

    /// The values that have a default may be left out.
    public init(
        kind: TaskKind, trial: ID<Trial>? = nil
    ) {
        self.kind = kind
        self.trial = trial
    }
}

/// A run of a task, to be queued; it begins PENDING.
public struct NewAllocation: Sendable, Hashable {
    /// The task that runs.
    public var task: ID<ClusterTask>
    /// The pool it asks for slots in.
    @ByBytes public var pool: String
    /// How many slots it asks for.
    public var slots: Int64
    /// Lower runs first.
    public var priority: Int64

    /// The values that have a default may be left out.
    public init(
        task: ID<ClusterTask>, pool: String, slots: Int64 = 1, priority: Int64 = 42
    ) {
        self.task = task
        self.pool = pool
        self.slots = slots
        self.priority = priority
    }
}

/// A container to be put on slots of an agent; it begins ASSIGNED.
public struct NewContainer: Sendable, Hashable {
    /// The allocation it belongs to.
    public var allocation: ID<Allocation>
    /// The agent it runs on.
    @ByBytes public var agent: String
    /// The numbers of the agent's slots it holds, all of them free.
    public var slots: [Int64]

    /// The values that have a default may be left out.
    public init(
        allocation: ID<Allocation>, agent: String, slots: [Int64] = []
    ) {
        self.allocation = allocation
        self.agent = agent
        self.slots = slots
    }
}
