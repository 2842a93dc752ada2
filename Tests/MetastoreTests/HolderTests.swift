import Metastore
import MetastoreEngine
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `A port, a slot and a client token have one live holder` {
    /// Broke elsewhere: two notebooks were given one port.
    @Test(arguments: TestEngine.allCases)
    func `two notebooks never get one port, however many ask at once`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            _ = try await store.write { tx in try tx.aPool() }
            let ports = try await withThrowingTaskGroup(of: Int64.self) { group in
                for _ in 0..<40 {
                    group.addTask {
                        try await store.write { tx in
                            try tx.ports.reserve(.notebook, on: "host", for: try tx.anAllocation().id)[0].port
                        }
                    }
                }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(ports.sorted() == Array(2900..<2940), "each the lowest that was free")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a taken port is refused naming its holder, and is free again when that ends`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.aPool()
                let (one, two) = (try tx.anAllocation(), try tx.anAllocation())
                let port = try tx.ports.claim(3000, .notebook, on: "h", for: one.id)
                #expect(try tx.ports.claim(3000, .notebook, on: "h", for: one.id) == port)
                #expect(
                    refused { try tx.ports.claim(3000, .notebook, on: "h", for: two.id) }
                        == .held(path: "ports/h/3000", by: "allocation \(one.id)"))
                #expect(try tx.ports.claim(3000, .notebook, on: "other", for: two.id).host == "other")
                try tx.allocations.transition(one.id, to: .terminated)
                #expect(try tx.ports.holder(of: 3000, on: "h") == nil)
                #expect(try tx.ports.claim(3000, .notebook, on: "h", for: two.id).allocation == two.id)
                guard case .refused = refused({ try tx.ports.claim(3001, .notebook, on: "h", for: one.id) }) else {
                    Issue.record("a TERMINATED allocation takes no port")
                    return
                }
                try tx.ports.release(3000, on: "h")
                try tx.ports.release(3000, on: "h")
                #expect(try tx.ports.holder(of: 3000, on: "h") == nil)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a trial's ports are one a GPU and two more, and never a fixed one`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.aPool()
                let allocation = try tx.anAllocation()
                let narrow = PortRanges(nccl: 1733...1752, gloo: 2598...3601)
                let ports = try tx.ports.reserveForTrial(gpus: 8, on: "h", for: allocation.id, ranges: narrow)
                #expect(ports.map(\.port) == [1733] + Array(1735...1741) + [2598, 2599])
                let rest = try tx.ports.reserveForTrial(gpus: 0, on: "h", for: try tx.anAllocation().id, ranges: narrow)
                #expect(rest.map(\.port) == [3600, 3601])
                #expect(
                    refused { try tx.ports.claim(2600, .nccl, on: "h", for: allocation.id) }
                        == .invalid(field: "port", reason: "port can't be stored: NCCL may not have port 2600."))
                #expect(try tx.ports.reserve(.deepSpeed, on: "h", for: allocation.id).map(\.port) == [29500])
                #expect(
                    refused { try tx.ports.reserve(.deepSpeed, on: "h", for: allocation.id) }
                        == .exhausted(what: "DEEPSPEED port in 29500–29500 of host h"))
            }
        }
    }

    /// Broke: a range with a port that is none came back as an error of the database, and spoiled the transaction.
    @Test(arguments: TestEngine.allCases)
    func `a range beyond the ports there are is refused by name`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.aPool()
                let id = try tx.anAllocation().id
                for range in [0...10, 65_530...65_536] as [ClosedRange<Int64>] {
                    let ranges = PortRanges(nccl: range)
                    let error = refused { try tx.ports.reserve(.nccl, count: 3, on: "h", for: id, ranges: ranges) }
                    #expect(error == .invalid(field: "ranges", reason: "ranges can't be used: a port lies in 1…65535."))
                    #expect(refused { try tx.ports.claim(65_536, .nccl, on: "h", for: id, ranges: ranges) } != nil)
                }
                try tx.keyValue.put("still/works", "1")
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a slot belongs to one live container`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let agent = try tx.aPool(slots: 4)
                let (one, two) = (try tx.anAllocation(), try tx.anAllocation())
                let first = try tx.containers.create(NewContainer(allocation: one.id, agent: agent.id, slots: [0, 1]))
                #expect(try tx.slots.free(in: "gpu").map(\.index) == [2, 3])
                #expect(
                    refused {
                        try tx.containers.create(NewContainer(allocation: two.id, agent: agent.id, slots: [2, 1]))
                    }
                        == .held(path: "agents/gpu-agent/slots/1", by: "container \(first.id)"))
                #expect(
                    refused {
                        try tx.containers.create(NewContainer(allocation: two.id, agent: agent.id, slots: [2, 2]))
                    } != nil)
                #expect(
                    refused { try tx.containers.create(NewContainer(allocation: two.id, agent: agent.id, slots: [9])) }
                        == .notFound(path: "agents/gpu-agent/slots/9"))
                try tx.slots.setEnabled(agent.id, 3, to: false)
                #expect(
                    refused { try tx.containers.create(NewContainer(allocation: two.id, agent: agent.id, slots: [3])) }
                        != nil)
                #expect(
                    refused { try tx.agents.register(NewAgent(id: agent.id, pool: "gpu", slots: [NewSlot(index: 0)])) }
                        != nil,
                    "a slot with a container on it doesn't go")
                try tx.containers.transition(first.id, to: .terminated)
                let second = try tx.containers.create(NewContainer(allocation: two.id, agent: agent.id, slots: [0, 1]))
                #expect(try tx.slots.list(of: agent.id).map(\.container) == [second.id, second.id, nil, nil])
                try tx.agents.transition(agent.id, to: .draining)
                #expect(
                    refused { try tx.containers.create(NewContainer(allocation: two.id, agent: agent.id, slots: [2])) }
                        != nil)
            }
        }
    }

    /// Broke elsewhere: a crash between asking the cloud and writing it down made the provisioner ask twice.
    @Test(arguments: TestEngine.allCases)
    func `a client token asks once, and a cloud id is one instance's`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.pools.put(NewPool(name: "aws", kind: .aws, tagKey: "k", tagValue: "v"))
                _ = try tx.spotRequests.create(NewSpotRequest(clientToken: "t", pool: "aws"))
                #expect(
                    refused { try tx.spotRequests.create(NewSpotRequest(clientToken: "t", pool: "aws")) }
                        == .held(path: "spot-requests/t", by: "a spot request of pool aws"))
                _ = try tx.instances.create(NewInstance(clientToken: "t", pool: "aws", spotRequest: "t"))
                #expect(
                    refused { try tx.instances.create(NewInstance(clientToken: "t", pool: "aws")) }
                        == .held(path: "instances/t", by: "an instance of pool aws"))
                try tx.instances.transition("t", to: .starting, instanceID: "i-1")
                #expect(
                    refused { try tx.instances.transition("t", to: .running, instanceID: "i-2") }
                        == .reportConflict(path: "instances/t", field: "cloud id"))
                #expect(
                    refused { try tx.instances.create(NewInstance(clientToken: "u", pool: "aws", instanceID: "i-1")) }
                        != nil)
                #expect(try tx.instances.found("i-1", in: "aws", state: .running).clientToken == "t")
                #expect(try tx.instances.found("i-3", in: "aws", state: .running).clientToken == "found-i-3")
                #expect(try tx.instances.found("i-3", in: "aws", state: .stopping).state == .running)
                #expect(try tx.instances.unfinished(in: "aws").map(\.clientToken) == ["found-i-3", "t"])
                #expect(try tx.spotRequests.unfinished(in: "aws").map(\.clientToken) == ["t"])
                #expect(
                    refused { try tx.pools.put(NewPool(name: "b", kind: .aws, tagKey: "k", tagValue: "v")) }
                        == .held(path: "tag pools/b", by: "pools/aws"))
                guard case .refused("pools/aws", _) = refused({ try tx.pools.delete("aws") }) else {
                    Issue.record("a pool in use stays")
                    return
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `and the database itself says so`(_ engine: TestEngine) async throws {
        try await withBench(engine) { bench in
            try await bench.store.write { tx in
                let agent = try tx.aPool()
                let allocation = try tx.anAllocation()
                _ = try tx.ports.claim(3000, .notebook, on: "h", for: allocation.id)
                _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: agent.id, slots: [0]))
                _ = try tx.instances.create(NewInstance(clientToken: "t", pool: "gpu", instanceID: "i"))
            }
            let copies: [SQL] = [
                "INSERT INTO ports SELECT * FROM ports", "INSERT INTO slots SELECT * FROM slots",
                "INSERT INTO instances SELECT * FROM instances", "INSERT INTO spot_requests VALUES ('a', 1)",
                "INSERT INTO instances SELECT 'u', instance_id, pool, tag_key, tag_value, type, spot_request, state, agent, "
                    + "requested_time, started_time, ended_time, created_revision, revision, row_hash FROM instances",
                "DELETE FROM pools", "UPDATE ports SET allocation = 99", "UPDATE slots SET container = 99",
            ]
            let refusals = Counter()
            for copy in copies {
                bench.faults.arm(
                    .begin,
                    .run { connection in
                        do {
                            try connection.execute(copy)
                        } catch {
                            refusals.count()
                        }
                    })
                try await bench.store.write { tx in _ = tx.revision }
            }
            #expect(refusals.value == copies.count)
        }
    }
}
