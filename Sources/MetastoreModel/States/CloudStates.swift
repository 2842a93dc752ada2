/// Where an instance stands: forward only, also by skipping.
public enum InstanceState: Int16, TransitionState {
    /// Is about to be asked for, or was: the cloud may not know of it.
    case requested = 1
    /// The cloud is starting it.
    case starting = 2
    /// Runs.
    case running = 3
    /// Is being stopped.
    case stopping = 4
    /// Has ended.
    case terminated = 5

    /// The name users know.
    public var name: String {
        switch self {
        case .requested: "REQUESTED"
        case .starting: "STARTING"
        case .running: "RUNNING"
        case .stopping: "STOPPING"
        case .terminated: "TERMINATED"
        }
    }

    /// TERMINATED.
    public var isTerminal: Bool { self == .terminated }

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<InstanceState>.forward(allCases)
}

/// Where a spot request stands.
public enum SpotRequestState: Int16, TransitionState {
    /// Waits for the cloud.
    case pending = 1
    /// Has an instance.
    case fulfilled = 2
    /// Was taken back; the cloud may still win that race and fulfil it.
    case canceled = 3
    /// Was refused.
    case failed = 4

    /// The name users know.
    public var name: String {
        switch self {
        case .pending: "PENDING"
        case .fulfilled: "FULFILLED"
        case .canceled: "CANCELED"
        case .failed: "FAILED"
        }
    }

    /// CANCELED or FAILED.
    public var isTerminal: Bool { self == .canceled || self == .failed }

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<SpotRequestState>([
        .from(.pending, to: [.fulfilled, .canceled, .failed]),
        .from(.fulfilled, to: [.canceled]),
        .from(.canceled, to: [.fulfilled]),
    ])
}
