// Invariants
// 1. Nothing is removed before the experiment is DELETING, and nothing is added to it afterwards.
// 2. Children go before what they belong to, so that no step leaves an orphan; each removal is a change of the feed.
// 3. One step logs about Limits.deletionStepBytes; whoever repeats the call goes on where the last one stopped.

internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Experiment, Access == Writing {
    /// The first step of a deletion: marks the experiment DELETING.
    func beginDeletion(_ id: ID<Experiment>) throws(StoreError) {
        let current = try get(id)
        let path = current.recordKey.path
        if current.state == .deleting { return }
        _ = try current.state.isNoChange(to: .deleting, occasion: .deletionOnly, path: path)
        if let held = try heldCheckpoint(of: id) {
            throw .refused(path: path, reason: "it holds \(held), which is pinned or warm-starts a live trial. Unpin it first.")
        }
        var next = current
        next.state = .deleting
        try writer.update(next, from: current)
    }

    /// Marks a deletion as stopped: it may be taken up again.
    ///
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)`` when it isn't DELETING.
    @discardableResult
    public func failDeletion(_ id: ID<Experiment>) throws(StoreError) -> Experiment {
        let current = try get(id)
        if try current.state.isNoChange(to: .deleteFailed, occasion: .deletionOnly, path: current.recordKey.path) {
            return current
        }
        var next = current
        next.state = .deleteFailed
        return try writer.update(next, from: current)
    }

    /// One step; true when the experiment is gone.
    func deleteStep(_ id: ID<Experiment>) throws(StoreError) -> Bool {
        guard let current = try session.find(Experiment.self, .integer(id.rawValue)) else { return true }
        guard current.state == .deleting else {
            throw .refused(path: current.recordKey.path, reason: "its deletion was stopped meanwhile; begin it again.")
        }
        return try writer.atomically { () throws(StoreError) in
            var left = Limits.deletionStepBytes
            guard try remove(Checkpoint.self, "WHERE experiment = \(id) ORDER BY number", &left) else { return false }
            while let trial: Trial = try session.record("WHERE experiment = \(id) ORDER BY id LIMIT 1") {
                guard try removeWorkloads(of: trial.id, &left) else { return false }
                try writer.delete(trial)
                left -= trial.hparams.text.utf8.count + 256
                guard left > 0 else { return false }
            }
            _ = try remove(ExperimentSnapshot.self, "WHERE experiment = \(id) ORDER BY experiment", &left)
            try writer.execute("DELETE FROM experiment_labels WHERE experiment = \(id)")
            try writer.delete(current)
            try writer.release(current.config)
            if let definition = current.modelDefinition { try writer.release(definition) }
            return true
        }
    }

    private func removeWorkloads(of trial: ID<Trial>, _ left: inout Int) throws(StoreError) -> Bool {
        while true {
            let some: [Workload] = try session.records("WHERE trial = \(trial) ORDER BY step, kind, generation LIMIT 256")
            for workload in some {
                try writer.delete(workload)
                if let document = workload.metricsDocument { try writer.release(document) }
                left -= (workload.metrics?.text.utf8.count ?? 0) + 192
                guard left > 0 else { return false }
            }
            if some.count < 256 { return true }
        }
    }

    /// Removes records until none is left (true) or the step is full.
    private func remove<R: StoredRecord>(
        _ type: R.Type, _ selection: SQL, _ left: inout Int
    ) throws(StoreError) -> Bool {
        while true {
            let some: [R] = try session.records(selection + " LIMIT 256")
            for record in some {
                try writer.delete(record)
                left -= 512
                guard left > 0 else { return false }
            }
            if some.count < 256 { return true }
        }
    }

    private func heldCheckpoint(of id: ID<Experiment>) throws(StoreError) -> String? {
        let held: Checkpoint? = try session.record(
            """
            WHERE experiment = \(id) AND state IN (1, 2, 4) AND (is_pinned = 1 OR EXISTS (SELECT 1 FROM trials \
            WHERE trials.warm_start = checkpoints.uuid AND trials.warm_start IS NOT NULL AND trials.state <= 6)) \
            ORDER BY number LIMIT 1
            """)
        return held?.recordKey.path
    }
}
