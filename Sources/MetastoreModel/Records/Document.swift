/// Content that is stored once, whoever refers to it.
public struct Document: Record, Codable {
    /// The SHA-256 of the content.
    public package(set) var hash: DocumentHash
    /// The content, uncompressed.
    public package(set) var content: [UInt8]
    /// The revision that created it.
    public package(set) var createdRevision: Revision
    /// The revision of its last logged change.
    public package(set) var revision: Revision

    package init(
        hash: DocumentHash, content: [UInt8], createdRevision: Revision, revision: Revision
    ) {
        self.hash = hash
        self.content = content
        self.createdRevision = createdRevision
        self.revision = revision
    }

    /// Its place in the key space.
    public var recordKey: RecordKey { .document(hash) }

    /// The kind of every such record.
    public static var recordKind: RecordKind { .document }

    /// A change of such a record as one of any kind.
    public static func change(_ change: RecordChange<Document>) -> Change { .document(change) }
}
