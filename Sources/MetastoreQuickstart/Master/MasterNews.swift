package import MetastoreModel

/// What a running master has to tell, after it was committed.
package enum MasterNews: Sendable {
    /// It conducts this experiment, from this state on, in this epoch.
    case began(ID<Experiment>, ExperimentConfiguration, Simulation, epoch: Int64)
    /// One event was taken; with the metrics that were reported.
    case moved([Decision], metrics: NamedValues<Double>, Simulation)
    /// Checkpoints were collected.
    case collected(Int, bytes: Int)
}
