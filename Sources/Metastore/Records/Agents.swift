internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Agent {
    /// The agent.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: String) throws(StoreError) -> Agent {
        guard let found = try session.find(Agent.self, .text(id)) else {
            throw .notFound(path: RecordKey.agent(id).path)
        }
        return found
    }

    /// The agents of a pool, by id.
    public func list(in pool: String) throws(StoreError) -> [Agent] {
        try session.records("WHERE pool = \(pool) ORDER BY id")
    }

    /// All agents, by id.
    public func all() throws(StoreError) -> [Agent] { try session.records("ORDER BY id") }
}

extension Repository where Element == Agent, Access == Writing {
    /// Registers an agent, or one that comes back: it becomes ACTIVE, with the slots it has now.
    ///
    /// A slot that is missing now goes, unless a container is on it.
    /// - Throws: ``StoreError/notFound(path:)`` for an unknown pool; ``StoreError/refused(path:reason:)`` when a slot
    ///   with a container is missing; ``StoreError/invalid(field:reason:)``.
    @discardableResult
    public func register(_ new: NewAgent) throws(StoreError) -> Agent {
        try validating { () throws(ModelError) in try new.validate() }
        _ = try Repository<ResourcePool, Reading>(session).get(new.pool)
        let current = try session.find(Agent.self, .text(new.id))
        let slots: [Slot] = try session.records("WHERE agent = \(new.id) ORDER BY slot")
        let indexes = Set(new.slots.map(\.index))
        if let kept = slots.first(where: { $0.container != nil && !indexes.contains($0.index) }) {
            throw .refused(path: kept.recordKey.path, reason: "a container is on it; end it before the slot goes.")
        }
        return try writer.atomically { () throws(StoreError) in
            let agent = Agent(
                id: new.id, pool: new.pool, address: new.address, isEnabled: new.isEnabled, version: new.version,
                lastHeartbeat: writer.time, state: .active, createdRevision: .absent, revision: .absent)
            let stored: Agent
            if let current {
                stored = try writer.update(agent, from: current)
            } else {
                stored = try writer.insert(agent)
            }
            for slot in slots where !indexes.contains(slot.index) { try writer.delete(slot) }
            for slot in new.slots {
                let before = slots.first { $0.index == slot.index }
                let next = Slot(
                    agent: new.id, index: slot.index, device: slot.device, uuid: slot.uuid, brand: slot.brand,
                    isEnabled: slot.isEnabled, container: before?.container, createdRevision: .absent,
                    revision: .absent)
                if let before {
                    try writer.update(next, from: before)
                } else {
                    _ = try writer.insert(next)
                }
            }
            return stored
        }
    }

    /// Notes that the agent showed a sign of life. Not logged, and no new revision.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func heartbeat(_ id: String) throws(StoreError) {
        let time = Value.timestamp(writer.time.microseconds)
        guard try writer.execute("UPDATE agents SET last_heartbeat = \(time) WHERE id = \(id)") == 1 else {
            throw .notFound(path: RecordKey.agent(id).path)
        }
    }

    /// Makes the transition, if DOMAIN lists it; back to ACTIVE only by registering again.
    ///
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/notFound(path:)``.
    @discardableResult
    public func transition(_ id: String, to state: AgentState) throws(StoreError) -> Agent {
        let current = try get(id)
        if try current.state.isNoChange(to: state, path: current.recordKey.path) { return current }
        var next = current
        next.state = state
        return try writer.update(next, from: current)
    }

    /// Lets the scheduler use the agent, or not.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    @discardableResult
    public func setEnabled(_ id: String, to isEnabled: Bool) throws(StoreError) -> Agent {
        let current = try get(id)
        var next = current
        next.isEnabled = isEnabled
        return try writer.update(next, from: current)
    }
}

extension NewAgent {
    fileprivate func validate() throws(ModelError) {
        try FieldValidation.name(id, field: "id")
        try FieldValidation.text(address, field: "address", limit: Limits.nameBytes)
        try FieldValidation.text(version, field: "version", limit: Limits.nameBytes)
        guard slots.count <= Limits.slots else {
            throw .tooLarge(field: "slots", limit: Limits.slots, found: slots.count, unit: "slots")
        }
        guard Set(slots.map(\.index)).count == slots.count else {
            throw .invalid(field: "slots", reason: "two slots have the same index")
        }
        for slot in slots {
            try FieldValidation.range(slot.index, field: "slots.index", in: 0...Int64(Int32.max))
            try FieldValidation.text(slot.uuid, field: "slots.uuid", limit: Limits.nameBytes)
            try FieldValidation.text(slot.brand, field: "slots.brand", limit: Limits.nameBytes)
        }
    }
}

extension Repository where Element == Slot {
    /// An agent's slots, by index.
    public func list(of agent: String) throws(StoreError) -> [Slot] {
        try session.records("WHERE agent = \(agent) ORDER BY slot")
    }

    /// The slots of a pool that could take a container now: enabled, free, on an enabled ACTIVE agent. By agent and
    /// index.
    public func free(in pool: String) throws(StoreError) -> [Slot] {
        try session.records(
            """
            WHERE container IS NULL AND is_enabled = 1 AND agent IN (SELECT id FROM agents WHERE pool = \(pool) \
            AND is_enabled = 1 AND state = 1) ORDER BY agent, slot
            """)
    }
}

extension Repository where Element == Slot, Access == Writing {
    /// Lets the scheduler use the slot, or not. A container on it stays.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    @discardableResult
    public func setEnabled(_ agent: String, _ index: Int64, to isEnabled: Bool) throws(StoreError) -> Slot {
        guard let current = try session.find(Slot.self, .text(agent), .integer(index)) else {
            throw .notFound(path: RecordKey.slot(agent: agent, index: Int(index)).path)
        }
        var next = current
        next.isEnabled = isEnabled
        return try writer.update(next, from: current)
    }
}

extension AsyncRepository where Element == Agent {
    /// The agent.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: String) async throws -> Agent {
        try await store.readOnce { try Repository<Agent, Reading>($0).get(id) }
    }

    /// All agents, by id.
    public func all() async throws -> [Agent] {
        try await store.readOnce { try Repository<Agent, Reading>($0).all() }
    }
}

extension AsyncRepository where Element == Slot {
    /// An agent's slots, by index.
    public func list(of agent: String) async throws -> [Slot] {
        try await store.readOnce { try Repository<Slot, Reading>($0).list(of: agent) }
    }

    /// The slots of a pool that could take a container now, by agent and index.
    public func free(in pool: String) async throws -> [Slot] {
        try await store.readOnce { try Repository<Slot, Reading>($0).free(in: pool) }
    }
}
