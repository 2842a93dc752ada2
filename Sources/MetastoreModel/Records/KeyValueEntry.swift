/// Bytes that the master keeps under a key of a namespace.
public struct KeyValueEntry: Record, Codable {
    /// Whose keys these are.
    @ByBytes public package(set) var namespace: String
    /// The key; entries order by its bytes.
    @ByBytes public package(set) var key: String
    /// The bytes, unchanged.
    public package(set) var value: [UInt8]
    /// The lease it hangs on: when that ends, the entry is removed.
    public package(set) var lease: ID<Lease>?
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        namespace: String, key: String, value: [UInt8], lease: ID<Lease>?, createdRevision: Revision,
        revision: Revision
    ) {
        self.namespace = namespace
        self.key = key
        self.value = value
        self.lease = lease
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .keyValue(namespace: namespace, key: key) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .keyValue }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<KeyValueEntry>) -> Change { .keyValue(change) }
}

/// A time to live that entries share; whoever holds it renews it.
public struct Lease: Record, Codable {
    /// Given by the store.
    public package(set) var id: ID<Lease>
    /// How long it lasts after it was granted or renewed, in whole microseconds.
    public package(set) var timeToLive: Duration
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        id: ID<Lease>, timeToLive: Duration, createdRevision: Revision, revision: Revision
    ) {
        self.id = id
        self.timeToLive = timeToLive
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .lease(id) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .lease }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Lease>) -> Change { .lease(change) }
}
