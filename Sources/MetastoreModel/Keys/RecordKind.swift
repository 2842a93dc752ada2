/// The kinds of record there are. The numbers are in logs and archives and are fixed for ever.
public enum RecordKind: UInt8, CaseIterable, Sendable, Codable {
    /// An experiment.
    case experiment = 1
    /// A trial of an experiment.
    case trial = 2
    /// A workload of a trial.
    case workload = 3
    /// A checkpoint of a trial.
    case checkpoint = 4
    /// The searcher's state of an experiment.
    case snapshot = 5
    /// A resource pool.
    case pool = 6
    /// An agent.
    case agent = 7
    /// A slot of an agent.
    case slot = 8
    /// A task.
    case task = 9
    /// A run of a task on slots.
    case allocation = 10
    /// A container of an allocation.
    case container = 11
    /// A reserved port of a host.
    case port = 12
    /// An instance that the provisioner asked for or found.
    case instance = 13
    /// A spot request that the provisioner made.
    case spotRequest = 14
    /// A key-value entry.
    case keyValue = 15
    /// A lease that key-value entries may hang on.
    case lease = 16
    /// A content-addressed document.
    case document = 17
    /// A named reader of the feed.
    case consumer = 18
    /// Who leads.
    case leadership = 19
    /// The one row about the cluster.
    case cluster = 20

    /// The name in paths and on command lines, plural where there are many: `experiments`, `spot-requests`,
    /// `kv`.
    public var name: String {
        switch self {
        case .experiment: "experiments"
        case .trial: "trials"
        case .workload: "workloads"
        case .checkpoint: "checkpoints"
        case .snapshot: "snapshots"
        case .pool: "pools"
        case .agent: "agents"
        case .slot: "slots"
        case .task: "tasks"
        case .allocation: "allocations"
        case .container: "containers"
        case .port: "ports"
        case .instance: "instances"
        case .spotRequest: "spot-requests"
        case .keyValue: "kv"
        case .lease: "leases"
        case .document: "documents"
        case .consumer: "consumers"
        case .leadership: "leadership"
        case .cluster: "cluster"
        }
    }

    /// The kind with the given ``name``.
    public init?(name: String) {
        guard let kind = RecordKind.allCases.first(where: { $0.name == name }) else { return nil }
        self = kind
    }
}

/// A set of kinds, as one mask that a log record is tested against: bit n stands for the kind with number n.
public struct RecordKinds: OptionSet, Sendable, Hashable, Codable {
    /// The mask, as it is stored.
    public let rawValue: UInt64

    /// The set with the given mask; bits that stand for no kind are kept.
    public init(rawValue: UInt64) {
        self.rawValue = rawValue
    }

    /// The set of one kind.
    public init(_ kind: RecordKind) {
        rawValue = 1 << UInt64(kind.rawValue)
    }

    /// Experiments.
    public static let experiments = RecordKinds(.experiment)
    /// Trials.
    public static let trials = RecordKinds(.trial)
    /// Workloads.
    public static let workloads = RecordKinds(.workload)
    /// Checkpoints.
    public static let checkpoints = RecordKinds(.checkpoint)
    /// Searcher snapshots.
    public static let snapshots = RecordKinds(.snapshot)
    /// Resource pools.
    public static let pools = RecordKinds(.pool)
    /// Agents.
    public static let agents = RecordKinds(.agent)
    /// Slots.
    public static let slots = RecordKinds(.slot)
    /// Tasks.
    public static let tasks = RecordKinds(.task)
    /// Allocations.
    public static let allocations = RecordKinds(.allocation)
    /// Containers.
    public static let containers = RecordKinds(.container)
    /// Port reservations.
    public static let ports = RecordKinds(.port)
    /// Instances.
    public static let instances = RecordKinds(.instance)
    /// Spot requests.
    public static let spotRequests = RecordKinds(.spotRequest)
    /// Key-value entries.
    public static let keyValue = RecordKinds(.keyValue)
    /// Leases.
    public static let leases = RecordKinds(.lease)
    /// Documents.
    public static let documents = RecordKinds(.document)
    /// Consumers.
    public static let consumers = RecordKinds(.consumer)
    /// The leadership.
    public static let leadership = RecordKinds(.leadership)
    /// The cluster.
    public static let cluster = RecordKinds(.cluster)
    /// Every kind there is.
    public static let all = RecordKinds(RecordKind.allCases)

    /// The set of the given kinds.
    public init(_ kinds: some Sequence<RecordKind>) {
        self = kinds.reduce(into: []) { $0.insert(RecordKinds($1)) }
    }

    /// Whether the set has the kind.
    public func contains(_ kind: RecordKind) -> Bool {
        rawValue & 1 << UInt64(kind.rawValue) != 0
    }

    /// The kinds in the set, by number.
    public var kinds: [RecordKind] {
        RecordKind.allCases.filter(contains)
    }
}

extension RecordKind: CustomStringConvertible {
    /// Same as ``name``.
    public var description: String { name }
}

extension RecordKinds: CustomStringConvertible {
    /// The names with commas between them.
    public var description: String {
        kinds.map(\.name).joined(separator: ",")
    }
}
