internal import MetastoreEngine
public import MetastoreModel

/// What an experiment must be to be listed. Several filters must all hold.
public struct ExperimentFilter: Sendable, Hashable {
    let condition: SQL

    /// In this state.
    public static func state(_ state: ExperimentState) -> Self {
        Self(condition: "state = \(Int64(state.rawValue))")
    }

    /// With this label, among others.
    public static func label(_ label: String) -> Self {
        Self(condition: "id IN (SELECT experiment FROM experiment_labels WHERE label = \(label))")
    }

    /// Of this owner.
    public static func owner(_ owner: String) -> Self { Self(condition: "owner = \(owner)") }
    /// In this pool.
    public static func pool(_ pool: String) -> Self { Self(condition: "pool = \(pool)") }
    /// Archived.
    public static let archived = Self(condition: "is_archived = 1")
    /// Not archived.
    public static let notArchived = Self(condition: "is_archived = 0")
}

extension Repository where Element == Experiment {
    /// The experiments for which every filter holds, newest first.
    ///
    /// - Parameter cursor: `next` of the last page of the same query; its filters may differ.
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        _ filters: ExperimentFilter..., after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) throws(StoreError) -> Page<Experiment> {
        try list(filters, after: cursor, limit: limit)
    }

    func list(
        _ filters: [ExperimentFilter], after cursor: Cursor?, limit: Int
    ) throws(StoreError) -> Page<Experiment> {
        let key = try cursor?.key(for: "experiments", count: 1)
        return try session.page("experiments", limit: limit) {
            [.integer($0.id.rawValue)]
        } fetch: {
            (count) throws(StoreError) -> [Experiment] in
            var rest: SQL = "WHERE id > 0"
            if let key { rest += " AND id < \(key[0])" }
            for filter in filters { rest += " AND " + filter.condition }
            return try session.records(rest + " ORDER BY id DESC LIMIT \(count)", most: count)
        }
    }
}

extension AsyncRepository where Element == Experiment {
    /// The experiment.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Experiment>) async throws -> Experiment {
        try await store.readOnce { try Repository<Experiment, Reading>($0).get(id) }
    }

    /// The experiment with this external id, or nil.
    public func find(externalID: String) async throws -> Experiment? {
        try await store.readOnce { try Repository<Experiment, Reading>($0).find(externalID: externalID) }
    }

    /// The configuration it was created with.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func config(_ id: ID<Experiment>) async throws -> JSONObject {
        try await store.read { try $0.experiments.config(id) }
    }

    /// The experiments for which every filter holds, newest first.
    ///
    /// - Throws: ``StoreError/invalidCursor``, ``StoreError/invalid(field:reason:)`` for a limit out of range.
    public func list(
        _ filters: ExperimentFilter..., after cursor: Cursor? = nil, limit: Int = Limits.pageLimitDefault
    ) async throws -> Page<Experiment> {
        try await store.read { try $0.experiments.list(filters, after: cursor, limit: limit) }
    }

    /// Every experiment that hasn't ended, or is being deleted, by id.
    public func unfinished() async throws -> [Experiment] {
        try await store.readOnce { try Repository<Experiment, Reading>($0).unfinished() }
    }

    /// The experiment's best trial by its searcher metric, or nil when there is none.
    public func bestTrial(_ id: ID<Experiment>) async throws -> Trial? {
        try await store.readOnce { try Repository<Experiment, Reading>($0).bestTrial(id) }
    }

    /// Removes an experiment and everything below it, in revisions of a bounded size; the last removes the experiment.
    ///
    /// From the first step on it is DELETING and takes no new trials. If the call is cut off, anyone may repeat it: it
    /// goes on where it stopped.
    /// - Throws: ``StoreError/refused(path:reason:)`` when it holds a pinned checkpoint or one that a live trial is
    ///   warm-started from; ``StoreError/transitionRefused(path:from:to:allowed:)`` when it hasn't ended;
    ///   ``StoreError/notFound(path:)``.
    public func delete(_ id: ID<Experiment>) async throws {
        try await store.write { tx in try tx.experiments.beginDeletion(id) }
        while try await !store.write({ tx in try tx.experiments.deleteStep(id) }) {
            try Task.checkCancellation()
        }
    }
}
