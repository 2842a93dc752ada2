import FoundationEssentials

/// Pools, agents, tasks, what runs on what, ports, and what the cloud was asked for, as DOMAIN has them.
extension PlainStore {
    func pool(_ name: String) throws(Refusal) -> PlainPool {
        guard let found = pools[name] else { throw Refusal("not found pools/\(name)") }
        return found
    }

    mutating func putPool(_ new: PlainPool) throws(Refusal) -> String {
        if new.max < new.min { throw Refusal("invalid maxInstances") }
        if let other = pools.values.first(where: { $0.name != new.name && $0.tag != nil && $0.tag == new.tag }) {
            throw Refusal("held tag \(new.path) by \(other.path)")
        }
        var pool = new
        pool.birth = pools[new.name]?.birth ?? birth()
        pools[new.name] = pool
        return pool.path
    }

    mutating func deletePool(_ name: String) throws(Refusal) {
        let pool = try pool(name)
        let isUsed =
            agents.values.contains { $0.pool == name } || allocations.values.contains { $0.pool == name }
            || instances.values.contains { $0.pool == name } || spotRequests.values.contains { $0.pool == name }
        if isUsed { throw Refusal("refused \(pool.path)") }
        pools[name] = nil
    }

    // MARK: Agents

    mutating func register(_ new: PlainAgent, slots indexes: [Int64: Bool]) throws(Refusal) -> String {
        if new.id.isEmpty { throw Refusal("invalid id") }
        _ = try pool(new.pool)
        let present = slots.values.filter { $0.agent == new.id }.sorted { $0.index < $1.index }
        if let kept = present.first(where: { $0.container != nil && indexes[$0.index] == nil }) {
            throw Refusal("refused \(kept.path)")
        }
        var agent = new
        agent.birth = agents[new.id]?.birth ?? birth()
        agent.state = "ACTIVE"
        agents[new.id] = agent
        for slot in present where indexes[slot.index] == nil { slots[slot.path] = nil }
        for (index, isEnabled) in indexes {
            var slot = PlainSlot(birth: 0, agent: new.id, index: index, isEnabled: isEnabled)
            slot.birth = slots[slot.path]?.birth ?? birth()
            slot.container = slots[slot.path]?.container
            slots[slot.path] = slot
        }
        return agent.path
    }

    func agent(_ id: String) throws(Refusal) -> PlainAgent {
        guard let found = agents[id] else { throw Refusal("not found agents/\(id)") }
        return found
    }

    mutating func moveAgent(_ id: String, to state: String) throws(Refusal) -> String {
        let agent = try agent(id)
        try check(agent.path, agent.state, state, PlainStates.agent)
        agents[id]!.state = state
        return agent.path
    }

    // MARK: Tasks

    mutating func createTask(_ kind: String, trial id: Int64?) throws(Refusal) -> String {
        if (kind == "TRIAL") != (id != nil) { throw Refusal("invalid trial") }
        if let id { _ = try trial(id) }
        let task = PlainTask(birth: birth(), id: self.id("task"), kind: kind, trial: id)
        tasks[task.id] = task
        return task.path
    }

    func task(_ id: Int64) throws(Refusal) -> PlainTask {
        guard let found = tasks[id] else { throw Refusal("not found tasks/\(id)") }
        return found
    }

    mutating func endTask(_ id: Int64) throws(Refusal) -> String {
        let task = try task(id)
        if !task.hasEnded, allocations.values.contains(where: { $0.task == id && $0.state != "TERMINATED" }) {
            throw Refusal("refused \(task.path)")
        }
        tasks[id]!.hasEnded = true
        return task.path
    }

    func allocation(_ id: Int64) throws(Refusal) -> PlainAllocation {
        guard let found = allocations[id] else { throw Refusal("not found allocation \(id)") }
        return found
    }

    mutating func createAllocation(_ new: PlainAllocation) throws(Refusal) -> String {
        if new.slots < 0 { throw Refusal("invalid slots") }
        let task = try task(new.task)
        if task.hasEnded { throw Refusal("refused \(task.path)") }
        _ = try pool(new.pool)
        var allocation = new
        allocation.birth = birth()
        allocation.id = id("allocation")
        allocations[allocation.id] = allocation
        return allocation.path
    }

    mutating func moveAllocation(_ id: Int64, to state: String, reason: String?) throws(Refusal) -> String {
        let allocation = try allocation(id)
        try check(allocation.path, allocation.state, state, PlainStates.allocation)
        if allocation.state == state { return allocation.path }
        allocations[id]!.state = state
        if state == "TERMINATED" {
            allocations[id]!.reason = reason
            for container in containers.values where container.allocation == id { end(container.id) }
            ports = ports.filter { $0.value.allocation != id }
        }
        return allocation.path
    }

    mutating func createContainer(
        _ id: Int64, agent name: String, slots indexes: [Int64]
    ) throws(Refusal) -> String {
        if Set(indexes).count != indexes.count { throw Refusal("invalid slots") }
        let allocation = try allocation(id)
        if allocation.state == "TERMINATED" { throw Refusal("refused \(allocation.path)") }
        let agent = try agent(name)
        guard agent.state == "ACTIVE", agent.isEnabled else { throw Refusal("refused \(agent.path)") }
        for index in indexes.sorted() {
            let path = "\(agent.path)/slots/\(index)"
            guard let slot = slots[path] else { throw Refusal("not found \(path)") }
            if let holder = slot.container { throw Refusal("held \(path) by container \(holder)") }
            if !slot.isEnabled { throw Refusal("refused \(path)") }
        }
        let container = PlainContainer(
            birth: birth(), id: self.id("container"), task: allocation.task, allocation: id, agent: name,
            slots: indexes.sorted())
        containers[container.id] = container
        for index in indexes { slots["\(agent.path)/slots/\(index)"]!.container = container.id }
        return container.path
    }

    private mutating func end(_ id: Int64) {
        containers[id]!.state = "TERMINATED"
        for slot in slots.values where slot.container == id { slots[slot.path]!.container = nil }
    }

    mutating func moveContainer(_ id: Int64, to state: String) throws(Refusal) -> String {
        guard let container = containers[id] else { throw Refusal("not found container \(id)") }
        try check(container.path, container.state, state, PlainStates.container)
        if state == "TERMINATED" { end(id) } else { containers[id]!.state = state }
        return container.path
    }

    // MARK: Ports

    /// Whether an ephemeral reservation may take it: none that belongs to another purpose.
    private static func isFreeForAll(_ port: Int64) -> Bool {
        !(2600...3599).contains(port) && ![1734, 1750, 12350, 12355, 29500, 29400].contains(port)
    }

    private func owner(_ id: Int64) throws(Refusal) -> PlainAllocation {
        let allocation = try allocation(id)
        if allocation.state == "TERMINATED" { throw Refusal("refused \(allocation.path)") }
        return allocation
    }

    mutating func reservePorts(
        _ purpose: String, _ count: Int, _ host: String, for id: Int64, in range: ClosedRange<Int64>, isEphemeral: Bool
    ) throws(Refusal) -> [String] {
        if count < 1 { throw Refusal("invalid count") }
        _ = try owner(id)
        let free = range.filter { port in
            ports["ports/\(host)/\(port)"] == nil && (!isEphemeral || Self.isFreeForAll(port))
        }.prefix(count)
        if free.count < count { throw Refusal("exhausted") }
        return free.map { port in
            let row = PlainPort(birth: birth(), host: host, port: port, allocation: id, purpose: purpose)
            ports[row.path] = row
            return row.path
        }
    }

    mutating func claimPort(
        _ port: Int64, _ purpose: String, _ host: String, for id: Int64, isAllowed: Bool
    ) throws(Refusal) -> String {
        guard isAllowed else { throw Refusal("invalid port") }
        _ = try owner(id)
        let path = "ports/\(host)/\(port)"
        if let held = ports[path] {
            if held.allocation == id, held.purpose == purpose { return path }
            throw Refusal("held \(path) by allocation \(held.allocation)")
        }
        ports[path] = PlainPort(birth: birth(), host: host, port: port, allocation: id, purpose: purpose)
        return path
    }

    // MARK: The cloud

    mutating func createInstance(_ new: PlainInstance) throws(Refusal) -> String {
        let pool = try pool(new.pool)
        if new.token.isEmpty { throw Refusal("invalid clientToken") }
        if let other = instances[new.token] { throw Refusal("held \(other.path) by an instance of pool \(other.pool)") }
        if let cloud = new.cloudID, let other = instances.values.first(where: { $0.cloudID == cloud }) {
            throw Refusal("held cloud id of \(new.path) by \(other.path)")
        }
        if let token = new.spotRequest, spotRequests[token] == nil { throw Refusal("not found spot-requests/\(token)") }
        var instance = new
        instance.birth = birth()
        instance.tag = pool.tag ?? ["", ""]
        instance.hasStarted = new.state == "RUNNING"
        instance.hasEnded = new.state == "TERMINATED"
        instances[new.token] = instance
        return new.path
    }

    mutating func moveInstance(
        _ token: String, to state: String, cloudID: String?, agent: String?
    ) throws(Refusal) -> String {
        guard var instance = instances[token] else { throw Refusal("not found instances/\(token)") }
        try check(instance.path, instance.state, state, PlainStates.instance)
        if let cloudID {
            if let known = instance.cloudID, known != cloudID { throw Refusal("report \(instance.path) cloud id") }
            if let other = instances.values.first(where: { $0.cloudID == cloudID && $0.token != token }) {
                throw Refusal("held cloud id of \(instance.path) by \(other.path)")
            }
            instance.cloudID = cloudID
        }
        instance.state = state
        if let agent { instance.agent = agent }
        if state == "RUNNING" { instance.hasStarted = true }
        if state == "TERMINATED" { instance.hasEnded = true }
        instances[token] = instance
        return instance.path
    }

    mutating func createSpotRequest(_ new: PlainSpotRequest) throws(Refusal) -> String {
        if let price = new.price, !price.isFinite { throw Refusal("invalid maxPrice") }
        _ = try pool(new.pool)
        if let other = spotRequests[new.token] {
            throw Refusal("held \(other.path) by a spot request of pool \(other.pool)")
        }
        var request = new
        request.birth = birth()
        spotRequests[new.token] = request
        return request.path
    }

    mutating func moveSpotRequest(
        _ token: String, to state: String, requestID: String?, instance: String?
    ) throws(Refusal) -> String {
        guard let request = spotRequests[token] else { throw Refusal("not found spot-requests/\(token)") }
        try check(request.path, request.state, state, PlainStates.spotRequest)
        spotRequests[token]!.state = state
        if let requestID { spotRequests[token]!.requestID = requestID }
        if let instance { spotRequests[token]!.instance = instance }
        return request.path
    }

    // MARK: Key-value entries

    mutating func put(
        _ namespace: String, _ key: String, _ value: [UInt8], lease: Int64?, expected: Int64?, found: Int64
    ) throws(Refusal) -> String {
        if namespace.isEmpty { throw Refusal("invalid namespace") }
        let path = "kv/\(namespace)/\(key)"
        if let expected, expected != found { throw Refusal("conflict \(path) \(expected) \(found)") }
        if let lease, leases[lease] == nil { throw Refusal("not found leases/\(lease)") }
        entries[path] = PlainEntry(
            birth: entries[path]?.birth ?? birth(), namespace: namespace, key: key, value: value, lease: lease)
        return path
    }

    mutating func revoke(_ id: Int64) throws(Refusal) {
        guard leases.removeValue(forKey: id) != nil else { throw Refusal("not found leases/\(id)") }
        entries = entries.filter { $0.value.lease != id }
    }
}
