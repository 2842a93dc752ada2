/// An agent that registers, for the first time or again, with all the slots it has.
public struct NewAgent: Sendable, Hashable {
    /// Its name, unique.
    @ByBytes public var id: String
    /// The pool it belongs to.
    @ByBytes public var pool: String
    /// Where it is reached.
    @ByBytes public var address: String
    /// The version of its software.
    @ByBytes public var version: String
    /// Whether new work may be put on it.
    public var isEnabled: Bool
    /// Its devices.
    public var slots: [NewSlot]

    /// The values that have a default may be left out.
    public init(
        id: String, pool: String, address: String = "", version: String = "", isEnabled: Bool = true,
        slots: [NewSlot] = []
    ) {
        self.id = id
        self.pool = pool
        self.address = address
        self.version = version
        self.isEnabled = isEnabled
        self.slots = slots
    }
}

/// A device of an agent that registers.
public struct NewSlot: Sendable, Hashable {
    /// Its number on the agent, from 0.
    public var index: Int64
    /// What it is made of.
    public var device: DeviceKind
    /// The device's own identity, as its driver gives it.
    @ByBytes public var uuid: String
    /// The device's model.
    @ByBytes public var brand: String
    /// Whether new work may be put on it.
    public var isEnabled: Bool

    /// The values that have a default may be left out.
    public init(
        index: Int64, device: DeviceKind = .gpu, uuid: String = "", brand: String = "",
        isEnabled: Bool = true
    ) {
        self.index = index
        self.device = device
        self.uuid = uuid
        self.brand = brand
        self.isEnabled = isEnabled
    }
}
