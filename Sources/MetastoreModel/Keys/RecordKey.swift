public import FoundationEssentials

/// The one hierarchical key of a record: what it is read, watched and inspected by, whatever its kind.
///
/// 1. ``path`` and ``init(path:)`` are exact inverses; equal keys have equal paths and only they.
/// 2. Keys are equal, hash and order by the bytes of their texts: two spellings of "é" are two keys, as in a
///    database.
/// 3. A record orders directly before all that is below it, numbers by value.
public enum RecordKey: Sendable {
    /// `experiments/1`
    case experiment(ID<Experiment>)
    /// `experiments/1/trials/3`
    case trial(experiment: ID<Experiment>, ID<Trial>)
    /// `experiments/1/trials/3/workloads/17`
    case workload(experiment: ID<Experiment>, trial: ID<Trial>, ID<Workload>)
    /// `experiments/1/trials/3/checkpoints/<uuid>`
    case checkpoint(experiment: ID<Experiment>, trial: ID<Trial>, UUID)
    /// `experiments/1/snapshot`
    case snapshot(experiment: ID<Experiment>)
    /// `pools/<name>`
    case pool(String)
    /// `agents/<id>`
    case agent(String)
    /// `agents/<id>/slots/0`
    case slot(agent: String, index: Int)
    /// `tasks/<id>`
    case task(ID<ClusterTask>)
    /// `tasks/<id>/allocations/2`
    case allocation(task: ID<ClusterTask>, ID<Allocation>)
    /// `tasks/<id>/allocations/2/containers/<id>`
    case container(task: ID<ClusterTask>, allocation: ID<Allocation>, ID<Container>)
    /// `ports/<host>/<port>`
    case port(host: String, port: Int)
    /// `instances/<client token>`
    case instance(clientToken: String)
    /// `spot-requests/<client token>`
    case spotRequest(clientToken: String)
    /// `kv/<namespace>/<key>`; the key is one segment, its slashes are encoded
    case keyValue(namespace: String, key: String)
    /// `leases/<id>`
    case lease(ID<Lease>)
    /// `documents/<hash>`
    case document(DocumentHash)
    /// `consumers/<name>`
    case consumer(String)
    /// `leadership`
    case leadership
    /// `cluster`
    case cluster

    /// What kind of record the key is of.
    public var kind: RecordKind {
        switch self {
        case .experiment: .experiment
        case .trial: .trial
        case .workload: .workload
        case .checkpoint: .checkpoint
        case .snapshot: .snapshot
        case .pool: .pool
        case .agent: .agent
        case .slot: .slot
        case .task: .task
        case .allocation: .allocation
        case .container: .container
        case .port: .port
        case .instance: .instance
        case .spotRequest: .spotRequest
        case .keyValue: .keyValue
        case .lease: .lease
        case .document: .document
        case .consumer: .consumer
        case .leadership: .leadership
        case .cluster: .cluster
        }
    }
}

extension RecordKey: LosslessStringConvertible {
    /// Same as ``path``.
    public var description: String { path }

    /// Same as ``init(path:)``.
    public init?(_ description: String) {
        self.init(path: description)
    }
}

extension RecordKey: Codable {
    /// Reads a path.
    public init(from decoder: any Decoder) throws {
        self = try decoder.lossless("the path of a record, such as experiments/1/trials/3")
    }

    /// Writes ``path``.
    public func encode(to encoder: any Encoder) throws {
        try path.encode(to: encoder)
    }
}
