internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == ExperimentSnapshot {
    /// The searcher's snapshot, or nil when none was ever written.
    ///
    /// - Parameter version: the newest version the caller can read.
    /// - Throws: ``StoreError/newerSnapshot(path:found:known:)``: never "no snapshot" for one that can't be read.
    public func get(
        _ experiment: ID<Experiment>, upTo version: Int64
    ) throws(StoreError) -> ExperimentSnapshot? {
        guard let found = try session.find(ExperimentSnapshot.self, .integer(experiment.rawValue)) else { return nil }
        guard found.version <= version else {
            throw .newerSnapshot(path: found.recordKey.path, found: found.version, known: version)
        }
        return found
    }
}

extension Repository where Element == ExperimentSnapshot, Access == Writing {
    /// Writes the snapshot, in the same transaction as the trials and workloads it speaks of.
    ///
    /// - Throws: ``StoreError/newerSnapshot(path:found:known:)`` when a newer program wrote the present one,
    ///   ``StoreError/refused(path:reason:)`` when the experiment is being deleted,
    ///   ``StoreError/conflict(path:expected:found:)``, ``StoreError/notFound(path:)``,
    ///   ``StoreError/invalid(field:reason:)``.
    @discardableResult
    public func put(
        _ experiment: ID<Experiment>, version: Int64, content: JSONObject, ifRevision expected: Revision? = nil
    ) throws(StoreError) -> ExperimentSnapshot {
        try validating { () throws(ModelError) in
            try content.validate(field: "content")
            try FieldValidation.range(version, field: "version", in: 0 ... .max)
        }
        let owner = try Repository<Experiment, Reading>(session).get(experiment)
        guard !owner.state.isBeingDeleted else {
            throw .refused(path: owner.recordKey.path, reason: "it is being deleted.")
        }
        let current = try session.find(ExperimentSnapshot.self, .integer(experiment.rawValue))
        try check(expected, current?.revision ?? .absent, RecordKey.snapshot(experiment: experiment).path)
        guard let current else {
            return try writer.insert(
                ExperimentSnapshot(
                    experiment: experiment, version: version, content: content, createdRevision: .absent,
                    revision: .absent))
        }
        guard current.version <= version else {
            throw .newerSnapshot(path: current.recordKey.path, found: current.version, known: version)
        }
        var next = current
        next.version = version
        next.content = content
        return try writer.update(next, from: current)
    }
}

extension AsyncRepository where Element == ExperimentSnapshot {
    /// The searcher's snapshot, or nil when none was ever written.
    ///
    /// - Throws: ``StoreError/newerSnapshot(path:found:known:)``.
    public func get(_ experiment: ID<Experiment>, upTo version: Int64) async throws -> ExperimentSnapshot? {
        try await store.readOnce { try Repository<ExperimentSnapshot, Reading>($0).get(experiment, upTo: version) }
    }
}
