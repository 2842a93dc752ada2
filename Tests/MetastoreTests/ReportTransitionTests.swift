import FoundationEssentials
import Metastore
import MetastoreModel
import MetastoreTestSupport
import Testing

@Suite struct `Workloads and checkpoints move by reports, and only as their tables say` {
    @Test(arguments: TestEngine.allCases)
    func `every pair of a workload's states`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in try tx.aTrial() }
            var step: Int64 = 0
            for from in WorkloadState.allCases {
                for to in WorkloadState.allCases {
                    step += 1
                    let report: @Sendable (WorkloadState) -> WorkloadReport = { [step] state in
                        WorkloadReport(
                            trial: trial.id, generation: 0, step: step, kind: .runStep, state: state,
                            totalBatches: step * 100, metrics: state == .active ? nil : ["loss": 1])
                    }
                    let made = try await store.write { tx in try tx.workloads.report(report(from)) }
                    #expect((made.end != nil) == from.isTerminal)
                    let before = try await store.revision()
                    let refusal = await refusal { try await store.write { tx in try tx.workloads.report(report(to)) } }
                    let after = try await store.workloads.get(made.id)
                    if from == to {
                        #expect(refusal == nil && after == made)
                        #expect(try await store.revision() == before)
                    } else if from.isAllowed(to: to) {
                        #expect(refusal == nil && after.state == to && after.end != nil)
                    } else {
                        #expect(refusal == .reportConflict(path: made.recordKey.path, field: "state"))
                        #expect(after == made)
                    }
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `every pair of a checkpoint's states`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.run(trial, step: 9)
                try tx.save(trial, step: 9)
                return trial
            }
            for from in CheckpointState.allCases {
                for to in CheckpointState.allCases {
                    let uuid = UUID()
                    let made = try await store.write { tx in
                        try tx.save(
                            trial, step: 1, uuid: uuid, state: from == .active || from == .error ? from : .completed)
                        if from == .partiallyDeleted { try tx.checkpoints.delete(uuid, leaving: ["weights": 100]) }
                        if from == .deleted { try tx.checkpoints.delete(uuid) }
                        return try tx.checkpoints.get(uuid)
                    }
                    #expect(made.state == from)
                    let before = try await store.revision()
                    let refusal = await refusal {
                        try await store.write { tx in
                            switch to {
                            case .active, .completed, .error: try tx.save(trial, step: 1, uuid: uuid, state: to)
                            case .partiallyDeleted: try tx.checkpoints.delete(uuid, leaving: ["weights": 100])
                            case .deleted: try tx.checkpoints.delete(uuid)
                            }
                        }
                    }
                    let after = try await store.checkpoints.get(uuid)
                    if from == to {
                        #expect(refusal == nil && after == made, "\(from) to itself: \(String(describing: refusal))")
                        #expect(try await store.revision() == before)
                    } else if from.isAllowed(to: to) {
                        #expect(refusal == nil && after.state == to, "\(from) → \(to): \(String(describing: refusal))")
                        #expect((to == .deleted) == (after.size == 0 && after.resources == [:]))
                    } else {
                        #expect(after == made, "\(from) → \(to) must be refused")
                        let isReport = to == .active || to == .completed || to == .error
                        let expected: StoreError =
                            isReport
                            ? .reportConflict(path: made.recordKey.path, field: "state")
                            : .transitionRefused(
                                path: made.recordKey.path, from: from.name, to: to.name,
                                allowed: from.allowed().map(\.name))
                        #expect(refusal == expected)
                    }
                }
            }
        }
    }

    @Test(arguments: TestEngine.allCases)
    func `a PARTIALLY_DELETED checkpoint loses files, and never gets any back`(_ engine: TestEngine) async throws {
        try await withStore(engine) { store in
            let trial = try await store.write { tx in
                let trial = try tx.aTrial()
                try tx.run(trial, step: 1)
                try tx.run(trial, step: 2)
                try tx.save(trial, step: 2)
                return trial
            }
            let uuid = UUID()
            try await store.write { tx in
                try tx.checkpoints.report(
                    CheckpointReport(
                        uuid: uuid, trial: trial.id, generation: 0, totalBatches: 100,
                        resources: ["a": 1, "b": 2, "c": 4]))
                let one = try tx.checkpoints.delete(uuid, leaving: ["a": 1, "b": 2])
                #expect(one.state == .partiallyDeleted && one.size == 3)
                for wrong: Resources in [["a": 1, "b": 2, "c": 4], ["a": 2], ["d": 1], ["c": 4]] {
                    guard case .invalid("resources", _) = refused({ try tx.checkpoints.delete(uuid, leaving: wrong) })
                    else {
                        Issue.record("\(wrong) is not fewer files")
                        return
                    }
                }
                let two = try tx.checkpoints.delete(uuid, leaving: ["b": 2])
                #expect(two.size == 2)
                #expect(try tx.checkpoints.delete(uuid).resources == [:])
            }
        }
    }
}

@Suite struct `The names of a checkpoint's files` {
    /// Swift takes both texts for one: a file was lost, and the other's size could stand for it.
    @Test(arguments: TestEngine.allCases)
    func `are two when their letters are spelled in two ways`(_ engine: TestEngine) async throws {
        let (composed, decomposed) = ("caf\u{E9}", "cafe\u{301}")
        let both: Resources = [composed: 1, decomposed: 2]
        try await withStore(engine) { store in
            let trial = try await store.write { tx in
                let trial = try tx.aTrial()
                for step: Int64 in 1...2 { try tx.run(trial, step: step) }
                try tx.save(trial, step: 2)
                return trial
            }
            let uuid = UUID()
            let report = CheckpointReport(
                uuid: uuid, trial: trial.id, generation: 0, totalBatches: 100, resources: both,
                metadata: [composed: [composed: 1, decomposed: 2], decomposed: 3])
            let made = try await store.write { tx in try tx.checkpoints.report(report) }
            #expect(made.size == 3)
            let found = try await store.checkpoints.get(uuid)
            #expect(found.resources.values == [composed: 1, decomposed: 2])
            #expect(found.metadata.values == report.metadata.values)
            try await store.write { tx in
                let wrong: Resources = [composed: 2]
                guard case .invalid("resources", _) = refused({ try tx.checkpoints.delete(uuid, leaving: wrong) })
                else {
                    Issue.record("\(wrong) isn't one of \(both)")
                    return
                }
                let left = try tx.checkpoints.delete(uuid, leaving: [decomposed: 2])
                #expect(left.size == 2)
            }
        }
    }
}

@Suite struct `A report belongs to its key` {
    @Test(arguments: TestEngine.allCases)
    func `the same again changes nothing, something else is a conflict that names the field`(
        _ engine: TestEngine
    ) async throws {
        try await withStore(engine) { store in
            let uuid = UUID()
            let (trial, step) = try await store.write { tx in
                let trial = try tx.aTrial()
                let step = try tx.run(trial, step: 1)
                try tx.save(trial, step: 1, uuid: uuid)
                return (trial, step)
            }
            let before = try await store.revision()
            try await store.write { tx in
                #expect(try tx.run(trial, step: 1) == step)
                _ = try tx.save(trial, step: 1, uuid: uuid)
                var report = WorkloadReport(
                    trial: trial.id, generation: 0, step: 1, kind: .runStep, totalBatches: 101,
                    metrics: ["loss": 0.5])
                let path = step.recordKey.path
                #expect(
                    refused { try tx.workloads.report(report) } == .reportConflict(path: path, field: "total batches"))
                report.totalBatches = 100
                report.metrics = ["loss": 0.25]
                #expect(refused { try tx.workloads.report(report) } == .reportConflict(path: path, field: "metrics"))
                report.metrics = nil
                #expect(refused { try tx.workloads.report(report) } == .reportConflict(path: path, field: "metrics"))

                let checkpoint = try tx.checkpoints.get(uuid)
                let key = checkpoint.recordKey.path
                let other = try tx.aTrial(of: try tx.experiments.get(trial.experiment))
                let present = CheckpointReport(
                    uuid: uuid, trial: trial.id, generation: 0, totalBatches: 100,
                    resources: ["weights": 100, "optimizer": 20])
                #expect(refused { try tx.checkpoints.report(present) } == nil)
                let changes: [(String, (inout CheckpointReport) -> Void)] = [
                    ("total batches", { $0.totalBatches = 99 }), ("storage id", { $0.storageID = "s3" }),
                    ("resources", { $0.resources = ["weights": 1] }), ("metadata", { $0.metadata = ["a": 1] }),
                    ("trial", { $0.trial = other.id }),
                ]
                for (field, change) in changes {
                    var changed = present
                    change(&changed)
                    let error = refused { try tx.checkpoints.report(changed) }
                    #expect(error == .reportConflict(path: key, field: field))
                }
                try tx.trials.transition(other.id, to: .completed)
            }
            let commits = try await store.commits(after: before)
            #expect(commits.count == 1 && commits[0].kinds == .trials, "only the other trial changed")
        }
    }
}
