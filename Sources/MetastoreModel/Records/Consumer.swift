/// A named reader of the feed. How far it has got is not part of the record, since that is not logged.
public struct Consumer: Record, Codable {
    /// Its name, unique.
    @ByBytes public package(set) var name: String
    /// The kinds of record it sees.
    public package(set) var kinds: RecordKinds
    /// The part of the key space it sees; `nil`: all of it.
    @ByBytes public package(set) var under: String?
    /// Whether the log went on without it; it must list anew.
    public package(set) var isExpired: Bool
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        name: String, kinds: RecordKinds, under: String?, isExpired: Bool, createdRevision: Revision,
        revision: Revision
    ) {
        self.name = name
        self.kinds = kinds
        self.under = under
        self.isExpired = isExpired
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .consumer(name) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .consumer }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Consumer>) -> Change { .consumer(change) }
}

/// Which master leads.
public struct Leadership: Record, Codable {
    /// The name that the master gave.
    @ByBytes public package(set) var holder: String
    /// The epoch that began when it took the lead: its fencing token.
    public package(set) var epoch: Epoch
    /// How long it must be silent before another may take over, in whole microseconds.
    public package(set) var timeToLive: Duration
    /// When it took the lead.
    public package(set) var taken: Timestamp
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        holder: String, epoch: Epoch, timeToLive: Duration, taken: Timestamp, createdRevision: Revision,
        revision: Revision
    ) {
        self.holder = holder
        self.epoch = epoch
        self.timeToLive = timeToLive
        self.taken = taken
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .leadership }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .leadership }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Leadership>) -> Change { .leadership(change) }
}
