import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `A master finds what it needs` {
    @Test(arguments: TestEngine.allCases)
    func `what waits in a queue, by priority, then age`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let ids = try await store.write { tx in
                try tx.aPool()
                try tx.pools.put(NewPool(name: "other"))
                let task = try tx.tasks.create(NewTask(kind: .command))
                let made = try [(50, "gpu"), (1, "gpu"), (50, "gpu"), (-3, "gpu"), (0, "other")].map { priority, pool in
                    try tx.allocations.create(NewAllocation(task: task.id, pool: pool, priority: Int64(priority))).id
                }
                try tx.allocations.transition(made[1], to: .assigned)
                return made
            }
            #expect(try await store.allocations.waiting(in: "gpu").map(\.id) == [ids[3], ids[0], ids[2]])
            #expect(try await store.allocations.waiting(in: "gpu", limit: 1).map(\.id) == [ids[3]])
            #expect(try await store.allocations.unfinished().map(\.id) == ids)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what is not over, at boot`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let (experiments, trials) = try await store.write { tx in
                let experiments = try (0..<4).map { _ in try tx.anExperiment() }
                let trials = try experiments.map { try tx.aTrial(of: $0) }
                try tx.experiments.transition(experiments[0].id, to: .error)
                try tx.experiments.transition(experiments[1].id, to: .stoppingError)
                try tx.experiments.transition(experiments[2].id, to: .paused)
                try tx.trials.transition(trials[3].id, to: .completed)
                _ = try tx.tasks.create(NewTask(kind: .trial, trial: trials[2].id))
                return (experiments, trials)
            }
            #expect(try await store.experiments.unfinished().map(\.id) == experiments[1...].map(\.id))
            #expect(try await store.trials.unfinished(experiments[1].id).map(\.id) == [trials[1].id])
            #expect(try await store.trials.unfinished(experiments[3].id).isEmpty)
            let tasks = try await store.read { try $0.tasks.list(of: trials[2].id) }
            #expect(tasks.map(\.trial) == [trials[2].id])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `free slots: enabled, on an enabled ACTIVE agent of the pool`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                try tx.pools.put(NewPool(name: "a"))
                try tx.pools.put(NewPool(name: "b"))
                for (id, pool) in [("a1", "a"), ("a2", "a"), ("a3", "a"), ("a4", "a"), ("b1", "b")] {
                    try tx.agents.register(NewAgent(id: id, pool: pool, slots: (0..<2).map { NewSlot(index: $0) }))
                }
                try tx.agents.setEnabled("a2", to: false)
                try tx.agents.transition("a3", to: .draining)
                try tx.slots.setEnabled("a4", 0, to: false)
            }
            #expect(
                try await store.slots.free(in: "a").map(\.recordKey.path) == [
                    "agents/a1/slots/0", "agents/a1/slots/1", "agents/a4/slots/1",
                ])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `what checkpoints take up, and the curves of many trials`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trials = try await store.write { tx in
                let experiment = try tx.anExperiment()
                return try (0..<3).map { number in
                    let trial = try tx.aTrial(of: experiment)
                    for step in 1...3 as ClosedRange<Int64> {
                        try tx.run(trial, step: step)
                        try tx.validate(trial, step: step, number == 2 ? .nan : Double(step))
                        try tx.save(trial, step: step, state: step == 2 ? .error : .completed)
                    }
                    return trial
                }
            }
            let totals = try await store.read { try $0.experiments.checkpointTotals(1) }
            #expect(totals.count == 6 && totals.bytes == 720)
            let curves = try await store.workloads.series(of: trials.map(\.id))
            #expect(curves.map(\.metric) == [1, 2, 3, 1, 2, 3, nil, nil, nil])
            #expect(curves.map(\.totalBatches) == [100, 200, 300, 100, 200, 300, 100, 200, 300])
            #expect(try await store.checkpoints.latest(of: trials[0].id)?.totalBatches == 300)
        }
    }
}
