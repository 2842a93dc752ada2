/// A set of agents that share their work, and where they come from.
public struct ResourcePool: Record, Codable {
    /// Its name, unique.
    @ByBytes public package(set) var name: String
    /// Where its agents come from.
    public package(set) var kind: PoolKind
    /// Settings of the provider that have no field of their own.
    public package(set) var provider: JSONObject?
    /// The type of its instances.
    @ByBytes public package(set) var instanceType: String?
    /// The key of the tag by which its instances are found; with the value unique in the cluster.
    @ByBytes public package(set) var tagKey: String?
    /// The value of that tag.
    @ByBytes public package(set) var tagValue: String?
    /// The provisioner keeps at least this many instances.
    public package(set) var minInstances: Int64
    /// The provisioner asks for at most this many instances.
    public package(set) var maxInstances: Int64
    /// Whether its instances are spot instances.
    public package(set) var isSpot: Bool
    /// The most that is paid for a spot instance, in US dollars an hour; `nil`: the on-demand price.
    public package(set) var maxPrice: Double?
    /// How long an instance may be idle before it is stopped, in whole microseconds.
    public package(set) var idlePeriod: Duration?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        name: String, kind: PoolKind, provider: JSONObject?, instanceType: String?, tagKey: String?,
        tagValue: String?, minInstances: Int64, maxInstances: Int64, isSpot: Bool, maxPrice: Double?,
        idlePeriod: Duration?, createdRevision: Revision, revision: Revision
    ) {
        self.name = name
        self.kind = kind
        self.provider = provider
        self.instanceType = instanceType
        self.tagKey = tagKey
        self.tagValue = tagValue
        self.minInstances = minInstances
        self.maxInstances = maxInstances
        self.isSpot = isSpot
        self.maxPrice = maxPrice
        self.idlePeriod = idlePeriod
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .pool(name) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .pool }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<ResourcePool>) -> Change { .pool(change) }
}
