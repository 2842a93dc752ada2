// Invariant (DOMAIN 3.5): a slot belongs to at most one live container. The slot's row holds the container, so that the
// database itself can't say otherwise.

internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Container {
    /// The container.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Container>) throws(StoreError) -> Container {
        guard let found = try session.find(Container.self, .integer(id.rawValue)) else {
            throw .notFound(path: "container \(id)")
        }
        return found
    }

    /// An allocation's containers, by id.
    public func list(of allocation: ID<Allocation>) throws(StoreError) -> [Container] {
        try session.records("WHERE allocation = \(allocation) ORDER BY id")
    }

    /// The containers on an agent that haven't ended, by id.
    public func unfinished(on agent: String) throws(StoreError) -> [Container] {
        try session.records("WHERE agent = \(agent) AND state <= 4 ORDER BY id")
    }
}

extension Repository where Element == Container, Access == Writing {
    /// Puts a container of an allocation on slots of an agent, and claims them.
    ///
    /// - Throws: ``StoreError/held(path:by:)`` when a slot belongs to another container;
    ///   ``StoreError/refused(path:reason:)`` when the allocation has ended, the agent is not ACTIVE or a slot is
    ///   disabled; ``StoreError/notFound(path:)``.
    public func create(_ new: NewContainer) throws(StoreError) -> Container {
        let indexes = Array(Set(new.slots)).sorted()
        guard indexes.count == new.slots.count else {
            throw .invalid(field: "slots", reason: "slots can't be stored: one is named twice.")
        }
        let allocation = try Repository<Allocation, Reading>(session).get(new.allocation)
        guard !allocation.state.isTerminal else {
            throw .refused(path: allocation.recordKey.path, reason: "it is TERMINATED.")
        }
        let agent = try Repository<Agent, Reading>(session).get(new.agent)
        guard agent.state == .active, agent.isEnabled else {
            throw .refused(path: agent.recordKey.path, reason: "it takes no containers now (\(agent.state.name)).")
        }
        var slots: [Slot] = []
        for index in indexes {
            guard let slot = try session.find(Slot.self, .text(new.agent), .integer(index)) else {
                throw .notFound(path: RecordKey.slot(agent: new.agent, index: Int(index)).path)
            }
            if let holder = slot.container { throw .held(path: slot.recordKey.path, by: "container \(holder)") }
            guard slot.isEnabled else { throw .refused(path: slot.recordKey.path, reason: "it is disabled.") }
            slots.append(slot)
        }
        return try writer.atomically { () throws(StoreError) in
            let container = try writer.insert(
                Container(
                    id: ID(rawValue: writer.head.take(.container)), task: allocation.task, allocation: new.allocation,
                    agent: new.agent, slots: indexes, state: .assigned, createdRevision: .absent, revision: .absent))
            for slot in slots {
                var claimed = slot
                claimed.container = container.id
                try writer.update(claimed, from: slot)
            }
            return container
        }
    }

    /// Moves a container forward, one by one or straight to TERMINATED, which gives back its slots.
    ///
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/notFound(path:)``.
    @discardableResult
    public func transition(_ id: ID<Container>, to state: ContainerState) throws(StoreError) -> Container {
        let current = try get(id)
        if try current.state.isNoChange(to: state, path: current.recordKey.path) { return current }
        return try writer.atomically { () throws(StoreError) in
            var next = current
            next.state = state
            if state.isTerminal {
                let slots: [Slot] = try session.records(
                    "WHERE container = \(id) AND container IS NOT NULL ORDER BY agent, slot")
                for slot in slots {
                    var free = slot
                    free.container = nil
                    try writer.update(free, from: slot)
                }
            }
            return try writer.update(next, from: current)
        }
    }
}
