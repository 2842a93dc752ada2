/// A resource pool to be created or changed to these settings.
public struct NewPool: Sendable, Hashable {
    /// Its name, unique.
    @ByBytes public var name: String
    /// Where its agents come from.
    public var kind: PoolKind
    /// Settings of the provider that have no field of their own.
    public var provider: JSONObject?
    /// The type of its instances.
    @ByBytes public var instanceType: String?
    /// The key of the tag by which its instances are found.
    @ByBytes public var tagKey: String?
    /// The value of that tag; with the key unique in the cluster.
    @ByBytes public var tagValue: String?
    /// The provisioner keeps at least this many instances.
    public var minInstances: Int64
    /// The provisioner asks for at most this many instances.
    public var maxInstances: Int64
    /// Whether its instances are spot instances.
    public var isSpot: Bool
    /// The most that is paid for a spot instance, in US dollars an hour.
    public var maxPrice: Double?
    /// How long an instance may be idle before it is stopped.
    public var idlePeriod: Duration?

    /// The values that have a default may be left out.
    public init(
        name: String, kind: PoolKind = .onPremises, provider: JSONObject? = nil,
        instanceType: String? = nil, tagKey: String? = nil, tagValue: String? = nil,
        minInstances: Int64 = 0, maxInstances: Int64 = 0, isSpot: Bool = false, maxPrice: Double? = nil,
        idlePeriod: Duration? = nil
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
    }
}
