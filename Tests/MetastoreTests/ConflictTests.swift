import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `A compare-and-set goes ahead only from what was read` {
    @Test(arguments: TestEngine.allCases)
    func `by revision, for every call that takes one`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let made = try await store.write { tx in
                let made = try tx.anExperiment()
                try tx.snapshots.put(made.id, version: 1, content: [:], ifRevision: .absent)
                try tx.pools.put(NewPool(name: "a"), ifRevision: .absent)
                try tx.keyValue.put("a/b", "1", ifRevision: .absent)
                return made
            }
            let old = made.revision
            try await store.write { tx in
                let edit = ExperimentEdit(notes: "new")
                try tx.experiments.update(made.id, edit, ifRevision: old)
                try tx.snapshots.put(made.id, version: 2, content: [:], ifRevision: old)
                try tx.pools.put(NewPool(name: "a", kind: .aws), ifRevision: old)
                try tx.keyValue.put("a/b", "2", ifRevision: old)
            }
            let new = Revision(old.rawValue + 1)
            for wrong in [old, Revision.absent, Revision(99)] {
                try await store.write { tx in
                    let edit = ExperimentEdit(notes: "newer")
                    #expect(
                        refused { try tx.experiments.update(made.id, edit, ifRevision: wrong) }
                            == .conflict(path: "experiments/1", expected: wrong, found: new))
                    #expect(
                        refused { try tx.experiments.transition(made.id, to: .paused, if: .revision(wrong)) }
                            == .conflict(path: "experiments/1", expected: wrong, found: new))
                    #expect(
                        refused { try tx.snapshots.put(made.id, version: 3, content: [:], ifRevision: wrong) }
                            == .conflict(path: "experiments/1/snapshot", expected: wrong, found: new))
                    #expect(
                        refused { try tx.pools.put(NewPool(name: "a"), ifRevision: wrong) }
                            == .conflict(path: "pools/a", expected: wrong, found: new))
                    #expect(
                        refused { try tx.keyValue.put("a/b", "3", ifRevision: wrong) }
                            == .conflict(path: "kv/a/b", expected: wrong, found: new))
                    #expect(
                        refused { try tx.keyValue.delete("a/b", ifRevision: wrong) }
                            == .conflict(path: "kv/a/b", expected: wrong, found: new))
                }
            }
            #expect(try await store.revision() == new.rawValue, "refused calls changed nothing")
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `0 means that there must be none, also after a deletion`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            #expect(try await store.keyValue.delete("a/b", ifRevision: .absent) == false)
            let one = try await store.keyValue.put("a/b", "1", ifRevision: .absent)
            #expect(
                await refusal { try await store.keyValue.put("a/b", "1", ifRevision: .absent) }
                    == .conflict(path: "kv/a/b", expected: .absent, found: one.revision))
            #expect(try await store.keyValue.delete("a/b", ifRevision: one.revision))
            #expect(
                await refusal { try await store.keyValue.put("a/b", "2", ifRevision: one.revision) }
                    == .conflict(path: "kv/a/b", expected: one.revision, found: .absent))
            let two = try await store.keyValue.put("a/b", "2", ifRevision: .absent)
            #expect(two.createdRevision == two.revision && two.revision.rawValue == one.revision.rawValue + 2)
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `by state, naming what was expected and what is there`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.aPool()
                let allocation = try tx.anAllocation()
                #expect(
                    refused {
                        try tx.trials.transition(trial.id, to: .completed, if: .state(.paused, .stoppingCompleted))
                    }
                        == .unexpectedState(
                            path: trial.recordKey.path, expected: ["PAUSED", "STOPPING_COMPLETED"], found: "ACTIVE"))
                #expect(
                    refused { try tx.allocations.transition(allocation.id, to: .running, if: .state(.assigned)) }
                        == .unexpectedState(path: allocation.recordKey.path, expected: ["ASSIGNED"], found: "PENDING"))
                #expect(
                    refused { try tx.experiments.transition(trial.experiment, to: .paused, if: .state(.paused)) }
                        == .unexpectedState(path: "experiments/1", expected: ["PAUSED"], found: "ACTIVE"))
                #expect(try tx.trials.transition(trial.id, to: .paused, if: .state(.active)).state == .paused)
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `so that concurrent increments never lose one`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            try await store.keyValue.put("count/er", "0")
            let (workers, rounds) = (8, Seeded.count(400, least: 12))
            let conflicts = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<workers {
                    group.addTask {
                        var conflicts = 0
                        for _ in 0..<rounds {
                            while true {
                                let entry = try #require(try await store.keyValue.get("count/er"))
                                let number = try #require(Int(String(decoding: entry.value, as: UTF8.self)))
                                do {
                                    try await store.keyValue.put(
                                        "count/er", "\(number + 1)", ifRevision: entry.revision)
                                    break
                                } catch StoreError.conflict {
                                    conflicts += 1
                                }
                            }
                        }
                        return conflicts
                    }
                }
                return try await group.reduce(0, +)
            }
            let entry = try #require(try await store.keyValue.get("count/er"))
            #expect(String(decoding: entry.value, as: UTF8.self) == "\(workers * rounds)")
            #expect(
                entry.revision.rawValue == Int64(workers * rounds) + 2, "\(conflicts) refused ones made no revision")
        }
    }
}
