import FoundationEssentials
import Metastore
import MetastoreModel

extension CallMaker {
    private static let pools = ["p1", "p2", "p3"]
    private static let agents = ["a1", "a2"]

    mutating func clusterCall(_ plain: PlainHistory) -> Call {
        let store = plain.store
        switch random.number(0...19) {
        case 0, 1: return putPool()
        case 2:
            let name = name(Self.pools)
            return Call("pools.delete \(name)") { (draft) throws(Refusal) in
                try draft.store.deletePool(name)
                return []
            } real: { tx in
                try tx.pools.delete(name)
                return []
            }
        case 3...5: return register()
        case 6:
            let (agent, state) = (name(Self.agents), state(AgentState.self))
            return Call("agents.transition \(agent) \(state)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.moveAgent(agent, to: state.name) }
            } real: { tx in
                [Summary.of(try tx.agents.transition(agent, to: state))]
            }
        case 7:
            let (agent, index, isEnabled) = (name(Self.agents), random.number(0...3), random.chance(70))
            return Call("slots.setEnabled \(agent) \(index) \(isEnabled)") { (draft) throws(Refusal) in
                let path = "agents/\(agent)/slots/\(index)"
                if draft.store.slots[path] == nil { throw Refusal("not found \(path)") }
                draft.store.slots[path]!.isEnabled = isEnabled
                return [draft.line(path)]
            } real: { tx in
                [Summary.of(try tx.slots.setEnabled(agent, index, to: isEnabled))]
            }
        case 8, 9:
            let kind = random.pick([TaskKind.trial, .notebook, .shell])
            let trial: Int64? = random.chance(kind == .trial ? 90 : 10) ? id(store.trials.keys) : nil
            return Call("tasks.create \(kind)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.createTask(kind.name, trial: trial) }
            } real: { tx in
                [Summary.of(try tx.tasks.create(NewTask(kind: kind, trial: trial.map { ID(rawValue: $0) })))]
            }
        case 10:
            let task = id(store.tasks.keys)
            return Call("tasks.end \(task)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.endTask(task) }
            } real: { tx in
                [Summary.of(try tx.tasks.end(ID(rawValue: task)))]
            }
        case 11, 12: return createAllocation(store)
        case 13, 14:
            let (id, state) = (id(store.allocations.keys), state(AllocationState.self))
            let reason: String? = random.chance(50) ? "done" : nil
            return Call("allocations.transition \(id) \(state)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in
                    try store.moveAllocation(id, to: state.name, reason: reason)
                }
            } real: { tx in
                [Summary.of(try tx.allocations.transition(ID(rawValue: id), to: state, reason: reason))]
            }
        case 15, 16: return createContainer(store)
        case 17:
            let (id, state) = (id(store.containers.keys), state(ContainerState.self))
            return Call("containers.transition \(id) \(state)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.moveContainer(id, to: state.name) }
            } real: { tx in
                [Summary.of(try tx.containers.transition(ID(rawValue: id), to: state))]
            }
        default: return portCall(store)
        }
    }

    mutating func putPool() -> Call {
        let tag: [String]? = random.chance(60) ? ["t", random.pick(["x", "y"])] : nil
        let new = PlainPool(
            birth: 0, name: name(Self.pools), tag: tag, min: random.number(0...2), max: random.number(1...5),
            isSpot: random.chance(50))
        return Call("pools.put \(new.name)") { (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in try store.putPool(new) }
        } real: { tx in
            [
                Summary.of(
                    try tx.pools.put(
                        NewPool(
                            name: new.name, tagKey: new.tag?[0], tagValue: new.tag?[1], minInstances: new.min,
                            maxInstances: new.max, isSpot: new.isSpot)))
            ]
        }
    }

    mutating func register() -> Call {
        let new = PlainAgent(
            birth: 0, id: random.chance(3) ? "" : random.pick(Self.agents), pool: name(Self.pools),
            address: "h\(random.number(0...1))", isEnabled: random.chance(90))
        var slots: [Int64: Bool] = [:]
        for index in 0..<random.number(1...4) { slots[index] = random.chance(90) }
        let given = slots
        return Call("agents.register \(new.id) \(given.count)") { (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in try store.register(new, slots: given) }
        } real: { tx in
            [
                Summary.of(
                    try tx.agents.register(
                        NewAgent(
                            id: new.id, pool: new.pool, address: new.address, isEnabled: new.isEnabled,
                            slots: given.map { NewSlot(index: $0.key, isEnabled: $0.value) })))
            ]
        }
    }

    private mutating func createAllocation(_ store: PlainStore) -> Call {
        let new = PlainAllocation(
            birth: 0, id: 0, task: id(store.tasks.keys), pool: name(Self.pools), slots: random.number(-1...3),
            priority: random.number(0...2))
        return Call("allocations.create \(new.task)") { (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in try store.createAllocation(new) }
        } real: { tx in
            [
                Summary.of(
                    try tx.allocations.create(
                        NewAllocation(
                            task: ID(rawValue: new.task), pool: new.pool, slots: new.slots, priority: new.priority)))
            ]
        }
    }

    private mutating func createContainer(_ store: PlainStore) -> Call {
        let (id, agent) = (id(store.allocations.keys), name(Self.agents))
        let slots = (0..<random.number(0...2)).map { _ in random.number(0...4) }
        return Call("containers.create \(id) \(agent) \(slots)") { (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in try store.createContainer(id, agent: agent, slots: slots) }
        } real: { tx in
            [
                Summary.of(
                    try tx.containers.create(NewContainer(allocation: ID(rawValue: id), agent: agent, slots: slots)))
            ]
        }
    }

    private mutating func portCall(_ store: PlainStore) -> Call {
        let (id, host) = (id(store.allocations.keys), random.pick(["h", "g"]))
        let key = ID<Allocation>(rawValue: id)
        let few = PortRanges(nccl: 2597...2602, gloo: 3598...3603)
        switch random.number(0...3) {
        case 0:
            let (purpose, count) = (random.pick([PortPurpose.notebook, .nccl, .ssh]), Int(random.number(0...3)))
            let range: ClosedRange<Int64> =
                purpose == .notebook ? 2900...3199 : purpose == .ssh ? 12350...12350 : 2597...2602
            return Call("ports.reserve \(purpose) \(count)") { (draft) throws(Refusal) in
                let paths = try draft.store.reservePorts(
                    purpose.name, count, host, for: id, in: range, isEphemeral: purpose == .nccl)
                return paths.map { draft.line($0) }
            } real: { tx in
                try tx.ports.reserve(purpose, count: count, on: host, for: key, ranges: few).map(Summary.of)
            }
        case 1:
            let port: Int64 = random.pick([2597, 2600, 2900, 3199, 3200, 12350])
            return Call("ports.claim \(port)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in
                    try store.claimPort(port, "NOTEBOOK", host, for: id, isAllowed: (2900...3199).contains(port))
                }
            } real: { tx in
                [Summary.of(try tx.ports.claim(port, .notebook, on: host, for: key, ranges: few))]
            }
        case 2:
            let gpus = Int(random.number(0...2))
            return Call("ports.reserveForTrial \(gpus)", failsWhole: true) { (draft) throws(Refusal) in
                var paths: [String] = []
                if gpus > 0 {
                    paths = try draft.store.reservePorts(
                        "NCCL", gpus, host, for: id, in: 2597...2602, isEphemeral: true)
                }
                paths += try draft.store.reservePorts("GLOO", 2, host, for: id, in: 3598...3603, isEphemeral: true)
                return paths.map { draft.line($0) }
            } real: { tx in
                try tx.ports.reserveForTrial(gpus: gpus, on: host, for: key, ranges: few).map(Summary.of)
            }
        default:
            let port: Int64 = random.pick([2597, 2900, 2901])
            return Call("ports.release \(port)") { (draft) throws(Refusal) in
                draft.store.ports["ports/\(host)/\(port)"] = nil
                return []
            } real: { tx in
                try tx.ports.release(port, on: host)
                return []
            }
        }
    }

    mutating func cloudCall(_ plain: PlainHistory) -> Call {
        let token = random.chance(3) ? "" : "t\(random.number(0...7))"
        let cloudID: String? = random.chance(40) ? "i\(random.number(0...7))" : nil
        switch random.number(0...4) {
        case 0:
            let new = PlainInstance(
                birth: 0, token: token, cloudID: cloudID, pool: name(Self.pools), tag: [],
                spotRequest: random.chance(20) ? "s\(random.number(0...3))" : nil, state: "REQUESTED", agent: nil,
                hasStarted: false, hasEnded: false)
            return Call("instances.create \(token)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.createInstance(new) }
            } real: { tx in
                [
                    Summary.of(
                        try tx.instances.create(
                            NewInstance(
                                clientToken: token, pool: new.pool, instanceID: new.cloudID,
                                spotRequest: new.spotRequest)))
                ]
            }
        case 1:
            let (cloud, pool, state) = ("i\(random.number(0...7))", name(Self.pools), state(InstanceState.self))
            return Call("instances.found \(cloud)") { (draft) throws(Refusal) in
                if let known = draft.store.instances.values.first(where: { $0.cloudID == cloud }) {
                    return [draft.line(known.path)]
                }
                let new = PlainInstance(
                    birth: 0, token: "found-\(cloud)", cloudID: cloud, pool: pool, tag: [], spotRequest: nil,
                    state: state.name, agent: nil, hasStarted: false, hasEnded: false)
                return try draft.answer { (store) throws(Refusal) in try store.createInstance(new) }
            } real: { tx in
                [Summary.of(try tx.instances.found(cloud, in: pool, state: state))]
            }
        case 2:
            let (state, agent) = (state(InstanceState.self), random.chance(30) ? "a1" : nil)
            return Call("instances.transition \(token) \(state)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in
                    try store.moveInstance(token, to: state.name, cloudID: cloudID, agent: agent)
                }
            } real: { tx in
                [Summary.of(try tx.instances.transition(token, to: state, instanceID: cloudID, agent: agent))]
            }
        case 3:
            let new = PlainSpotRequest(
                birth: 0, token: "s\(random.number(0...3))", pool: name(Self.pools),
                price: random.pick([nil, 0.5, .nan]))
            return Call("spotRequests.create \(new.token)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.createSpotRequest(new) }
            } real: { tx in
                [
                    Summary.of(
                        try tx.spotRequests.create(
                            NewSpotRequest(clientToken: new.token, pool: new.pool, maxPrice: new.price)))
                ]
            }
        default:
            let (request, state) = ("s\(random.number(0...3))", state(SpotRequestState.self))
            return Call("spotRequests.transition \(request) \(state)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in
                    try store.moveSpotRequest(request, to: state.name, requestID: cloudID, instance: nil)
                }
            } real: { tx in
                [Summary.of(try tx.spotRequests.transition(request, to: state, requestID: cloudID))]
            }
        }
    }
}
