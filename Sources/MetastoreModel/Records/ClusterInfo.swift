public import FoundationEssentials

/// The one row about the cluster: which history this is and how far it goes.
public struct ClusterInfo: Sendable, Hashable, Codable {
    /// The identity of the cluster, the same in all its copies.
    public package(set) var cluster: UUID
    /// The current epoch.
    public package(set) var epoch: Epoch
    /// The last committed revision.
    public package(set) var revision: Revision
    /// The last revision that the log no longer holds; 0 when it holds all.
    public package(set) var compactedRevision: Revision
    /// The version of the schema.
    public package(set) var schema: Int64

    package init(
        cluster: UUID, epoch: Epoch, revision: Revision, compactedRevision: Revision, schema: Int64
    ) {
        self.cluster = cluster
        self.epoch = epoch
        self.revision = revision
        self.compactedRevision = compactedRevision
        self.schema = schema
    }
}
