internal import Metastore
internal import MetastoreModel

/// Gives trials their slots and takes them back: brings tasks, allocations, containers, slots and ports to
/// what the committed snapshot says.
///
/// Invariants
/// 1. An allocation, its containers, slots and ports are claimed in one transaction, and given back in one.
/// 2. It looks at what should be, not at what changed: a change that comes twice, or late, does no harm.
struct SchedulerConsumer: Sendable {
    static let name = "scheduler"

    let context: ExperimentContext

    /// Runs until it is cancelled.
    func run() async throws {
        for try await batch in context.store.changes(as: Self.name, of: .snapshots, .workloads, .trials) {
            try await batch.commit { batch, tx in
                for change in batch.changes {
                    if let (trial, reason) = ending(change) { try release(trial, reason, tx) }
                }
                try place(tx)
            }
        }
    }

    /// Whose stay on its slots a change ends, and why.
    private func ending(_ change: Change) -> (ID<Trial>, String)? {
        switch change {
        case .workload(let found):
            guard let after = found.after, after.kind == .terminate, after.state == .completed,
                found.before?.state != .completed
            else { return nil }
            return (after.trial, "terminated")
        case .trial(let found):
            guard let after = found.after, let before = found.before else { return nil }
            if after.generation > before.generation { return (after.id, "agent lost") }
            return after.state != before.state && after.state != .active ? (after.id, "trial ended") : nil
        default: return nil
        }
    }

    private func release(_ trial: ID<Trial>, _ reason: String, _ tx: borrowing Transaction) throws {
        for task in try tx.tasks.list(of: trial) {
            for allocation in try tx.allocations.list(of: task.id) where !allocation.state.isTerminal {
                try tx.allocations.transition(allocation.id, to: .terminated, reason: reason)
            }
        }
    }

    /// Places every trial that runs by the snapshot and has no allocation. One whose agent has just gone is
    /// left out: the snapshot that says so is on its way.
    private func place(_ tx: borrowing Transaction) throws {
        let snapshot = try tx.snapshots.get(context.experiment, upTo: Int64(SimulationState.version))
        let state = try context.simulation(snapshot).state
        for (request, simulated) in state.trials.sorted(by: { $0.key < $1.key }) {
            guard case .running(_, let shares, _, _) = simulated.phase else { continue }
            let trial = try context.trial(
                request, try tx.trials.find(context.experiment, requestID: request.uuid))
            let tasks = try tx.tasks.list(of: trial.id)
            var isPlaced = false
            for task in tasks {
                isPlaced = try isPlaced || tx.allocations.list(of: task.id).contains { !$0.state.isTerminal }
            }
            guard !isPlaced, let slots = try freeSlots(for: shares, tx) else { continue }
            let task = try tasks.last ?? tx.tasks.create(NewTask(kind: .trial, trial: trial.id))
            try allocate(task, shares, slots, tx)
        }
    }

    /// For each share the indexes of its slots, or nil if they can't be had now.
    private func freeSlots(for shares: [AgentShare], _ tx: borrowing Transaction) throws -> [[Int64]]? {
        var found: [[Int64]] = []
        for share in shares {
            let name = AgentName.of(share.agent)
            guard try tx.agents.get(name).state == .active else { return nil }
            let free = try tx.slots.list(of: name).filter { $0.container == nil }.prefix(share.slots)
            guard free.count == share.slots else { return nil }
            found.append(free.map(\.index))
        }
        return found
    }

    private func allocate(
        _ task: ClusterTask, _ shares: [AgentShare], _ slots: [[Int64]], _ tx: borrowing Transaction
    ) throws {
        let resources = context.configuration.resources
        let allocation = try tx.allocations.create(
            NewAllocation(
                task: task.id, pool: resources.pool, slots: Int64(resources.slotsPerTrial),
                priority: Int64(resources.priority)))
        for (share, indexes) in zip(shares, slots) {
            let name = AgentName.of(share.agent)
            _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: name, slots: indexes))
            _ = try tx.ports.reserveForTrial(gpus: share.slots, on: name, for: allocation.id)
        }
        try tx.allocations.transition(allocation.id, to: .assigned)
    }
}
