/// One change of one record, whatever its kind; the cluster's own row is the only one that is never logged.
public enum Change: Sendable, Hashable {
    /// An experiment.
    case experiment(RecordChange<Experiment>)
    /// A trial.
    case trial(RecordChange<Trial>)
    /// A workload.
    case workload(RecordChange<Workload>)
    /// A checkpoint.
    case checkpoint(RecordChange<Checkpoint>)
    /// A searcher's state.
    case snapshot(RecordChange<ExperimentSnapshot>)
    /// A resource pool.
    case pool(RecordChange<ResourcePool>)
    /// An agent, but for its heartbeats.
    case agent(RecordChange<Agent>)
    /// A slot.
    case slot(RecordChange<Slot>)
    /// A task.
    case task(RecordChange<ClusterTask>)
    /// An allocation.
    case allocation(RecordChange<Allocation>)
    /// A container.
    case container(RecordChange<Container>)
    /// A port reservation.
    case port(RecordChange<PortReservation>)
    /// An instance.
    case instance(RecordChange<Instance>)
    /// A spot request.
    case spotRequest(RecordChange<SpotRequest>)
    /// A key-value entry.
    case keyValue(RecordChange<KeyValueEntry>)
    /// A lease, but for its renewals.
    case lease(RecordChange<Lease>)
    /// A document.
    case document(RecordChange<Document>)
    /// A consumer, but for its position.
    case consumer(RecordChange<Consumer>)
    /// Who leads.
    case leadership(RecordChange<Leadership>)
}

/// What changes of all kinds have.
private protocol AnyRecordChange {
    var key: RecordKey { get }
    var revision: Revision { get }
    var operation: ChangeOperation { get }
    var kind: RecordKind { get }
}

extension RecordChange: AnyRecordChange {
    fileprivate var kind: RecordKind { Value.recordKind }
}

extension Change {
    /// The record's key.
    public var key: RecordKey { content.key }

    /// The record's kind.
    public var kind: RecordKind { content.kind }

    /// The revision of the transaction.
    public var revision: Revision { content.revision }

    /// What was done.
    public var operation: ChangeOperation { content.operation }

    private var content: any AnyRecordChange {
        switch self {
        case .experiment(let change): change
        case .trial(let change): change
        case .workload(let change): change
        case .checkpoint(let change): change
        case .snapshot(let change): change
        case .pool(let change): change
        case .agent(let change): change
        case .slot(let change): change
        case .task(let change): change
        case .allocation(let change): change
        case .container(let change): change
        case .port(let change): change
        case .instance(let change): change
        case .spotRequest(let change): change
        case .keyValue(let change): change
        case .lease(let change): change
        case .document(let change): change
        case .consumer(let change): change
        case .leadership(let change): change
        }
    }
}

extension Change: CustomStringConvertible {
    /// One line: the revision, what was done, to which record. Nothing of its content.
    public var description: String { "\(revision) \(operation) \(key)" }
}
