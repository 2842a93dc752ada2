import FoundationEssentials

/// Workloads and checkpoints, as DOMAIN has them.
extension PlainStore {
    private func checkGeneration(_ trial: PlainTrial, _ reported: Int64) throws(Refusal) {
        if reported < trial.generation {
            throw Refusal("stale \(trial.path) \(reported) \(trial.generation)")
        }
        if reported > trial.generation { throw Refusal("invalid generation") }
    }

    /// - Parameter searcher: the number under the experiment's metric name, if it is finite.
    mutating func reportWorkload(
        _ id: Int64, _ generation: Int64, _ step: Int64, _ kind: String, _ state: String, _ totalBatches: Int64,
        _ metrics: String?, _ searcher: Double?
    ) throws(Refusal) -> String {
        if step < 0 { throw Refusal("invalid step") }
        if totalBatches < 0 { throw Refusal("invalid totalBatches") }
        if state == "ACTIVE", metrics != nil { throw Refusal("invalid metrics") }
        let trial = try trial(id)
        try checkGeneration(trial, generation)
        func results(_ workload: inout PlainWorkload) {
            workload.state = state
            guard state != "ACTIVE" else { return }
            workload.metrics = metrics
            if kind == "COMPUTE_VALIDATION_METRICS", state == "COMPLETED" {
                workload.metric = searcher.map { $0 == 0 ? 0 : $0 }
            }
        }
        let same = workloads.values.first {
            $0.trial == id && $0.generation == generation && $0.step == step && $0.kind == kind
        }
        var workload: PlainWorkload
        if let same {
            if same.totalBatches != totalBatches { throw Refusal("report \(same.path) total batches") }
            if same.state != "ACTIVE" || state == "ACTIVE" {
                if same.state != state { throw Refusal("report \(same.path) state") }
                if same.metrics != metrics { throw Refusal("report \(same.path) metrics") }
                return same.path
            }
            if !trial.isLive { throw Refusal("refused \(trial.path)") }
            workload = same
        } else {
            if !trial.isLive { throw Refusal("refused \(trial.path)") }
            let live = workloads.values.filter { $0.trial == id && $0.step == step && !$0.isRolledBack }
            if live.contains(where: { $0.kind == kind }) {
                throw Refusal("exists \(trial.path) \(kind) of step \(step)")
            }
            if kind == "COMPUTE_VALIDATION_METRICS" || kind == "CHECKPOINT_MODEL" {
                guard let step = live.first(where: { $0.kind == "RUN_STEP" && $0.state == "COMPLETED" }) else {
                    throw Refusal("refused \(trial.path)")
                }
                if step.totalBatches != totalBatches { throw Refusal("report \(step.path) total batches") }
            }
            if kind == "COMPUTE_VALIDATION_METRICS" || kind == "CHECKPOINT_MODEL",
                let run = live.first(where: { $0.kind == "RUN_STEP" }), run.totalBatches != totalBatches
            {
                throw Refusal("report \(run.path) total batches")
            }
            workload = PlainWorkload(
                birth: birth(), id: self.id("workload"), experiment: trial.experiment, trial: id,
                generation: generation, step: step, kind: kind, state: state, totalBatches: totalBatches)
        }
        results(&workload)
        workloads[workload.id] = workload
        if state == "COMPLETED" {
            trials[id]!.totalBatches = max(trial.totalBatches, totalBatches)
            refreshBest(id)
        }
        return workload.path
    }

    mutating func reportCheckpoint(_ new: PlainCheckpoint, generation: Int64) throws(Refusal) -> String {
        guard ["ACTIVE", "COMPLETED", "ERROR"].contains(new.state) else { throw Refusal("invalid state") }
        if new.totalBatches < 0 { throw Refusal("invalid totalBatches") }
        let trial = try trial(new.trial)
        try checkGeneration(trial, generation)
        if let same = checkpoints[new.uuid] {
            func conflict(_ field: String) -> Refusal { Refusal("report \(same.path) \(field)") }
            if same.trial != new.trial { throw conflict("trial") }
            if same.workload != new.workload { throw conflict("workload") }
            if same.totalBatches != new.totalBatches { throw conflict("total batches") }
            if same.storage != new.storage { throw conflict("storage id") }
            if same.state != "ACTIVE" || new.state == "ACTIVE" {
                if same.state != new.state { throw conflict("state") }
                if same.files != new.files { throw conflict("resources") }
                if same.metadata != new.metadata { throw conflict("metadata") }
                return same.path
            }
            if !trial.isLive { throw Refusal("refused \(trial.path)") }
            checkpoints[new.uuid]!.state = new.state
            checkpoints[new.uuid]!.files = new.files
            checkpoints[new.uuid]!.metadata = new.metadata
            return same.path
        }
        if !trial.isLive { throw Refusal("refused \(trial.path)") }
        if let source = new.workload {
            guard let workload = workloads[source] else { throw Refusal("not found workload \(source)") }
            guard workload.trial == trial.id, workload.kind == "CHECKPOINT_MODEL", !workload.isRolledBack else {
                throw Refusal("refused \(workload.path)")
            }
            if workload.totalBatches != new.totalBatches { throw Refusal("report \(workload.path) total batches") }
        } else if new.totalBatches > trial.totalBatches {
            throw Refusal("refused \(trial.path)")
        }
        var checkpoint = new
        checkpoint.birth = birth()
        checkpoint.number = id("checkpoint")
        checkpoint.experiment = trial.experiment
        checkpoints[new.uuid] = checkpoint
        return checkpoint.path
    }

    func checkpoint(_ uuid: UUID) throws(Refusal) -> PlainCheckpoint {
        guard let found = checkpoints[uuid] else {
            throw Refusal("not found checkpoint \(uuid.uuidString.lowercased())")
        }
        return found
    }

    private func checkMayGo(_ checkpoint: PlainCheckpoint) throws(Refusal) {
        let refusal = Refusal("refused \(checkpoint.path)")
        if checkpoint.isPinned { throw refusal }
        guard checkpoint.state == "COMPLETED" else { return }
        if trials[checkpoint.trial]!.isLive, latestCheckpoint(checkpoint.trial)?.uuid == checkpoint.uuid {
            throw refusal
        }
        if isWarmStart(checkpoint.uuid) { throw refusal }
    }

    mutating func deleteCheckpoint(_ uuid: UUID, leaving rest: [String: Int64]?) throws(Refusal) -> String {
        let present = try checkpoint(uuid)
        let state = rest == nil ? "DELETED" : "PARTIALLY_DELETED"
        if present.state == state, rest == nil || rest == present.files { return present.path }
        try check(present.path, present.state, state, PlainStates.checkpoint)
        if let rest {
            guard rest.count < present.files.count, rest.allSatisfy({ present.files[$0.key] == $0.value }) else {
                throw Refusal("invalid resources")
            }
        }
        try checkMayGo(present)
        checkpoints[uuid]!.state = state
        checkpoints[uuid]!.files = rest ?? [:]
        return present.path
    }

    mutating func pin(_ uuid: UUID, _ isPinned: Bool) throws(Refusal) -> String {
        let present = try checkpoint(uuid)
        if isPinned, present.state != "COMPLETED" { throw Refusal("refused \(present.path)") }
        checkpoints[uuid]!.isPinned = isPinned
        return present.path
    }
}
