// Invariants (DOMAIN 2, 3.1, 3.4)
// 1. A checkpoint belongs to its trial's current generation, and to batches that the trial has run.
// 2. Reporting the same twice changes nothing; reporting something else under the same UUID is refused.
// 3. What is pinned, what a live trial would restart from, and what one is warm-started from is never deleted.

public import FoundationEssentials
internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Checkpoint, Access == Writing {
    /// Records that a checkpoint is being written (ACTIVE), or how that ended (COMPLETED or ERROR).
    ///
    /// - Throws: ``StoreError/staleGeneration(path:reported:current:)``, ``StoreError/reportConflict(path:field:)``,
    ///   ``StoreError/refused(path:reason:)``, ``StoreError/invalid(field:reason:)``, ``StoreError/notFound(path:)``.
    @discardableResult
    public func report(_ report: CheckpointReport) throws(StoreError) -> Checkpoint {
        let size = try validating { () throws(ModelError) in try report.validated() }
        let trial = try Repository<Trial, Reading>(session).get(report.trial)
        try trial.checkGeneration(report.generation)
        if let existing = try find(report.uuid) {
            guard try !existing.isRepeated(by: report) else { return existing }
            try trial.checkIsLive()
            var next = existing
            next.state = report.state
            next.resources = report.resources
            next.size = size
            next.metadata = report.metadata
            next.reportTime = writer.time
            return try writer.update(next, from: existing)
        }
        try trial.checkIsLive()
        try checkSource(report, trial)
        return try writer.atomically { () throws(StoreError) in
            try writer.insert(
                Checkpoint(
                    number: writer.head.take(.checkpoint), uuid: report.uuid, trial: trial.id,
                    experiment: trial.experiment, workload: report.workload, state: report.state,
                    totalBatches: report.totalBatches, storageID: report.storageID, resources: report.resources,
                    size: size, metadata: report.metadata, isPinned: false, reportTime: writer.time,
                    createdRevision: .absent, revision: .absent))
        }
    }

    /// The workload it names must be a live CHECKPOINT_MODEL of the trial; without one, the batches must have been run.
    private func checkSource(_ report: CheckpointReport, _ trial: Trial) throws(StoreError) {
        guard let id = report.workload else {
            guard report.totalBatches <= trial.totalBatches else {
                throw .refused(
                    path: trial.recordKey.path,
                    reason: "it has run \(trial.totalBatches) batches; a checkpoint of \(report.totalBatches) can't be."
                )
            }
            return
        }
        let workload = try Repository<Workload, Reading>(session).get(id)
        guard workload.trial == trial.id, workload.kind == .checkpointModel, !workload.isRolledBack else {
            throw .refused(
                path: workload.recordKey.path, reason: "it is no live CHECKPOINT_MODEL of \(trial.recordKey.path).")
        }
        guard workload.totalBatches == report.totalBatches else {
            throw .reportConflict(path: workload.recordKey.path, field: "total batches")
        }
    }

    /// Marks the checkpoint's files as gone, after they were removed.
    ///
    /// - Throws: ``StoreError/refused(path:reason:)`` when it is always kept; ``StoreError/notFound(path:)``,
    ///   ``StoreError/transitionRefused(path:from:to:allowed:)``.
    @discardableResult
    public func delete(_ uuid: UUID) throws(StoreError) -> Checkpoint {
        let current = try get(uuid)
        let path = current.recordKey.path
        if try current.state.isNoChange(to: .deleted, path: path) { return current }
        try checkMayGo(current)
        var next = current
        next.state = .deleted
        next.resources = [:]
        next.size = 0
        return try writer.update(next, from: current)
    }

    /// Marks all but some of the checkpoint's files as gone: PARTIALLY_DELETED.
    ///
    /// - Parameter rest: fewer of its resources, each as it was reported.
    /// - Throws: as ``delete(_:)``, and ``StoreError/invalid(field:reason:)``.
    @discardableResult
    public func delete(_ uuid: UUID, leaving rest: Resources) throws(StoreError) -> Checkpoint {
        let current = try get(uuid)
        let path = current.recordKey.path
        if current.state == .partiallyDeleted, current.resources == rest { return current }
        if current.state != .partiallyDeleted {
            _ = try current.state.isNoChange(to: .partiallyDeleted, path: path)
        }
        let before = current.resources.values
        let left = rest.values
        guard left.count < before.count, left.allSatisfy({ before[$0.key] == $0.value }) else {
            throw .invalid(
                field: "resources",
                reason: "resources can't be stored: they are not fewer of the files that \(path) has.")
        }
        try checkMayGo(current)
        var next = current
        next.state = .partiallyDeleted
        next.resources = rest
        next.size = rest.totalBytes
        return try writer.update(next, from: current)
    }

    private func checkMayGo(_ checkpoint: Checkpoint) throws(StoreError) {
        let path = checkpoint.recordKey.path
        if checkpoint.isPinned { throw .refused(path: path, reason: "it is pinned; unpin it first.") }
        guard checkpoint.state == .completed else { return }
        let trial = try Repository<Trial, Reading>(session).get(checkpoint.trial)
        if !trial.state.isTerminal, try latest(of: trial.id)?.number == checkpoint.number {
            throw .refused(path: path, reason: "\(trial.recordKey.path) is live and would restart from it.")
        }
        let warm = try session.first(
            """
            SELECT id FROM trials WHERE warm_start = \(checkpoint.uuid) AND warm_start IS NOT NULL AND state <= 6 \
            ORDER BY id LIMIT 1
            """
        ) { try $0.integer(0) }
        if let warm { throw .refused(path: path, reason: "the live trial \(warm) is warm-started from it.") }
    }

    /// Keeps the checkpoint whatever the retention policy says: a registry or a person holds it. Only a COMPLETED one
    /// of an experiment that isn't being deleted.
    ///
    /// - Throws: ``StoreError/refused(path:reason:)``, ``StoreError/notFound(path:)``.
    @discardableResult
    public func pin(_ uuid: UUID) throws(StoreError) -> Checkpoint {
        let current = try get(uuid)
        guard current.state == .completed else {
            throw .refused(
                path: current.recordKey.path, reason: "it is \(current.state.name); only a COMPLETED one can be pinned."
            )
        }
        try session.checkIsKept(current.experiment, for: current.recordKey.path)
        var next = current
        next.isPinned = true
        return try writer.update(next, from: current)
    }

    /// Lets the retention policy decide on the checkpoint again.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    @discardableResult
    public func unpin(_ uuid: UUID) throws(StoreError) -> Checkpoint {
        let current = try get(uuid)
        var next = current
        next.isPinned = false
        return try writer.update(next, from: current)
    }
}

extension Session {
    /// Refuses to hold something of an experiment that is being deleted: the deletion has looked already.
    func checkIsKept(_ experiment: ID<Experiment>, for path: String) throws(StoreError) {
        let owner = try Repository<Experiment, Reading>(self).get(experiment)
        guard owner.state.isBeingDeleted else { return }
        throw .refused(path: path, reason: "\(owner.recordKey.path) is being deleted, with all it has.")
    }
}

extension CheckpointReport {
    /// Checks what can be checked without the store; returns the size in bytes.
    fileprivate func validated() throws(ModelError) -> Int64 {
        guard state == .active || state == .completed || state == .error else {
            throw .invalid(field: "state", reason: "a report is ACTIVE, COMPLETED or ERROR")
        }
        try FieldValidation.range(totalBatches, field: "totalBatches", in: 0 ... .max)
        try FieldValidation.text(storageID, field: "storageID", limit: Limits.textBytes)
        try resources.validate(field: "resources")
        try metadata.validate(field: "metadata")
        var size: Int64 = 0
        for bytes in resources.values.values {
            let (sum, overflow) = size.addingReportingOverflow(bytes)
            guard !overflow else {
                throw .invalid(field: "resources", reason: "the sizes together are more than \(Int64.max) bytes")
            }
            size = sum
        }
        return size
    }
}

extension Checkpoint {
    /// True when the report says what is stored; throws when it says something else about what has ended.
    fileprivate func isRepeated(by report: CheckpointReport) throws(StoreError) -> Bool {
        let path = recordKey.path
        func conflict(_ field: String) -> StoreError { .reportConflict(path: path, field: field) }
        if trial != report.trial { throw conflict("trial") }
        if workload != report.workload { throw conflict("workload") }
        if totalBatches != report.totalBatches { throw conflict("total batches") }
        if !storageID.equalsByBytes(report.storageID) { throw conflict("storage id") }
        if state == .active, report.state != .active { return false }
        if state != report.state { throw conflict("state") }
        if resources != report.resources { throw conflict("resources") }
        if metadata != report.metadata { throw conflict("metadata") }
        return true
    }
}
