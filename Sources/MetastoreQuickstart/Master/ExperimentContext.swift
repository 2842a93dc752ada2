internal import FoundationEssentials
internal import Metastore
package import MetastoreModel

/// What the state machines of one experiment share.
struct ExperimentContext: Sendable {
    let store: Metastore
    let experiment: ID<Experiment>
    let configuration: ExperimentConfiguration
    let plan: SimulationPlan
    let folder: CheckpointFolder
    /// Makes the UUIDs of checkpoints differ from those of every other experiment, also of equal ones.
    private let checkpointSeed: UInt64

    init(
        store: Metastore, experiment: Experiment, configuration: ExperimentConfiguration,
        folder: CheckpointFolder
    ) {
        self.store = store
        self.experiment = experiment.id
        self.configuration = configuration
        plan = SimulationPlan(configuration)
        self.folder = folder
        var stream = Randomness(
            seed: configuration.seed, "experiment", .text(experiment.externalID ?? "\(experiment.id)"))
        checkpointSeed = stream.next()
    }

    /// The UUID of the checkpoint that a workload makes.
    func checkpointID(_ key: WorkloadKey) -> UUID { key.checkpointID(seed: checkpointSeed) }

    /// The simulation a snapshot tells of.
    func simulation(_ snapshot: ExperimentSnapshot?) throws -> Simulation {
        guard let snapshot else { throw MasterError.rowsDisagree("experiment \(experiment) has no snapshot") }
        return try Simulation(resuming: SimulationState(snapshot: snapshot.content.text), plan)
    }

    /// The trial of a request.
    func trial(_ request: RequestID, _ found: Trial?) throws -> Trial {
        guard let found else { throw MasterError.rowsDisagree("trial \(request) is missing") }
        return found
    }
}

/// Why the master stopped.
package enum MasterError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Rows and snapshot, which are written together, contradict each other.
    case rowsDisagree(String)
    /// An experiment with the same external id has another configuration.
    case otherConfiguration(ID<Experiment>)

    package var description: String {
        switch self {
        case .rowsDisagree(let what):
            "the store contradicts itself: \(what). Nothing was changed; keep the files, and report this"
        case .otherConfiguration(let experiment):
            "experiment \(experiment) goes by this configuration's id, but has another one; "
                + "use another folder (--data)"
        }
    }
}
