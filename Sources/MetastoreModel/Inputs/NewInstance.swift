/// An instance about to be asked for, or one found by its tag.
public struct NewInstance: Sendable, Hashable {
    /// The provisioner's idempotency key; for one that was found `found-<cloud id>`.
    @ByBytes public var clientToken: String
    /// The pool it is for.
    @ByBytes public var pool: String
    /// The cloud's name for it, if it is known.
    @ByBytes public var instanceID: String?
    /// The key of the tag it carries; `nil`: that of its pool.
    @ByBytes public var tagKey: String?
    /// The value of that tag; `nil`: that of its pool.
    @ByBytes public var tagValue: String?
    /// Its type; `nil`: that of its pool.
    @ByBytes public var type: String?
    /// The client token of the spot request that it fulfils.
    @ByBytes public var spotRequest: String?
    /// Where it stands.
    public var state: InstanceState

    /// The values that have a default may be left out.
    public init(
        clientToken: String, pool: String, instanceID: String? = nil, tagKey: String? = nil,
        tagValue: String? = nil, type: String? = nil, spotRequest: String? = nil,
        state: InstanceState = .requested
    ) {
        self.clientToken = clientToken
        self.pool = pool
        self.instanceID = instanceID
        self.tagKey = tagKey
        self.tagValue = tagValue
        self.type = type
        self.spotRequest = spotRequest
        self.state = state
    }
}

/// A spot request about to be made; it begins PENDING.
public struct NewSpotRequest: Sendable, Hashable {
    /// The provisioner's idempotency key.
    @ByBytes public var clientToken: String
    /// The pool it is for.
    @ByBytes public var pool: String
    /// The most that is paid, in US dollars an hour; `nil`: that of its pool.
    public var maxPrice: Double?

    /// The values that have a default may be left out.
    public init(
        clientToken: String, pool: String, maxPrice: Double? = nil
    ) {
        self.clientToken = clientToken
        self.pool = pool
        self.maxPrice = maxPrice
    }
}
