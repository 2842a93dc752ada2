import FoundationEssentials
import Metastore
import MetastoreModel

extension CallMaker {
    /// The canonical text of a metric, and the number if it is finite.
    private static let metrics: [(text: String, metric: Double?)] = [
        ("{\"m\":0.5}", 0.5), ("{\"m\":0.25}", 0.25), ("{\"m\":\"NaN\"}", nil), ("{\"m\":\"-Infinity\"}", nil),
        ("{\"m\":1.0}", 1), ("{\"other\":1.0}", nil), ("{}", nil), ("{\"m\":1e+300}", 1e300), ("{\"m\":-3.5}", -3.5),
    ]

    mutating func reportCall(_ plain: PlainHistory) -> Call {
        let id = id(plain.store.trials.keys)
        let trial = plain.store.trials[id]
        let ran = plain.store.workloads.values.filter {
            $0.trial == id && $0.kind == "RUN_STEP" && $0.state == "COMPLETED" && !$0.isRolledBack
        }.sorted { $0.id < $1.id }
        var kind = random.pick([
            WorkloadKind.runStep, .runStep, .computeValidationMetrics, .checkpointModel, .terminate,
        ])
        let state = random.pick([WorkloadState.completed, .completed, .completed, .completed, .active, .error])
        var step = random.chance(3) ? -1 : random.number(1...12)
        var batches = random.chance(3) ? -1 : random.chance(85) ? step * 100 : random.number(0...700)
        if !ran.isEmpty, random.chance(60) {
            let run = random.pick(ran)
            kind = random.chance(60) ? .computeValidationMetrics : .checkpointModel
            (step, batches) = (run.step, run.totalBatches)
        }
        let generation = random.chance(90) ? trial?.generation ?? 0 : random.number(0...3)
        let metrics = random.chance(state == .active ? 5 : 80) ? random.pick(Self.metrics) : nil
        let (reported, at, after) = (kind, step, batches)
        return Call("workloads.report \(id)/\(generation) \(step) \(kind) \(state) \(batches)") {
            (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in
                try store.reportWorkload(
                    id, generation, at, reported.name, state.name, after, metrics?.text, metrics?.metric)
            }
        } real: { tx in
            [
                Summary.of(
                    try tx.workloads.report(
                        WorkloadReport(
                            trial: ID(rawValue: id), generation: generation, step: at, kind: reported, state: state,
                            totalBatches: after, metrics: try metrics.map { try Metrics(parsing: $0.text) })))
            ]
        }
    }

    mutating func checkpointCall(_ plain: PlainHistory) -> Call {
        let store = plain.store
        let known = store.checkpoints.values.sorted { $0.number < $1.number }
        let uuid = known.isEmpty || random.chance(5) ? random.uuid() : random.pick(known).uuid
        switch random.number(0...9) {
        case 0...5: return reportCheckpoint(plain, known)
        case 6:
            return Call("checkpoints.delete \(uuid)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.deleteCheckpoint(uuid, leaving: nil) }
            } real: { tx in
                [Summary.of(try tx.checkpoints.delete(uuid))]
            }
        case 7:
            let rest: [String: Int64] = random.pick([[:], ["a": 1], ["a": 1, "b": 2], ["a": 2]])
            return Call("checkpoints.delete \(uuid) leaving \(rest.count)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.deleteCheckpoint(uuid, leaving: rest) }
            } real: { tx in
                [Summary.of(try tx.checkpoints.delete(uuid, leaving: try Resources(rest)))]
            }
        default:
            let isPinned = random.chance(50)
            return Call("checkpoints.pin \(uuid) \(isPinned)") { (draft) throws(Refusal) in
                try draft.answer { (store) throws(Refusal) in try store.pin(uuid, isPinned) }
            } real: { tx in
                [Summary.of(isPinned ? try tx.checkpoints.pin(uuid) : try tx.checkpoints.unpin(uuid))]
            }
        }
    }

    private mutating func reportCheckpoint(_ plain: PlainHistory, _ known: [PlainCheckpoint]) -> Call {
        let store = plain.store
        let state = random.pick([CheckpointState.completed, .completed, .active, .error, .deleted])
        let files: [String: Int64] = random.pick([[:], ["a": 1], ["a": 1, "b": 2], ["a": 1, "b": 2, "c": 0]])
        var new: PlainCheckpoint
        var generation: Int64
        if !known.isEmpty, random.chance(35) {
            new = random.pick(known)
            generation = store.trials[new.trial]?.generation ?? 0
            new.state = state.name
            if random.chance(10) { new.storage = "elsewhere" }
        } else {
            let id = id(store.trials.keys)
            let trial = store.trials[id]
            let models = store.workloads.values.filter { $0.trial == id && $0.kind == "CHECKPOINT_MODEL" }
                .sorted { $0.id < $1.id }
            let model = models.isEmpty || random.chance(60) ? nil : random.pick(models)
            new = PlainCheckpoint(
                birth: 0, number: 0, uuid: random.uuid(), experiment: 0, trial: id,
                workload: model?.id ?? (random.chance(5) ? 999 : nil), state: state.name,
                totalBatches: model?.totalBatches ?? batches(of: trial, store),
                storage: "s", files: files, metadata: "{}")
            generation = random.chance(92) ? trial?.generation ?? 0 : random.number(0...2)
        }
        let (report, run) = (new, generation)
        return Call("checkpoints.report \(new.uuid) \(state) \(new.totalBatches)") { (draft) throws(Refusal) in
            try draft.answer { (store) throws(Refusal) in try store.reportCheckpoint(report, generation: run) }
        } real: { tx in
            [
                Summary.of(
                    try tx.checkpoints.report(
                        CheckpointReport(
                            uuid: report.uuid, trial: ID(rawValue: report.trial), generation: run,
                            workload: report.workload.map { ID(rawValue: $0) }, state: state,
                            totalBatches: report.totalBatches, storageID: report.storage,
                            resources: try Resources(report.files), metadata: [:])))
            ]
        }
    }

    /// Mostly where the trial was validated, so that retention has something to rank.
    private mutating func batches(of trial: PlainTrial?, _ store: PlainStore) -> Int64 {
        let validated = store.workloads.values.filter { $0.trial == trial?.id && $0.metric != nil }
            .map(\.totalBatches).sorted()
        if !validated.isEmpty, random.chance(70) { return random.pick(validated) }
        return random.chance(80) ? min(trial?.totalBatches ?? 0, random.number(0...12) * 100) : 250
    }

    mutating func keyValueCall(_ plain: PlainHistory) -> Call {
        let (namespace, key) = (random.chance(3) ? "" : random.pick(["n", "m"]), "k\(random.number(0...5))")
        let path = "kv/\(namespace)/\(key)"
        let revision = expected(plain.revision(of: path))
        switch random.number(0...9) {
        case 0...4:
            let lease: Int64? = random.chance(40) ? id(plain.store.leases.keys) : nil
            let value: [UInt8] = random.pick([[], [0], [0xFF, 0]])
            return Call("keyValue.put \(path)") { (draft) throws(Refusal) in
                let found = draft.revision(of: path)
                return try draft.answer { (store) throws(Refusal) in
                    try store.put(namespace, key, value, lease: lease, expected: revision, found: found)
                }
            } real: { tx in
                [
                    Summary.of(
                        try tx.keyValue.put(
                            EntryKey(namespace: namespace, key: key), value, ifRevision: revision.map { Revision($0) },
                            lease: lease.map { ID(rawValue: $0) }))
                ]
            }
        case 5, 6:
            return Call("keyValue.delete \(path)") { (draft) throws(Refusal) in
                let found = draft.revision(of: path)
                if let revision, revision != found { throw Refusal("conflict \(path) \(revision) \(found)") }
                return ["\(draft.store.entries.removeValue(forKey: path) != nil)"]
            } real: { tx in
                let key = EntryKey(namespace: namespace, key: key)
                return ["\(try tx.keyValue.delete(key, ifRevision: revision.map { Revision($0) }))"]
            }
        case 7, 8:
            let time = Duration.seconds(random.pick([0, 1, 60, 100_000]))
            return Call("leases.grant \(time)") { (draft) throws(Refusal) in
                guard (1...86_400).contains(time.components.seconds) else { throw Refusal("invalid timeToLive") }
                let lease = PlainLease(birth: draft.store.birth(), id: draft.store.id("lease"), timeToLive: time)
                draft.store.leases[lease.id] = lease
                return [draft.line(lease.path)]
            } real: { tx in
                [Summary.of(try tx.leases.grant(timeToLive: time))]
            }
        default:
            let lease = id(plain.store.leases.keys)
            return Call("leases.revoke \(lease)") { (draft) throws(Refusal) in
                try draft.store.revoke(lease)
                return []
            } real: { tx in
                try tx.leases.revoke(ID(rawValue: lease))
                return []
            }
        }
    }
}
