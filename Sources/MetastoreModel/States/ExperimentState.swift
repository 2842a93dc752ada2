/// Where an experiment stands.
public enum ExperimentState: Int16, TransitionState {
    /// Runs.
    case active = 1
    /// Waits for a person.
    case paused = 2
    /// Is being stopped because a person cancelled it.
    case stoppingCanceled = 3
    /// Is being stopped at once because a person killed it.
    case stoppingKilled = 4
    /// Is being stopped because its search is over.
    case stoppingCompleted = 5
    /// Is being stopped because it failed.
    case stoppingError = 6
    /// Ended by a person.
    case canceled = 7
    /// Ended by itself.
    case completed = 8
    /// Ended by a failure.
    case error = 9
    /// Its rows are being removed.
    case deleting = 10
    /// Its deletion stopped and may be taken up again.
    case deleteFailed = 11

    /// The name users know.
    public var name: String {
        switch self {
        case .active: "ACTIVE"
        case .paused: "PAUSED"
        case .stoppingCanceled: "STOPPING_CANCELED"
        case .stoppingKilled: "STOPPING_KILLED"
        case .stoppingCompleted: "STOPPING_COMPLETED"
        case .stoppingError: "STOPPING_ERROR"
        case .canceled: "CANCELED"
        case .completed: "COMPLETED"
        case .error: "ERROR"
        case .deleting: "DELETING"
        case .deleteFailed: "DELETE_FAILED"
        }
    }

    /// CANCELED, COMPLETED or ERROR; DELETING and DELETE_FAILED are not: there is still something to do.
    public var isTerminal: Bool {
        self == .canceled || self == .completed || self == .error
    }

    /// Whether its deletion has begun: no trial, workload or checkpoint may be added to it, and there is no
    /// way back.
    public var isBeingDeleted: Bool {
        self == .deleting || self == .deleteFailed
    }

    /// Whether trials may be added: it is neither terminal nor being deleted.
    public var acceptsTrials: Bool {
        !isTerminal && !isBeingDeleted
    }

    /// The states a person may set: ACTIVE, PAUSED, STOPPING_CANCELED, STOPPING_KILLED.
    public static let settableByPerson: Set<ExperimentState> = [
        .active, .paused, .stoppingCanceled, .stoppingKilled,
    ]

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<ExperimentState>([
        .from(
            .active,
            to: [.paused, .stoppingCanceled, .stoppingKilled, .stoppingCompleted, .stoppingError, .error]),
        .from(
            .paused,
            to: [.active, .stoppingCanceled, .stoppingKilled, .stoppingCompleted, .stoppingError, .error]),
        .from(.stoppingCanceled, to: [.canceled, .stoppingKilled, .stoppingError, .error]),
        .from(.stoppingKilled, to: [.canceled, .stoppingError, .error]),
        .from(.stoppingCompleted, to: [.completed, .stoppingError, .error]),
        .from(.stoppingError, to: [.error]),
        .from(.stoppingError, to: [.active], .restartOnly),
        .from(.canceled, to: [.deleting], .deletionOnly),
        .from(.completed, to: [.deleting], .deletionOnly),
        .from(.error, to: [.deleting], .deletionOnly),
        .from(.canceled, to: [.paused], .continueOnly),
        .from(.completed, to: [.paused], .continueOnly),
        .from(.error, to: [.paused], .continueOnly),
        .from(.deleting, to: [.deleteFailed], .deletionOnly),
        .from(.deleteFailed, to: [.deleting], .deletionOnly),
    ])
}
