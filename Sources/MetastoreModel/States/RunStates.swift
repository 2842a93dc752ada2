/// Where an allocation stands: forward only, also by skipping.
public enum AllocationState: Int16, TransitionState {
    /// Waits for slots.
    case pending = 1
    /// Has its slots.
    case assigned = 2
    /// Its image is being pulled.
    case pulling = 3
    /// Its containers are starting.
    case starting = 4
    /// Its containers run.
    case running = 5
    /// Its containers run and wait for work.
    case waiting = 6
    /// Is being ended.
    case terminating = 7
    /// Has ended; it holds no slot and no port.
    case terminated = 8

    /// The name users know.
    public var name: String {
        switch self {
        case .pending: "PENDING"
        case .assigned: "ASSIGNED"
        case .pulling: "PULLING"
        case .starting: "STARTING"
        case .running: "RUNNING"
        case .waiting: "WAITING"
        case .terminating: "TERMINATING"
        case .terminated: "TERMINATED"
        }
    }

    /// TERMINATED.
    public var isTerminal: Bool { self == .terminated }

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<AllocationState>.forward(allCases)
}

/// Where a container stands: one by one, or straight to its end.
public enum ContainerState: Int16, TransitionState {
    /// Has an agent and slots.
    case assigned = 1
    /// Its image is being pulled.
    case pulling = 2
    /// Is starting.
    case starting = 3
    /// Runs.
    case running = 4
    /// Has ended; it holds no slot.
    case terminated = 5

    /// The name users know.
    public var name: String {
        switch self {
        case .assigned: "ASSIGNED"
        case .pulling: "PULLING"
        case .starting: "STARTING"
        case .running: "RUNNING"
        case .terminated: "TERMINATED"
        }
    }

    /// TERMINATED.
    public var isTerminal: Bool { self == .terminated }

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<ContainerState>([
        .from(.assigned, to: [.pulling, .terminated]),
        .from(.pulling, to: [.starting, .terminated]),
        .from(.starting, to: [.running, .terminated]),
        .from(.running, to: [.terminated]),
    ])
}

/// Where an agent stands.
public enum AgentState: Int16, TransitionState {
    /// Takes work.
    case active = 1
    /// Finishes its work and takes no more.
    case draining = 2
    /// Is no longer there; it may register again.
    case gone = 3

    /// The name users know.
    public var name: String {
        switch self {
        case .active: "ACTIVE"
        case .draining: "DRAINING"
        case .gone: "GONE"
        }
    }

    /// GONE.
    public var isTerminal: Bool { self == .gone }

    /// Every transition there is; the store refuses every other.
    public static let transitions = TransitionTable<AgentState>([
        .from(.active, to: [.draining, .gone]),
        .from(.draining, to: [.gone]),
        .from(.draining, to: [.active], .registrationOnly),
        .from(.gone, to: [.active], .registrationOnly),
    ])
}
