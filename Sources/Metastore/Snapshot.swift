public import MetastoreModel

/// One state of the whole store, for as long as the closure it is lent to runs.
///
/// Every read in it sees the same revision, whatever is written meanwhile.
public struct Snapshot: ~Copyable {
    let session: Session

    /// Not inlined: the 6.3.1 optimiser crashes on generic code that makes a non-copyable value.
    @inline(never) init(_ session: Session) {
        self.session = session
    }

    /// The experiments as they are in this snapshot.
    public var experiments: Repository<Experiment, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The trials as they are in this snapshot.
    public var trials: Repository<Trial, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The workloads as they are in this snapshot.
    public var workloads: Repository<Workload, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The checkpoints as they are in this snapshot.
    public var checkpoints: Repository<Checkpoint, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The snapshots as they are in this snapshot.
    public var snapshots: Repository<ExperimentSnapshot, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The pools as they are in this snapshot.
    public var pools: Repository<ResourcePool, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The agents as they are in this snapshot.
    public var agents: Repository<Agent, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The slots as they are in this snapshot.
    public var slots: Repository<Slot, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The tasks as they are in this snapshot.
    public var tasks: Repository<ClusterTask, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The allocations as they are in this snapshot.
    public var allocations: Repository<Allocation, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The containers as they are in this snapshot.
    public var containers: Repository<Container, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The ports as they are in this snapshot.
    public var ports: Repository<PortReservation, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The instances as they are in this snapshot.
    public var instances: Repository<Instance, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The spot requests as they are in this snapshot.
    public var spotRequests: Repository<SpotRequest, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The key-value entries as they are in this snapshot.
    public var keyValue: Repository<KeyValueEntry, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The leases as they are in this snapshot.
    public var leases: Repository<Lease, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The documents as they are in this snapshot.
    public var documents: Repository<Document, Reading> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The consumers as they are in this snapshot.
    public var consumers: Repository<Consumer, Reading> {
        @inline(never) _read { yield Repository(session) }
    }
}
