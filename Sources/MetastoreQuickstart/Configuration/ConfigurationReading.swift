import Yams

extension ExperimentConfiguration {
    /// Reads and checks a configuration.
    ///
    /// - Throws: ``ConfigurationError`` with every problem that was found, each with its line and column.
    package init(yaml source: String) throws(ConfigurationError) {
        try ConfigurationLimits.check(source)
        let findings = ConfigurationFindings()
        let root = ConfigurationNode(node: try YAMLText.root(of: source), path: "", findings: findings)
        try YAMLText.checkSize(of: root.node)
        guard let top = ConfigurationSection(root) else {
            try findings.check()
            preconditionFailure("a document that is no mapping was refused")
        }
        let name = top.required("name", "mnist-random")?.text()
        let description = top.optional("description")?.text(bytesMax: ConfigurationLimits.descriptionBytesMax)
        let labels = top.optional("labels")?.list(countMax: ConfigurationLimits.labelsMax)?
            .compactMap { $0.text() }
        let hyperparameters = Self.hyperparameters(in: top)
        let batches = 0...ConfigurationLimits.batchesMax
        let searcher = top.required("searcher", "{name: random, metric: validation_loss, …}")
            .flatMap { ConfigurationSection($0) }
            .flatMap { SearcherConfiguration(reading: $0, hyperparameters: hyperparameters) }
        let simulation = SimulationConfiguration(reading: top.section("simulation"))
        let resources = ResourceConfiguration(reading: top.section("resources"), on: simulation)
        let schedulingUnit = top.integer(
            "scheduling_unit", in: 1...ConfigurationLimits.batchesMax, default: 100)
        let validation = top.integer("min_validation_period", in: batches, default: 0)
        let checkpoint = top.integer("min_checkpoint_period", in: batches, default: 0)
        let retention = RetentionConfiguration(reading: top.section("checkpoint_policy"))
        let restarts = top.integer("max_restarts", in: 0...ConfigurationLimits.restartsMax, default: 5)
        let seed = top.integer("seed", in: 0...Int.max, default: 0)
        top.finish()
        try findings.check()
        guard let name, let searcher else { preconditionFailure("what is missing was refused") }
        self.init(
            name: name, description: description, labels: labels ?? [], hyperparameters: hyperparameters,
            searcher: searcher, resources: resources, schedulingUnit: schedulingUnit,
            minValidationPeriod: validation, minCheckpointPeriod: checkpoint, retention: retention,
            maxRestarts: restarts, seed: UInt64(seed), simulation: simulation, source: source,
            json: YAMLText.json(root.node), notes: findings.notes)
    }

    private static func hyperparameters(in top: ConfigurationSection) -> [String: Hyperparameter] {
        guard
            let section = top.required("hyperparameters", "{learning_rate: 0.1}")
                .flatMap({ ConfigurationSection($0) })
        else { return [:] }
        let entries = section.entries
        guard entries.count <= ConfigurationLimits.hyperparametersMax else {
            section.place.refuse(
                "has \(entries.count) entries; at most \(ConfigurationLimits.hyperparametersMax)")
            return [:]
        }
        var found: [String: Hyperparameter] = [:]
        for (name, value) in entries {
            guard let text = name.text(), let hyperparameter = Hyperparameter(reading: value) else {
                continue
            }
            TrainerSettings.check(hyperparameter, named: text, at: value)
            found[text] = hyperparameter
        }
        return found
    }
}

extension ResourceConfiguration {
    init(reading section: ConfigurationSection?, on cluster: SimulationConfiguration) {
        slotsPerTrial = 1
        let place = section?.optional("slots_per_trial")
        if let slots = place?.integer(
            in: 1...ConfigurationLimits.agentsMax * ConfigurationLimits.slotsPerAgentMax)
        {
            slotsPerTrial = slots
        }
        priority = section?.integer("priority", in: 0...99, default: 42) ?? 42
        pool = section?.optional("pool")?.text() ?? "default"
        section?.finish()

        let all = cluster.agents * cluster.slotsPerAgent
        if slotsPerTrial > all {
            place?.refuse(
                "is \(slotsPerTrial), but the cluster has \(all) slots (simulation.agents × slots_per_agent)"
                    + ": such a trial would wait for ever")
        } else if slotsPerTrial > cluster.slotsPerAgent, slotsPerTrial % cluster.slotsPerAgent != 0 {
            place?.refuse(
                "is \(slotsPerTrial): a trial on more than one agent takes whole agents, so this must be a "
                    + "multiple of simulation.slots_per_agent (\(cluster.slotsPerAgent))")
        }
    }
}

extension RetentionConfiguration {
    init(reading section: ConfigurationSection?) {
        let range = 0...ConfigurationLimits.checkpointsKeptMax
        experimentBest = section?.integer("save_experiment_best", in: range, default: 0) ?? 0
        trialBest = section?.integer("save_trial_best", in: range, default: 1) ?? 1
        trialLatest = section?.integer("save_trial_latest", in: range, default: 1) ?? 1
        section?.finish()
    }
}

extension SimulationConfiguration {
    init(reading section: ConfigurationSection?) {
        self = .standard
        guard let section else { return }
        agents = section.integer("agents", in: 1...ConfigurationLimits.agentsMax, default: agents)
        slotsPerAgent = section.integer(
            "slots_per_agent", in: 1...ConfigurationLimits.slotsPerAgentMax, default: slotsPerAgent)
        agentLossProbability = section.number(
            "agent_loss_probability", in: 0...1, default: agentLossProbability)
        agentReturnSeconds = section.number(
            "agent_return_seconds", in: 0.001...86_400, default: agentReturnSeconds)
        batchSeconds = section.number("batch_seconds", in: 0.000_001...3600, default: batchSeconds)
        durationSpread = section.number("duration_spread", in: 0...0.9, default: durationSpread)
        section.finish()
    }
}
