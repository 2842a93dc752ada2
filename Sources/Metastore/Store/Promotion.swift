public import MetastoreEngine

extension Metastore {
    /// Opens a follower as a store of its own: from now on it takes writes, in a new epoch that begins where it had
    /// followed its leader to.
    ///
    /// What the leader committed after that is in no history of this store. Whoever else followed that leader, and
    /// whoever led before, is told where the two part once they meet this one. It stays a store of its own when it is
    /// opened again. Stop the follower first where it lies in a file; on a server a follower that runs is told.
    ///
    /// - Throws: ``StoreError/misuse(reason:)`` where the store follows nobody, or has followed nothing yet; as
    ///   ``open(_:_:)``. Nothing is changed then.
    public static func promote(
        _ source: EngineSource, _ options: StoreOptions = StoreOptions()
    ) async throws -> Metastore {
        var options = options
        options.isPromotion = true
        options.replicaOf = nil
        return try await open(source, options)
    }
}
