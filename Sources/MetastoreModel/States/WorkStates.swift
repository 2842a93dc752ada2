/// Where a workload stands.
public enum WorkloadState: Int16, TransitionState {
    /// Runs.
    case active = 1
    /// Has its results.
    case completed = 2
    /// Failed, or was cut off.
    case error = 3

    /// The name users know.
    public var name: String {
        switch self {
        case .active: "ACTIVE"
        case .completed: "COMPLETED"
        case .error: "ERROR"
        }
    }

    /// COMPLETED or ERROR; both are final.
    public var isTerminal: Bool { self != .active }

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<WorkloadState>([
        .from(.active, to: [.completed, .error])
    ])
}

/// Where a checkpoint stands.
public enum CheckpointState: Int16, TransitionState {
    /// Is being written.
    case active = 1
    /// Can be loaded.
    case completed = 2
    /// Was never finished.
    case error = 3
    /// Some of its resources are gone.
    case partiallyDeleted = 4
    /// All of its resources are gone; the row stays until its experiment goes.
    case deleted = 5

    /// The name users know.
    public var name: String {
        switch self {
        case .active: "ACTIVE"
        case .completed: "COMPLETED"
        case .error: "ERROR"
        case .partiallyDeleted: "PARTIALLY_DELETED"
        case .deleted: "DELETED"
        }
    }

    /// DELETED or ERROR.
    public var isTerminal: Bool { self == .deleted || self == .error }

    /// PARTIALLY_DELETED leads to itself: with fewer resources that is a change.
    public static let transitions = TransitionTable<CheckpointState>([
        .from(.active, to: [.completed, .error]),
        .from(.completed, to: [.partiallyDeleted, .deleted]),
        .from(.partiallyDeleted, to: [.partiallyDeleted, .deleted]),
    ])
}
