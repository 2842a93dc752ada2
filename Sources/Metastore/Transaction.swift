public import MetastoreModel

/// The only way to write, and valid only inside ``Metastore/write(until:actor:file:line:_:)``.
///
/// Everything written through it commits together, as one revision, or not at all. It can't be kept or copied. The
/// closure it is lent to may run more than once and must have no effect outside of it.
public struct Transaction: ~Copyable {
    let session: WriteSession

    /// Not inlined: the 6.3.1 optimiser crashes on generic code that makes a non-copyable value.
    @inline(never) init(_ session: WriteSession) {
        self.session = session
    }

    /// The revision this transaction commits as, if it changes anything.
    public var revision: Revision { session.revision }

    /// The time its changes carry: never earlier than the commit before.
    public var time: Timestamp { session.time }

    /// The experiments as this transaction sees them, its own writes included.
    public var experiments: Repository<Experiment, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The trials as this transaction sees them, its own writes included.
    public var trials: Repository<Trial, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The workloads as this transaction sees them, its own writes included.
    public var workloads: Repository<Workload, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The checkpoints as this transaction sees them, its own writes included.
    public var checkpoints: Repository<Checkpoint, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The snapshots as this transaction sees them, its own writes included.
    public var snapshots: Repository<ExperimentSnapshot, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The pools as this transaction sees them, its own writes included.
    public var pools: Repository<ResourcePool, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The agents as this transaction sees them, its own writes included.
    public var agents: Repository<Agent, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The slots as this transaction sees them, its own writes included.
    public var slots: Repository<Slot, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The tasks as this transaction sees them, its own writes included.
    public var tasks: Repository<ClusterTask, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The allocations as this transaction sees them, its own writes included.
    public var allocations: Repository<Allocation, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The containers as this transaction sees them, its own writes included.
    public var containers: Repository<Container, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The ports as this transaction sees them, its own writes included.
    public var ports: Repository<PortReservation, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The instances as this transaction sees them, its own writes included.
    public var instances: Repository<Instance, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The spot requests as this transaction sees them, its own writes included.
    public var spotRequests: Repository<SpotRequest, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The key-value entries as this transaction sees them, its own writes included.
    public var keyValue: Repository<KeyValueEntry, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The leases as this transaction sees them, its own writes included.
    public var leases: Repository<Lease, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The documents as this transaction sees them, its own writes included.
    public var documents: Repository<Document, Writing> {
        @inline(never) _read { yield Repository(session) }
    }

    /// The consumers as this transaction sees them, its own writes included.
    public var consumers: Repository<Consumer, Writing> {
        @inline(never) _read { yield Repository(session) }
    }
}
