public import FoundationEssentials

/// One committed transaction: everything it changed, under one revision.
public struct Commit: Sendable, Hashable {
    /// Its place in the total order.
    public package(set) var revision: Revision
    /// The number of the epoch it was committed in.
    public package(set) var epoch: Int64
    /// When it was committed; never earlier than the revision before it.
    public package(set) var time: Timestamp
    /// The version of the schema its records were written with.
    public package(set) var schema: Int64
    /// Who committed it: the name that the writing process gave.
    @ByBytes public package(set) var actor: String
    /// The operation id that the caller gave, by which a repetition is recognised.
    public package(set) var operation: UUID?
    /// The consumer whose position moved together with these changes.
    public package(set) var consumer: ConsumerProgress?
    /// The changes, each record once, in the order in which they were made.
    public package(set) var changes: [Change]

    package init(
        revision: Revision, epoch: Int64, time: Timestamp, schema: Int64, actor: String,
        operation: UUID? = nil,
        consumer: ConsumerProgress? = nil, changes: [Change]
    ) {
        self.revision = revision
        self.epoch = epoch
        self.time = time
        self.schema = schema
        self.actor = actor
        self.operation = operation
        self.consumer = consumer
        self.changes = changes
    }

    /// The kinds of the records it changed.
    public var kinds: RecordKinds {
        changes.reduce(into: []) { $0.insert(RecordKinds($1.kind)) }
    }
}

/// How far a consumer had got when the effects of what it read were committed.
public struct ConsumerProgress: Sendable, Hashable, Codable {
    /// The consumer's name.
    @ByBytes public private(set) var name: String
    /// The last revision whose effects are committed.
    public let revision: Revision

    /// The progress of the named consumer up to and including a revision.
    public init(name: String, revision: Revision) {
        self.name = name
        self.revision = revision
    }
}
