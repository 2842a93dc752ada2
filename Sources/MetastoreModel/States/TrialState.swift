/// Where a trial stands.
public enum TrialState: Int16, TransitionState {
    /// Runs, or waits for slots.
    case active = 1
    /// Waits for its experiment.
    case paused = 2
    /// Is being stopped because its experiment was cancelled.
    case stoppingCanceled = 3
    /// Is being stopped at once.
    case stoppingKilled = 4
    /// Is being stopped because the searcher has no more work for it.
    case stoppingCompleted = 5
    /// Is being stopped because it failed; it may be restarted.
    case stoppingError = 6
    /// Ended by a person.
    case canceled = 7
    /// Ended by itself.
    case completed = 8
    /// Ended by a failure.
    case error = 9

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
        }
    }

    /// CANCELED, COMPLETED or ERROR. A trial that isn't terminal is *live*.
    public var isTerminal: Bool {
        self == .canceled || self == .completed || self == .error
    }

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<TrialState>([
        .from(
            .active,
            to: [
                .paused, .stoppingCanceled, .stoppingKilled, .stoppingCompleted, .stoppingError, .completed,
                .error,
            ]),
        .from(
            .paused,
            to: [.active, .stoppingCanceled, .stoppingKilled, .stoppingCompleted, .stoppingError, .error]),
        .from(
            .stoppingCompleted, to: [.completed, .stoppingCanceled, .stoppingKilled, .stoppingError, .error]),
        .from(.stoppingCanceled, to: [.canceled, .stoppingKilled, .stoppingError, .error]),
        .from(.stoppingKilled, to: [.canceled, .stoppingError, .error]),
        .from(.stoppingError, to: [.error]),
        .from(.stoppingError, to: [.active], .restartOnly),
        .from(.canceled, to: [.active], .continueOnly),
        .from(.completed, to: [.active], .continueOnly),
        .from(.error, to: [.active], .continueOnly),
    ])
}
