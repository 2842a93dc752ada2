internal import MetastoreModel

extension WorkloadKind {
    /// The same kind, in the store's type.
    var stored: MetastoreModel.WorkloadKind {
        switch self {
        case .runStep: .runStep
        case .validate: .computeValidationMetrics
        case .checkpoint: .checkpointModel
        case .terminate: .terminate
        }
    }
}

extension HyperparameterValue {
    /// The value as the store keeps it.
    var json: JSON {
        switch self {
        case .integer(let value): .integer(Int64(value))
        case .number(let value): .number(value)
        case .text(let value): .string(value)
        case .flag(let value): .bool(value)
        }
    }

    /// A value that was stored; nil for what no hyperparameter is.
    init?(_ json: JSON) {
        switch json {
        case .integer(let value): self = .integer(Int(value))
        case .number(let value): self = .number(value)
        case .string(let value): self = .text(value)
        case .bool(let value): self = .flag(value)
        case .null, .array, .object: return nil
        }
    }
}

extension JSONObject {
    /// The hyperparameters of a stored trial.
    var hyperparameters: Hyperparameters {
        Dictionary(values.compactMap { name, value in HyperparameterValue(value).map { (name, $0) } }) { $1 }
    }
}

/// What an agent is called in the store.
enum AgentName {
    static func of(_ agent: Int) -> String { "agent-\(agent)" }

    /// The agent's number, if it is one of ours.
    static func number(of name: String) -> Int? {
        guard name.hasPrefix("agent-") else { return nil }
        return Int(name.dropFirst("agent-".count))
    }
}
