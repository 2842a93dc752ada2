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
            throw .refused(
                path: path, reason: "it holds \(held), which is pinned or warm-starts a live trial. Unpin it first.")
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
            guard try remove(Checkpoint.self, "WHERE experiment = \(id) ORDER BY number") else { return false }
            while let trial: Trial = try session.record("WHERE experiment = \(id) ORDER BY request_id LIMIT 1") {
                try writer.dropSummaries(of: trial.id)
                let isEmpty = try remove(Workload.self, "WHERE trial = \(trial.id) ORDER BY step, kind, generation") {
                    (workload) throws(StoreError) in
                    if let document = workload.metricsDocument { try writer.release(document) }
                }
                guard isEmpty else { return false }
                try writer.delete(trial)
                guard !isFull else { return false }
            }
            _ = try remove(ExperimentSnapshot.self, "WHERE experiment = \(id) ORDER BY experiment")
            guard !isFull else { return false }
            var last = current
            if let definition = current.modelDefinition {
                // First of all on its own: with a large config it would be more than a transaction may log.
                last.modelDefinition = nil
                last = try writer.update(last, from: current)
                try writer.release(definition)
                guard !isFull else { return false }
            }
            try writer.execute("DELETE FROM experiment_labels WHERE experiment = \(id)")
            try writer.delete(last)
            try writer.release(last.config)
            return true
        }
    }

    /// True when the step logs as much as a step may: by what really goes into the log, however big the records are.
    private var isFull: Bool { writer.loggedBytes >= Limits.deletionStepBytes }

    /// Removes records, a few at a time, until none is left (true) or the step is full.
    private func remove<R: StoredRecord>(
        _ type: R.Type, _ selection: SQL, also: (R) throws(StoreError) -> Void = { _ in }
    ) throws(StoreError) -> Bool {
        while true {
            var some: [R] = []
            var bytes = 0
            let statement =
                SQL(trusted: "SELECT \(R.table.columnList) FROM \(R.table.name) ") + selection + " LIMIT 256"
            try session.forEach(statement) { row in
                let record = try R(image: try row.image(of: R.table))
                bytes += writer.encoded(R.table, record.recordKey.path, record.image).0.count
                some.append(record)
                return bytes < Limits.deletionStepBytes
            }
            if some.isEmpty { return true }
            for record in some {
                try writer.delete(record)
                try also(record)
                if isFull { return false }
            }
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
