import FoundationEssentials
import Metastore
import MetastoreModel

/// A record in one line, without its times: what the store answers and what the plain model expects are compared so.
enum Summary {
    static func of(_ change: Change) -> (before: String?, after: String?) {
        switch change {
        case .experiment(let c): (c.before.map(of), c.after.map(of))
        case .trial(let c): (c.before.map(of), c.after.map(of))
        case .workload(let c): (c.before.map(of), c.after.map(of))
        case .checkpoint(let c): (c.before.map(of), c.after.map(of))
        case .snapshot(let c): (c.before.map(of), c.after.map(of))
        case .pool(let c): (c.before.map(of), c.after.map(of))
        case .agent(let c): (c.before.map(of), c.after.map(of))
        case .slot(let c): (c.before.map(of), c.after.map(of))
        case .task(let c): (c.before.map(of), c.after.map(of))
        case .allocation(let c): (c.before.map(of), c.after.map(of))
        case .container(let c): (c.before.map(of), c.after.map(of))
        case .port(let c): (c.before.map(of), c.after.map(of))
        case .instance(let c): (c.before.map(of), c.after.map(of))
        case .spotRequest(let c): (c.before.map(of), c.after.map(of))
        case .keyValue(let c): (c.before.map(of), c.after.map(of))
        case .lease(let c): (c.before.map(of), c.after.map(of))
        case .document(let c): (c.before.map { "\($0)" }, c.after.map { "\($0)" })
        case .consumer(let c): (c.before.map { "\($0)" }, c.after.map { "\($0)" })
        case .leadership(let c): (c.before.map { "\($0)" }, c.after.map { "\($0)" })
        }
    }

    static func line(_ record: some Record, _ fields: String) -> String {
        "\(record.recordKey.path): \(fields) created \(record.createdRevision) at \(record.revision)"
    }

    static func show<Wrapped>(_ value: Wrapped?) -> String { value.map { "\($0)" } ?? "-" }

    static func of(_ r: Experiment) -> String {
        line(
            r,
            """
            \(r.state) \(r.name) \(r.labels) \(r.notes) archived \(r.isArchived) pool \(r.pool) progress \
            \(show(r.progress)) \(r.smallerIsBetter) \(r.retention.experimentBest)/\(r.retention.trialBest)/\
            \(r.retention.trialLatest) external \(show(r.externalID)) ended \(r.end != nil)
            """)
    }

    static func of(_ r: Trial) -> String {
        line(
            r,
            """
            \(r.requestID.uuidString) \(r.state) \(r.hparams.text) seed \(r.seed) warm \
            \(show(r.warmStart?.uuidString)) restarts \(r.restarts) generation \(r.generation) batches \
            \(r.totalBatches) best \(show(r.bestValidation)) latest \(show(r.latestValidation)) metric \
            \(show(r.bestMetric)) at \(show(r.bestTotalBatches)) ended \(r.end != nil)
            """)
    }

    static func of(_ r: Workload) -> String {
        line(
            r,
            """
            \(r.generation) \(r.step) \(r.kind) \(r.state) batches \(r.totalBatches) \(show(r.metrics?.text)) metric \
            \(show(r.searcherMetric)) rolled back \(r.isRolledBack) ended \(r.end != nil)
            """)
    }

    static func of(_ r: Checkpoint) -> String {
        line(
            r,
            """
            \(r.number) workload \(show(r.workload)) \(r.state) batches \(r.totalBatches) \(r.storageID) \
            \(r.resources.text) size \(r.size) \(r.metadata.text) pinned \(r.isPinned)
            """)
    }

    static func of(_ r: ExperimentSnapshot) -> String { line(r, "\(r.version) \(r.content.text)") }

    static func of(_ r: ResourcePool) -> String {
        line(r, "tag \(show(r.tagKey))=\(show(r.tagValue)) \(r.minInstances)-\(r.maxInstances) spot \(r.isSpot)")
    }

    static func of(_ r: Agent) -> String { line(r, "\(r.pool) \(r.address) enabled \(r.isEnabled) \(r.state)") }

    static func of(_ r: Slot) -> String { line(r, "\(r.device) enabled \(r.isEnabled) container \(show(r.container))") }

    static func of(_ r: ClusterTask) -> String { line(r, "\(r.kind) trial \(show(r.trial)) ended \(r.end != nil)") }

    static func of(_ r: Allocation) -> String {
        line(
            r,
            "\(r.pool) \(r.state) slots \(r.slots) priority \(r.priority) \(show(r.exitReason)) ended \(r.end != nil)")
    }

    static func of(_ r: Container) -> String { line(r, "\(r.agent) \(r.slots) \(r.state)") }

    static func of(_ r: PortReservation) -> String { line(r, "\(r.allocation) \(r.purpose)") }

    static func of(_ r: Instance) -> String {
        line(
            r,
            """
            \(show(r.instanceID)) \(r.pool) \(r.tagKey)=\(r.tagValue) \(show(r.spotRequest)) \(r.state) agent \
            \(show(r.agent)) started \(r.started != nil) ended \(r.ended != nil)
            """)
    }

    static func of(_ r: SpotRequest) -> String {
        line(r, "\(show(r.requestID)) \(r.pool) \(r.state) \(show(r.maxPrice)) \(show(r.instance))")
    }

    static func of(_ r: KeyValueEntry) -> String { line(r, "\(r.value) lease \(show(r.lease))") }

    static func of(_ r: Lease) -> String { line(r, "\(r.timeToLive)") }
}

/// A refusal by its case and what it names.
struct Refusal: Error, Hashable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }

    init(_ error: StoreError) {
        description =
            switch error {
            case .notFound(let path): "not found \(path)"
            case .exists(let path, _): "exists \(path)"
            case .conflict(let path, let expected, let found): "conflict \(path) \(expected) \(found)"
            case .unexpectedState(let path, _, let found): "unexpected \(path) \(found)"
            case .transitionRefused(let path, let from, let to, let allowed):
                "transition \(path) \(from) \(to) \(allowed.joined(separator: " "))"
            case .staleGeneration(let path, let reported, let current): "stale \(path) \(reported) \(current)"
            case .reportConflict(let path, let field): "report \(path) \(field)"
            case .refused(let path, _): "refused \(path)"
            case .invalid(let field, _): "invalid \(field)"
            case .held(let path, let holder): "held \(path) by \(holder)"
            case .exhausted: "exhausted"
            case .newerSnapshot(let path, let found, let known): "newer \(path) \(found) \(known)"
            default: "other \(error)"
            }
    }
}
