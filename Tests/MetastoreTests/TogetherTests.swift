import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `What belongs together commits together` {
    @Test(arguments: TestEngine.allCases)
    func `metrics, snapshot and trial state, or nothing of them`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.run(trial, step: 1)
                return trial
            }
            let write: @Sendable (borrowing Transaction) throws -> Void = { tx in
                try tx.validate(trial, step: 1, 0.5)
                try tx.snapshots.put(trial.experiment, version: 1, content: ["told": 1])
                try tx.trials.transition(trial.id, to: .completed)
            }
            await #expect(throws: Planned()) {
                try await store.write { tx in
                    try write(tx)
                    throw Planned()
                }
            }
            #expect(try await store.snapshots.get(trial.experiment, upTo: 1) == nil)
            #expect(try await store.trials.get(trial.id).state == .active)
            let done = try await store.committed(write)
            let commit = try #require(try await store.commits(after: done.position.revision.rawValue - 1).first)
            #expect(commit.kinds == [.workloads, .snapshots, .trials])
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an experiment's ERROR and its live trials', and no other terminal state before theirs`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            let (id, trials) = try await store.write { tx in
                let experiment = try tx.anExperiment()
                let trials = try (0..<3).map { _ in try tx.aTrial(of: experiment) }
                try tx.trials.transition(trials[0].id, to: .completed)
                try tx.trials.transition(trials[1].id, to: .paused)
                try tx.experiments.transition(experiment.id, to: .stoppingCompleted)
                #expect(
                    refused { try tx.experiments.transition(experiment.id, to: .completed) }
                        == .refused(
                            path: "experiments/1",
                            reason: "it can't become COMPLETED while \(trials[1].recordKey.path) is not terminal; "
                                + "end its trials first."))
                return (experiment.id, trials)
            }
            let done = try await store.committed { tx in try tx.experiments.transition(id, to: .error) }
            let commit = try #require(try await store.commits(after: done.position.revision.rawValue - 1).first)
            #expect(Set(commit.changes.map(\.key.path)) == Set(["experiments/1"] + trials[1...].map(\.recordKey.path)))
            for trial in trials[1...] {
                let ended = try await store.trials.get(trial.id)
                #expect(ended.state == .error && ended.end == commit.time)
            }
            #expect(try await store.trials.get(trials[0].id).state == .completed)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `an allocation with its containers, slots and ports, and their end`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let agent = try await store.write { tx in try tx.aPool() }
            let (task, allocation) = try await store.write { tx in
                let allocation = try tx.anAllocation()
                _ = try tx.containers.create(NewContainer(allocation: allocation.id, agent: agent.id, slots: [0, 1]))
                _ = try tx.ports.reserve(.notebook, on: "h", for: allocation.id)
                return (allocation.task, allocation.id)
            }
            guard
                case .refused("tasks/1", _) = await refusal({ try await store.write { tx in try tx.tasks.end(task) } })
            else {
                Issue.record("its allocation is live")
                return
            }
            let before = try await store.revision()
            try await store.write { tx in
                try tx.allocations.transition(allocation, to: .terminated, reason: "done")
                #expect(try tx.tasks.end(task).end == tx.time)
            }
            let commit = try #require(try await store.commits(after: before).first)
            #expect(commit.kinds == [.tasks, .allocations, .containers, .slots, .ports])
            try await store.write { tx in
                let free = try tx.slots.free(in: "gpu")
                #expect(free.count == 2)
                #expect(try tx.containers.list(of: allocation).map(\.state) == [.terminated])
                #expect(try tx.tasks.unfinished().isEmpty && tx.allocations.unfinished().isEmpty)
                guard case .refused = refused({ try tx.allocations.create(NewAllocation(task: task, pool: "gpu")) })
                else {
                    Issue.record("an ended task takes no allocation")
                    return
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a snapshot of a newer version is an error, never "no snapshot"`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let id = try await store.write { tx in
                let id = try tx.anExperiment().id
                #expect(try tx.snapshots.get(id, upTo: 1) == nil)
                try tx.snapshots.put(id, version: 7, content: [:])
                return id
            }
            let newer = StoreError.newerSnapshot(path: "experiments/1/snapshot", found: 7, known: 6)
            #expect(await refusal { try await store.snapshots.get(id, upTo: 6) } == newer)
            #expect(
                await refusal { try await store.write { try $0.snapshots.put(id, version: 6, content: [:]) } } == newer)
            #expect(try await store.snapshots.get(id, upTo: 7)?.version == 7)
        }
    }
}
