/// A port of a host that one allocation holds; no two hold the same.
public struct PortReservation: Record, Codable {
    /// The host.
    @ByBytes public package(set) var host: String
    /// The port, 1…65535.
    public package(set) var port: Int64
    /// The allocation that holds it.
    public package(set) var allocation: ID<Allocation>
    /// The task of that allocation.
    public package(set) var task: ID<ClusterTask>
    /// What it is used for.
    public package(set) var purpose: PortPurpose
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        host: String, port: Int64, allocation: ID<Allocation>, task: ID<ClusterTask>, purpose: PortPurpose,
        createdRevision: Revision, revision: Revision
    ) {
        self.host = host
        self.port = port
        self.allocation = allocation
        self.task = task
        self.purpose = purpose
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .port(host: host, port: Int(port)) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .port }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<PortReservation>) -> Change { .port(change) }
}
