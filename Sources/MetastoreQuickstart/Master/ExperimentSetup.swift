internal import Metastore
internal import MetastoreModel

/// How an experiment comes into the store, and is found there again.
struct ExperimentSetup: Sendable {
    let store: Metastore
    let configuration: ExperimentConfiguration

    /// The idempotency key of the `count`-th run of a configuration, from 1: equal for equal settings,
    /// however the file is laid out.
    private func externalID(_ count: Int) -> String {
        "\(Self.prefix)\(ModelCheckpoint.checksum(Array(configuration.json.utf8)))-\(count)"
    }

    private static let prefix = "quickstart-"

    /// Whether an experiment was created here.
    static func isOurs(_ experiment: Experiment) -> Bool {
        experiment.externalID?.hasPrefix(prefix) ?? false
    }

    /// The latest run of the configuration, or nil; and how many there are.
    func latest() async throws -> (experiment: Experiment?, count: Int) {
        var latest: Experiment?
        var count = 0
        while let found = try await store.experiments.find(externalID: externalID(count + 1)) {
            latest = found
            count += 1
        }
        if let latest {
            let stored = try await store.experiments.config(latest.id)
            guard try stored == JSONObject(parsing: configuration.json) else {
                throw MasterError.otherConfiguration(latest.id)
            }
        }
        return (latest, count)
    }

    /// Creates the next run of the configuration: pool, agents with their slots, experiment, first trials and
    /// snapshot in one transaction.
    func create(after count: Int) async throws -> Experiment {
        let (configuration, externalID) = (configuration, externalID(count + 1))
        let (simulation, decisions) = Simulation.begin(SimulationPlan(configuration))
        let new = try Self.newExperiment(configuration, externalID)
        let (store, folder) = (store, CheckpointFolder(""))
        return try await store.write { tx in
            try tx.pools.put(NewPool(name: configuration.resources.pool))
            for agent in 0..<configuration.simulation.agents {
                try tx.agents.register(Self.registration(of: agent, in: configuration))
            }
            for agent in try tx.agents.all() where agent.state != .gone {
                guard let number = AgentName.number(of: agent.id), number >= configuration.simulation.agents
                else { continue }
                try tx.agents.transition(agent.id, to: .gone)  // of an earlier, larger cluster
            }
            let experiment = try tx.experiments.create(new)
            let context = ExperimentContext(
                store: store, experiment: experiment, configuration: configuration, folder: folder)
            let writer = DecisionWriter(context: context)
            for decision in decisions { try writer.write(decision, tx) }
            try writer.write(simulation.state, tx)
            return experiment
        }
    }

    /// How an agent registers, the first time and again.
    static func registration(of agent: Int, in configuration: ExperimentConfiguration) -> NewAgent {
        let name = AgentName.of(agent)
        return NewAgent(
            id: name, pool: configuration.resources.pool, address: "simulated", version: Metastore.version,
            slots: (0..<configuration.simulation.slotsPerAgent).map { slot in
                NewSlot(index: Int64(slot), device: .gpu, uuid: "\(name)-\(slot)", brand: "simulated")
            })
    }

    private static func newExperiment(
        _ configuration: ExperimentConfiguration, _ externalID: String
    ) throws -> NewExperiment {
        NewExperiment(
            name: configuration.name, config: try JSONObject(parsing: configuration.json),
            labels: configuration.labels, notes: configuration.description ?? "",
            priority: Int64(configuration.resources.priority), pool: configuration.resources.pool,
            metric: configuration.searcher.metric, smallerIsBetter: configuration.searcher.smallerIsBetter,
            retention: RetentionPolicy(
                experimentBest: configuration.retention.experimentBest,
                trialBest: configuration.retention.trialBest,
                trialLatest: configuration.retention.trialLatest),
            externalID: externalID, startsActive: true)
    }
}
