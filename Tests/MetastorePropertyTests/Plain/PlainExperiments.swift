import FoundationEssentials

/// Experiments, their trials and snapshots, as DOMAIN has them.
extension PlainStore {
    func experiment(_ id: Int64) throws(Refusal) -> PlainExperiment {
        guard let found = experiments[id] else { throw Refusal("not found experiments/\(id)") }
        return found
    }

    func trial(_ id: Int64) throws(Refusal) -> PlainTrial {
        guard let found = trials[id] else { throw Refusal("not found trial \(id)") }
        return found
    }

    mutating func createExperiment(_ new: PlainExperiment) throws(Refusal) -> String {
        if new.name.isEmpty { throw Refusal("invalid name") }
        if let external = new.externalID,
            let other = experiments.values.first(where: { $0.externalID == external })
        {
            throw Refusal("exists \(other.path)")
        }
        var experiment = new
        experiment.birth = birth()
        experiment.id = id("experiment")
        experiment.labels = Set(new.labels).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
        experiments[experiment.id] = experiment
        return experiment.path
    }

    mutating func moveExperiment(_ id: Int64, to state: String, isRestart: Bool = false) throws(Refusal) -> String {
        var experiment = try experiment(id)
        let path = experiment.path
        try check(
            path, experiment.state, state, PlainStates.experiment,
            also: isRestart && experiment.state == "STOPPING_ERROR" ? ["ACTIVE"] : [])
        if experiment.state == state { return path }
        experiment.state = state
        if experiment.isTerminal {
            let live = trials.values.filter { $0.experiment == id && $0.isLive }
            if state == "ERROR" {
                for trial in live {
                    trials[trial.id]!.state = "ERROR"
                    trials[trial.id]!.hasEnded = true
                }
            } else if !live.isEmpty {
                throw Refusal("refused \(path)")
            }
            experiment.hasEnded = true
        }
        experiments[id] = experiment
        return path
    }

    mutating func continueExperiment(_ id: Int64) throws(Refusal) -> String {
        var experiment = try experiment(id)
        guard experiment.isTerminal else {
            try check(experiment.path, experiment.state, "PAUSED by continue", PlainStates.experiment)
            return ""
        }
        experiment.state = "PAUSED"
        experiment.hasEnded = false
        experiment.progress = nil
        experiments[id] = experiment
        return experiment.path
    }

    mutating func editExperiment(
        _ id: Int64, labels: [String]?, isArchived: Bool?, progress: Double?
    ) throws(Refusal) -> String {
        var experiment = try experiment(id)
        if experiment.isBeingDeleted { throw Refusal("refused \(experiment.path)") }
        if let labels { experiment.labels = Set(labels).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) } }
        if let isArchived {
            if isArchived, !experiment.isTerminal { throw Refusal("invalid isArchived") }
            experiment.isArchived = isArchived
        }
        if let progress {
            guard (0...1).contains(progress) else { throw Refusal("invalid progress") }
            experiment.progress = progress == 0 ? 0 : progress
        }
        experiments[id] = experiment
        return experiment.path
    }

    /// The first step of a deletion.
    mutating func beginDeletion(_ id: Int64) throws(Refusal) {
        let experiment = try experiment(id)
        if experiment.state == "DELETING" { return }
        guard experiment.isTerminal || experiment.state == "DELETE_FAILED" else {
            throw Refusal(
                """
                transition \(experiment.path) \(experiment.state) DELETING \
                \(PlainStates.experiment[experiment.state, default: []].joined(separator: " "))
                """)
        }
        let isHeld = checkpoints.values.contains { checkpoint in
            checkpoint.experiment == id && (checkpoint.isPinned || isWarmStart(checkpoint.uuid))
        }
        if isHeld { throw Refusal("refused \(experiment.path)") }
        experiments[id]!.state = "DELETING"
    }

    mutating func endDeletion(_ id: Int64) {
        experiments[id] = nil
        snapshots[id] = nil
        trials = trials.filter { $0.value.experiment != id }
        workloads = workloads.filter { $0.value.experiment != id }
        checkpoints = checkpoints.filter { $0.value.experiment != id }
    }

    func isWarmStart(_ uuid: UUID) -> Bool { trials.values.contains { $0.warmStart == uuid && $0.isLive } }

    mutating func putSnapshot(
        _ id: Int64, _ version: Int64, _ content: String, expected: Int64?, found: Int64
    ) throws(Refusal) -> String {
        if version < 0 { throw Refusal("invalid version") }
        let owner = try experiment(id)
        let path = owner.path + "/snapshot"
        if owner.isBeingDeleted { throw Refusal("refused \(owner.path)") }
        if let expected, expected != found { throw Refusal("conflict \(path) \(expected) \(found)") }
        if let present = snapshots[id] {
            if present.version > version { throw Refusal("newer \(path) \(present.version) \(version)") }
            snapshots[id]!.version = version
            snapshots[id]!.content = content
        } else {
            snapshots[id] = PlainSnapshot(birth: birth(), experiment: id, version: version, content: content)
        }
        return path
    }

    // MARK: Trials

    mutating func createTrial(_ new: PlainTrial) throws(Refusal) -> String {
        let owner = try experiment(new.experiment)
        if let same = trials.values.first(where: {
            $0.experiment == new.experiment && $0.requestID == new.requestID
        }) {
            guard same.hparams == new.hparams, same.seed == new.seed, same.warmStart == new.warmStart else {
                throw Refusal("exists \(same.path)")
            }
            return same.path
        }
        if owner.isTerminal || owner.isBeingDeleted { throw Refusal("refused \(owner.path)") }
        if let warm = new.warmStart {
            guard let checkpoint = checkpoints[warm] else {
                throw Refusal("not found checkpoint \(warm.uuidString.lowercased())")
            }
            if checkpoint.state != "COMPLETED" { throw Refusal("refused \(checkpoint.path)") }
        }
        var trial = new
        trial.birth = birth()
        trial.id = id("trial")
        trials[trial.id] = trial
        return trial.path
    }

    mutating func moveTrial(_ id: Int64, to state: String) throws(Refusal) -> String {
        var trial = try trial(id)
        try check(trial.path, trial.state, state, PlainStates.trial)
        if trial.state == state { return trial.path }
        trial.state = state
        if !trial.isLive { trial.hasEnded = true }
        trials[id] = trial
        return trial.path
    }

    mutating func restartTrial(_ id: Int64) throws(Refusal) -> String {
        let trial = try trial(id)
        try check(
            trial.path, trial.state, "ACTIVE", PlainStates.trial,
            also: trial.state == "STOPPING_ERROR" ? ["ACTIVE"] : [])
        if trial.state != "PAUSED" { trials[id]!.restarts += 1 }
        rewind(id)
        return trial.path
    }

    mutating func continueTrial(_ id: Int64) throws(Refusal) -> String {
        let trial = try trial(id)
        if trial.isLive { try check(trial.path, trial.state, "ACTIVE by continue", PlainStates.trial) }
        let owner = try experiment(trial.experiment)
        if owner.isTerminal || owner.isBeingDeleted { throw Refusal("refused \(trial.path)") }
        rewind(id)
        return trial.path
    }

    /// DOMAIN 3.2.
    private mutating func rewind(_ id: Int64) {
        let point = latestCheckpoint(id)?.totalBatches ?? 0
        for workload in workloads.values where workload.trial == id && !workload.isRolledBack {
            if workload.totalBatches > point || workload.state == "ACTIVE" {
                workloads[workload.id]!.isRolledBack = true
            }
        }
        for checkpoint in checkpoints.values where checkpoint.trial == id && checkpoint.state == "ACTIVE" {
            checkpoints[checkpoint.uuid]!.state = "ERROR"
        }
        trials[id]!.state = "ACTIVE"
        trials[id]!.hasEnded = false
        trials[id]!.generation += 1
        trials[id]!.totalBatches = point
        refreshBest(id)
    }

    func latestCheckpoint(_ trial: Int64) -> PlainCheckpoint? {
        checkpoints.values.filter { $0.trial == trial && $0.state == "COMPLETED" }
            .max { ($0.totalBatches, $0.number) < ($1.totalBatches, $1.number) }
    }

    /// DOMAIN 3.3, by looking at every validation.
    mutating func refreshBest(_ id: Int64) {
        let trial = trials[id]!
        let isSmaller = experiments[trial.experiment]!.smallerIsBetter
        let live = workloads.values.filter {
            $0.trial == id && $0.kind == "COMPUTE_VALIDATION_METRICS" && $0.state == "COMPLETED" && !$0.isRolledBack
        }
        let best = live.filter { $0.metric != nil }.min { left, right in
            let (a, b) = (left.metric!, right.metric!)
            if a != b { return (a < b) == isSmaller }
            return (left.totalBatches, left.step) < (right.totalBatches, right.step)
        }
        trials[id]!.best = best?.id
        trials[id]!.metric = best?.metric
        trials[id]!.metricBatches = best?.totalBatches
        trials[id]!.latest =
            live.max { ($0.totalBatches, $0.step, $0.id) < ($1.totalBatches, $1.step, $1.id) }?.id
    }
}
