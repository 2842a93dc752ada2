public import MetastoreModel

extension Metastore {
    /// The experiments, each call a read or a write of its own.
    public var experiments: AsyncRepository<Experiment> { AsyncRepository(self) }

    /// The trials, each call a read or a write of its own.
    public var trials: AsyncRepository<Trial> { AsyncRepository(self) }

    /// The workloads, each call a read or a write of its own.
    public var workloads: AsyncRepository<Workload> { AsyncRepository(self) }

    /// The checkpoints, each call a read or a write of its own.
    public var checkpoints: AsyncRepository<Checkpoint> { AsyncRepository(self) }

    /// The snapshots, each call a read or a write of its own.
    public var snapshots: AsyncRepository<ExperimentSnapshot> { AsyncRepository(self) }

    /// The pools, each call a read or a write of its own.
    public var pools: AsyncRepository<ResourcePool> { AsyncRepository(self) }

    /// The agents, each call a read or a write of its own.
    public var agents: AsyncRepository<Agent> { AsyncRepository(self) }

    /// The slots, each call a read or a write of its own.
    public var slots: AsyncRepository<Slot> { AsyncRepository(self) }

    /// The tasks, each call a read or a write of its own.
    public var tasks: AsyncRepository<ClusterTask> { AsyncRepository(self) }

    /// The allocations, each call a read or a write of its own.
    public var allocations: AsyncRepository<Allocation> { AsyncRepository(self) }

    /// The containers, each call a read or a write of its own.
    public var containers: AsyncRepository<Container> { AsyncRepository(self) }

    /// The ports, each call a read or a write of its own.
    public var ports: AsyncRepository<PortReservation> { AsyncRepository(self) }

    /// The instances, each call a read or a write of its own.
    public var instances: AsyncRepository<Instance> { AsyncRepository(self) }

    /// The spot requests, each call a read or a write of its own.
    public var spotRequests: AsyncRepository<SpotRequest> { AsyncRepository(self) }

    /// The key-value entries, each call a read or a write of its own.
    public var keyValue: AsyncRepository<KeyValueEntry> { AsyncRepository(self) }

    /// The leases, each call a read or a write of its own.
    public var leases: AsyncRepository<Lease> { AsyncRepository(self) }

    /// The documents, each call a read or a write of its own.
    public var documents: AsyncRepository<Document> { AsyncRepository(self) }

    /// The consumers, each call a read or a write of its own.
    public var consumers: AsyncRepository<Consumer> { AsyncRepository(self) }
}
