package import Metastore
package import MetastoreModel

/// A small but real master: takes the lead, conducts an experiment to its end, and after any death goes on
/// where it was.
///
/// Everything it knows is in the store. Its state machines are named consumers of the feed, and each writes
/// its decisions in one transaction with its position: the experiment (``ExperimentConsumer``), the scheduler
/// (``SchedulerConsumer``), the trials' ends (``TrialConsumer``) and the collector (``CheckpointCollector``).
/// The agents are simulated (``SimulatedAgents``), what they train is real.
package struct Master: Sendable {
    private let store: Metastore
    private let folder: CheckpointFolder
    private let pace: Duration
    private let observer: @Sendable (MasterNews) -> Void

    /// - Parameters:
    ///   - checkpoints: the folder for the files of checkpoints.
    ///   - pace: how long to wait before each event.
    ///   - observer: is told what happens, after it is durable.
    package init(
        _ store: Metastore, checkpoints: String, pace: Duration = .zero,
        observer: @escaping @Sendable (MasterNews) -> Void = { _ in }
    ) {
        self.store = store
        folder = CheckpointFolder(checkpoints)
        self.pace = pace
        self.observer = observer
    }

    /// What came of a run.
    package struct Outcome: Sendable {
        package let experiment: ID<Experiment>
        /// Whether it had ended before.
        package let wasOver: Bool
    }

    /// Conducts the experiment of a configuration: creates it, or goes on with its latest run. Experiments
    /// that an earlier master left unfinished are ended first, in the order they were created.
    ///
    /// - Parameter again: whether to begin another run when the latest one has ended.
    package func run(_ configuration: ExperimentConfiguration, again: Bool = false) async throws -> Outcome {
        let setup = ExperimentSetup(store: store, configuration: configuration)
        let (found, count) = try await setup.latest()
        if let found, !again, try await isOver(found.id) {
            return Outcome(experiment: found.id, wasOver: true)
        }
        return try await store.lead(as: "quickstart") { leadership in
            for other in try await store.experiments.unfinished()
            where other.id != found?.id && ExperimentSetup.isOurs(other) {
                let text = try await store.experiments.config(other.id).text
                try await conduct(other, try ExperimentConfiguration(yaml: text), leadership)
            }
            var experiment = found
            if let ended = found, again, try await isOver(ended.id) { experiment = nil }
            if experiment == nil { experiment = try await setup.create(after: count) }
            guard let experiment else { preconditionFailure("it was found or created") }
            try await conduct(experiment, configuration, leadership)
            return Outcome(experiment: experiment.id, wasOver: false)
        }
    }

    /// Whether an experiment has ended and nothing of it is left to collect.
    private func isOver(_ id: ID<Experiment>) async throws -> Bool {
        try await store.read { tx in
            try tx.experiments.get(id).state.isTerminal && tx.checkpoints.collectable(id).isEmpty
        }
    }

    private func conduct(
        _ experiment: Experiment, _ configuration: ExperimentConfiguration, _ leadership: Leadership
    ) async throws {
        let context = ExperimentContext(
            store: store, experiment: experiment, configuration: configuration, folder: folder)
        let snapshot = try await store.snapshots.get(experiment.id, upTo: Int64(SimulationState.version))
        let simulation = try context.simulation(snapshot)
        observer(.began(experiment.id, configuration, simulation, epoch: leadership.epoch.number))
        try await withThrowingTaskGroup(of: Bool.self) { group in
            group.addTask {
                try await CheckpointCollector(context: context, observer: observer).run()
                return true
            }
            group.addTask {
                try await ExperimentConsumer(context: context, observer: observer).run(from: simulation)
                return false
            }
            group.addTask {
                try await SchedulerConsumer(context: context).run()
                return false
            }
            group.addTask {
                try await TrialConsumer(context: context).run()
                return false
            }
            group.addTask {
                var agents = SimulatedAgents(context, pace: pace)
                try await agents.run()
                return false
            }
            while let isOver = try await group.next() {
                guard isOver else { continue }
                return group.cancelAll()
            }
        }
    }
}
