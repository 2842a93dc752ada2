/// The transitions of DOMAIN section 2, copied from its tables.
enum PlainStates {
    /// Always allowed, in the order in which an error lists them (that of the states).
    static let experiment: [String: [String]] = [
        "ACTIVE": ["PAUSED", "STOPPING_CANCELED", "STOPPING_KILLED", "STOPPING_COMPLETED", "STOPPING_ERROR", "ERROR"],
        "PAUSED": ["ACTIVE", "STOPPING_CANCELED", "STOPPING_KILLED", "STOPPING_COMPLETED", "STOPPING_ERROR", "ERROR"],
        "STOPPING_CANCELED": ["STOPPING_KILLED", "STOPPING_ERROR", "CANCELED", "ERROR"],
        "STOPPING_KILLED": ["STOPPING_ERROR", "CANCELED", "ERROR"],
        "STOPPING_COMPLETED": ["STOPPING_ERROR", "COMPLETED", "ERROR"],
        "STOPPING_ERROR": ["ERROR"],
    ]
    static let trial: [String: [String]] = [
        "ACTIVE": [
            "PAUSED", "STOPPING_CANCELED", "STOPPING_KILLED", "STOPPING_COMPLETED", "STOPPING_ERROR", "COMPLETED",
            "ERROR",
        ],
        "PAUSED": ["ACTIVE", "STOPPING_CANCELED", "STOPPING_KILLED", "STOPPING_COMPLETED", "STOPPING_ERROR", "ERROR"],
        "STOPPING_COMPLETED": ["STOPPING_CANCELED", "STOPPING_KILLED", "STOPPING_ERROR", "COMPLETED", "ERROR"],
        "STOPPING_CANCELED": ["STOPPING_KILLED", "STOPPING_ERROR", "CANCELED", "ERROR"],
        "STOPPING_KILLED": ["STOPPING_ERROR", "CANCELED", "ERROR"],
        "STOPPING_ERROR": ["ERROR"],
    ]
    static let checkpoint: [String: [String]] = [
        "ACTIVE": ["COMPLETED", "ERROR"],
        "COMPLETED": ["PARTIALLY_DELETED", "DELETED"],
        "PARTIALLY_DELETED": ["PARTIALLY_DELETED", "DELETED"],
    ]
    static let container: [String: [String]] = [
        "ASSIGNED": ["PULLING", "TERMINATED"], "PULLING": ["STARTING", "TERMINATED"],
        "STARTING": ["RUNNING", "TERMINATED"], "RUNNING": ["TERMINATED"],
    ]
    static let agent: [String: [String]] = ["ACTIVE": ["DRAINING", "GONE"], "DRAINING": ["GONE"]]
    static let spotRequest: [String: [String]] = [
        "PENDING": ["FULFILLED", "CANCELED", "FAILED"], "FULFILLED": ["CANCELED"], "CANCELED": ["FULFILLED"],
    ]
    static let allocation = forward([
        "PENDING", "ASSIGNED", "PULLING", "STARTING", "RUNNING", "WAITING", "TERMINATING", "TERMINATED",
    ])
    static let instance = forward(["REQUESTED", "STARTING", "RUNNING", "STOPPING", "TERMINATED"])

    private static func forward(_ states: [String]) -> [String: [String]] {
        Dictionary(uniqueKeysWithValues: states.indices.map { (states[$0], Array(states[($0 + 1)...])) })
    }
}
