import FoundationEssentials

/// The records of DOMAIN section 1 as plain values of this test: nothing of the store's own is used here.
protocol PlainRow {
    var path: String { get }
    var fields: String { get }
    /// Different for a row that went and came back.
    var birth: Int { get }
}

private func show<Wrapped>(_ value: Wrapped?) -> String { value.map { "\($0)" } ?? "-" }

struct PlainExperiment: PlainRow {
    var birth: Int
    var id: Int64
    var state: String
    var name: String
    var labels: [String]
    var notes = ""
    var isArchived = false
    var pool: String
    var progress: Double?
    var smallerIsBetter: Bool
    var best: Int
    var trialBest: Int
    var trialLatest: Int
    var externalID: String?
    var hasEnded = false
    var isTerminal: Bool { ["CANCELED", "COMPLETED", "ERROR"].contains(state) }
    var isBeingDeleted: Bool { state == "DELETING" || state == "DELETE_FAILED" }
    var path: String { "experiments/\(id)" }
    var fields: String {
        """
        \(state) \(name) \(labels) \(notes) archived \(isArchived) pool \(pool) progress \(show(progress)) \
        \(smallerIsBetter) \(best)/\(trialBest)/\(trialLatest) external \(show(externalID)) ended \(hasEnded)
        """
    }
}

struct PlainTrial: PlainRow {
    var birth: Int
    var id: Int64
    var experiment: Int64
    var requestID: UUID
    var state = "ACTIVE"
    var hparams: String
    var seed: Int64
    var warmStart: UUID?
    var restarts: Int64 = 0
    var generation: Int64 = 0
    var totalBatches: Int64 = 0
    var best: Int64?
    var latest: Int64?
    var metric: Double?
    var metricBatches: Int64?
    var hasEnded = false
    var isLive: Bool { !["CANCELED", "COMPLETED", "ERROR"].contains(state) }
    var path: String { "experiments/\(experiment)/trials/\(id)" }
    var fields: String {
        """
        \(requestID.uuidString) \(state) \(hparams) seed \(seed) warm \(show(warmStart?.uuidString)) restarts \
        \(restarts) generation \(generation) batches \(totalBatches) best \(show(best)) latest \(show(latest)) metric \
        \(show(metric)) at \(show(metricBatches)) ended \(hasEnded)
        """
    }
}

struct PlainWorkload: PlainRow {
    var birth: Int
    var id: Int64
    var experiment: Int64
    var trial: Int64
    var generation: Int64
    var step: Int64
    var kind: String
    var state: String
    var totalBatches: Int64
    var metrics: String?
    var metric: Double?
    var isRolledBack = false
    var hasEnded: Bool { state != "ACTIVE" }
    var path: String { "experiments/\(experiment)/trials/\(trial)/workloads/\(id)" }
    var fields: String {
        """
        \(generation) \(step) \(kind) \(state) batches \(totalBatches) \(show(metrics)) metric \(show(metric)) rolled \
        back \(isRolledBack) ended \(hasEnded)
        """
    }
}

struct PlainCheckpoint: PlainRow {
    var birth: Int
    var number: Int64
    var uuid: UUID
    var experiment: Int64
    var trial: Int64
    var workload: Int64?
    var state: String
    var totalBatches: Int64
    var storage: String
    var files: [String: Int64]
    var metadata: String
    var isPinned = false
    var path: String { "experiments/\(experiment)/trials/\(trial)/checkpoints/\(uuid.uuidString.lowercased())" }
    var fields: String {
        let text =
            "{" + files.sorted { $0.key < $1.key }.map { "\"\($0.key)\":\($0.value)" }.joined(separator: ",") + "}"
        return """
            \(number) workload \(show(workload)) \(state) batches \(totalBatches) \(storage) \(text) size \
            \(files.values.reduce(0, +)) \(metadata) pinned \(isPinned)
            """
    }
}

struct PlainSnapshot: PlainRow {
    var birth: Int
    var experiment: Int64
    var version: Int64
    var content: String
    var path: String { "experiments/\(experiment)/snapshot" }
    var fields: String { "\(version) \(content)" }
}

struct PlainPool: PlainRow {
    var birth: Int
    var name: String
    var tag: [String]?
    var min: Int64
    var max: Int64
    var isSpot: Bool
    var path: String { "pools/\(name)" }
    var fields: String { "tag \(show(tag?[0]))=\(show(tag?[1])) \(min)-\(max) spot \(isSpot)" }
}

struct PlainAgent: PlainRow {
    var birth: Int
    var id: String
    var pool: String
    var address: String
    var isEnabled: Bool
    var state = "ACTIVE"
    var path: String { "agents/\(id)" }
    var fields: String { "\(pool) \(address) enabled \(isEnabled) \(state)" }
}

struct PlainSlot: PlainRow {
    var birth: Int
    var agent: String
    var index: Int64
    var isEnabled: Bool
    var container: Int64?
    var path: String { "agents/\(agent)/slots/\(index)" }
    var fields: String { "GPU enabled \(isEnabled) container \(show(container))" }
}

struct PlainTask: PlainRow {
    var birth: Int
    var id: Int64
    var kind: String
    var trial: Int64?
    var hasEnded = false
    var path: String { "tasks/\(id)" }
    var fields: String { "\(kind) trial \(show(trial)) ended \(hasEnded)" }
}

struct PlainAllocation: PlainRow {
    var birth: Int
    var id: Int64
    var task: Int64
    var pool: String
    var state = "PENDING"
    var slots: Int64
    var priority: Int64
    var reason: String?
    var path: String { "tasks/\(task)/allocations/\(id)" }
    var fields: String {
        "\(pool) \(state) slots \(slots) priority \(priority) \(show(reason)) ended \(state == "TERMINATED")"
    }
}

struct PlainContainer: PlainRow {
    var birth: Int
    var id: Int64
    var task: Int64
    var allocation: Int64
    var agent: String
    var slots: [Int64]
    var state = "ASSIGNED"
    var path: String { "tasks/\(task)/allocations/\(allocation)/containers/\(id)" }
    var fields: String { "\(agent) \(slots) \(state)" }
}

struct PlainPort: PlainRow {
    var birth: Int
    var host: String
    var port: Int64
    var allocation: Int64
    var purpose: String
    var path: String { "ports/\(host)/\(port)" }
    var fields: String { "\(allocation) \(purpose)" }
}

struct PlainInstance: PlainRow {
    var birth: Int
    var token: String
    var cloudID: String?
    var pool: String
    var tag: [String]
    var spotRequest: String?
    var state: String
    var agent: String?
    var hasStarted: Bool
    var hasEnded: Bool
    var path: String { "instances/\(token)" }
    var fields: String {
        """
        \(show(cloudID)) \(pool) \(tag[0])=\(tag[1]) \(show(spotRequest)) \(state) agent \(show(agent)) started \
        \(hasStarted) ended \(hasEnded)
        """
    }
}

struct PlainSpotRequest: PlainRow {
    var birth: Int
    var token: String
    var requestID: String?
    var pool: String
    var state = "PENDING"
    var price: Double?
    var instance: String?
    var path: String { "spot-requests/\(token)" }
    var fields: String { "\(show(requestID)) \(pool) \(state) \(show(price)) \(show(instance))" }
}

struct PlainEntry: PlainRow {
    var birth: Int
    var namespace: String
    var key: String
    var value: [UInt8]
    var lease: Int64?
    var path: String { "kv/\(namespace)/\(key)" }
    var fields: String { "\(value) lease \(show(lease))" }
}

struct PlainLease: PlainRow {
    var birth: Int
    var id: Int64
    var timeToLive: Duration
    var path: String { "leases/\(id)" }
    var fields: String { "\(timeToLive)" }
}
