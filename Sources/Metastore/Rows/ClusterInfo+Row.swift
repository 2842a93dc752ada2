internal import MetastoreEngine
internal import MetastoreModel

/// What the log says of the head row: the schema after a migration. The rest of the head is derived, and not logged.
enum ClusterRow {
    static let table = Table(
        .cluster, "head", key: [],
        fields: [("schema_version", .integer), ("epoch", .integer), ("epoch_nonce", .integer), ("cluster", .uuid)])

    static func image(_ head: Head) -> [Value] {
        [
            .integer(1), .integer(head.revision.rawValue + 1), .integer(head.schema), .integer(head.epoch.number),
            .integer(Int64(bitPattern: head.epoch.nonce)), .uuid(head.cluster),
        ]
    }
}
