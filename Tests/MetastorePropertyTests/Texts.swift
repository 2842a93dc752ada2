import FoundationEssentials
import MetastoreModel

/// Every text that a record holds; nil where one may stand and none does.
enum Texts {
    static func of(_ change: Change) -> [[String?]] {
        switch change {
        case .experiment(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .trial(let c): [c.before, c.after].compactMap { $0.map { of($0.hparams) } }
        case .workload(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .checkpoint(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .snapshot(let c): [c.before, c.after].compactMap { $0.map { of($0.content) } }
        case .pool(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .agent(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .slot(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .allocation(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .container(let c): [c.before, c.after].compactMap { $0.map { [$0.agent] } }
        case .port(let c): [c.before, c.after].compactMap { $0.map { [$0.host] } }
        case .instance(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .spotRequest(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .keyValue(let c): [c.before, c.after].compactMap { $0.map(of) }
        case .consumer(let c): [c.before, c.after].compactMap { $0.map { [$0.name] } }
        case .leadership(let c): [c.after].compactMap { $0.map { [$0.holder] } }
        case .task, .lease, .document: []
        }
    }

    static func of(_ r: Experiment) -> [String?] {
        [r.name, r.notes, r.owner, r.pool, r.metric, r.externalID] + r.labels
    }

    static func of(_ r: Workload) -> [String?] { r.metrics.map { Array($0.values.keys) } ?? [nil] }

    static func of(_ r: Checkpoint) -> [String?] { [r.storageID] + Array(r.resources.values.keys) + of(r.metadata) }

    static func of(_ r: ResourcePool) -> [String?] {
        [r.name, r.instanceType, r.tagKey, r.tagValue] + (r.provider.map(of) ?? [nil])
    }

    static func of(_ r: Agent) -> [String?] { [r.id, r.pool, r.address, r.version] }

    static func of(_ r: Slot) -> [String?] { [r.agent, r.uuid, r.brand] }

    static func of(_ r: Allocation) -> [String?] { [r.pool, r.exitReason] }

    static func of(_ r: Instance) -> [String?] {
        [r.clientToken, r.instanceID, r.pool, r.tagKey, r.tagValue, r.type, r.spotRequest, r.agent]
    }

    static func of(_ r: SpotRequest) -> [String?] { [r.clientToken, r.requestID, r.pool, r.instance] }

    static func of(_ r: KeyValueEntry) -> [String?] { [r.namespace, r.key, String(decoding: r.value, as: UTF8.self)] }

    /// Names and texts, however deep.
    static func of(_ object: JSONObject) -> [String?] { object.values.flatMap { [$0.key] + of($0.value) } }

    private static func of(_ json: JSON) -> [String?] {
        switch json {
        case .string(let text): [text]
        case .array(let elements): elements.flatMap { of($0) }
        case .object(let values): values.flatMap { [$0.key] + of($0.value) }
        default: []
        }
    }
}
