/// What an experiment is: read from YAML, checked once, never changed.
package struct ExperimentConfiguration: Hashable, Sendable {
    package var name: String
    package var description: String?
    package var labels: [String]
    /// Where each hyperparameter's values come from.
    package var hyperparameters: [String: Hyperparameter]
    package var searcher: SearcherConfiguration
    package var resources: ResourceConfiguration
    /// The work given out at a time, in batches.
    package var schedulingUnit: Int
    /// Validate after at least so many batches; 0: only where the searcher asks for it.
    package var minValidationPeriod: Int
    /// Checkpoint after at least so many batches; 0: only where the searcher asks for a validation.
    package var minCheckpointPeriod: Int
    package var retention: RetentionConfiguration
    /// How often a trial may restart before it counts as failed.
    package var maxRestarts: Int
    /// Everything random hangs on this.
    package var seed: UInt64
    package var simulation: SimulationConfiguration
    /// The text this was read from, byte by byte.
    package var source: String
    /// The same document as JSON with sorted keys: what the store keeps. JSON is YAML: it reads back to an
    /// equal configuration, but for ``source`` and ``notes``.
    package var json: String
    /// What isn't wrong but worth a look, such as a hyperparameter the example's model doesn't use.
    package var notes: [ConfigurationProblem]
}

/// Which searcher, and how far it goes.
package struct SearcherConfiguration: Hashable, Sendable {
    package var method: SearchMethod
    /// The validation metric that decides.
    package var metric: String
    package var smallerIsBetter: Bool
    /// How many trials train at a time.
    package var maxConcurrentTrials: Int
}

/// What a trial runs on.
package struct ResourceConfiguration: Hashable, Sendable {
    package var slotsPerTrial: Int
    /// 0 … 99; smaller goes first.
    package var priority: Int
    package var pool: String
}

/// How many checkpoints to keep (DOMAIN, invariant 4).
package struct RetentionConfiguration: Hashable, Sendable {
    package var experimentBest: Int
    package var trialBest: Int
    package var trialLatest: Int
}

/// The cluster that is simulated, in virtual time.
package struct SimulationConfiguration: Hashable, Sendable {
    package var agents: Int
    package var slotsPerAgent: Int
    /// For each step of each trial, the chance that one of its agents is lost on the way.
    package var agentLossProbability: Double
    /// How long a lost agent stays away, about.
    package var agentReturnSeconds: Double
    /// How long a batch takes, about.
    package var batchSeconds: Double
    /// How much durations vary: 0.2 is ±20 %.
    package var durationSpread: Double

    /// A small cluster on which a few things go wrong.
    package static let standard = SimulationConfiguration(
        agents: 4, slotsPerAgent: 2, agentLossProbability: 0.02, agentReturnSeconds: 60, batchSeconds: 0.05,
        durationSpread: 0.2)
}
