package import MetastoreModel

extension RecordKind {
    /// How records of this kind are kept and logged.
    package var table: Table {
        switch self {
        case .experiment: Experiment.table
        case .trial: Trial.table
        case .workload: Workload.table
        case .checkpoint: Checkpoint.table
        case .snapshot: ExperimentSnapshot.table
        case .pool: ResourcePool.table
        case .agent: Agent.table
        case .slot: Slot.table
        case .task: ClusterTask.table
        case .allocation: Allocation.table
        case .container: Container.table
        case .port: PortReservation.table
        case .instance: Instance.table
        case .spotRequest: SpotRequest.table
        case .keyValue: KeyValueEntry.table
        case .lease: Lease.table
        case .document: Document.table
        case .consumer: Consumer.table
        case .leadership: Leadership.table
        case .cluster: ClusterRow.table
        }
    }
}
