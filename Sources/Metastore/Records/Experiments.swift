internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == Experiment {
    /// The experiment.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Experiment>) throws(StoreError) -> Experiment {
        guard let found = try session.find(Experiment.self, .integer(id.rawValue)) else {
            throw .notFound(path: RecordKey.experiment(id).path)
        }
        return found
    }

    /// The experiment with this external id (the caller's idempotency key), or nil.
    public func find(externalID: String) throws(StoreError) -> Experiment? {
        try session.record("WHERE external_id = \(externalID)")
    }

    /// The configuration it was created with.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func config(_ id: ID<Experiment>) throws(StoreError) -> JSONObject {
        let hash = try get(id).config
        guard let document = try session.document(hash) else { throw .notFound(path: RecordKey.document(hash).path) }
        return JSONObject(canonical: String(decoding: document.content, as: UTF8.self))
    }

    /// The model definition it was created with, or nil when it has none.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func modelDefinition(_ id: ID<Experiment>) throws(StoreError) -> [UInt8]? {
        guard let hash = try get(id).modelDefinition else { return nil }
        guard let document = try session.document(hash) else { throw .notFound(path: RecordKey.document(hash).path) }
        return document.content
    }

    /// Every experiment that hasn't ended, or is being deleted: what a master restores when it starts. By id.
    public func unfinished() throws(StoreError) -> [Experiment] {
        try session.records("WHERE state IN (1, 2, 3, 4, 5, 6, 10, 11) ORDER BY id")
    }

    /// The live trial validations' best: the experiment's best trial by its searcher metric, or nil when there is none.
    /// An index look-up.
    public func bestTrial(_ id: ID<Experiment>) throws(StoreError) -> Trial? {
        try session.record(
            """
            WHERE experiment = \(id) AND best_order IS NOT NULL \
            ORDER BY best_order, best_total_batches, request_id LIMIT 1
            """)
    }

    /// How many checkpoints it has that take up storage (COMPLETED and PARTIALLY_DELETED), and their bytes: at most
    /// `Int64.max`.
    public func checkpointTotals(_ id: ID<Experiment>) throws(StoreError) -> CheckpointTotals {
        // In two halves, because no engine adds up beyond 64 bits.
        try session.first(
            """
            SELECT count(*), CAST(coalesce(sum(size / 4294967296), 0) AS bigint), \
            CAST(coalesce(sum(size % 4294967296), 0) AS bigint) FROM checkpoints \
            WHERE experiment = \(id) AND state IN (2, 4)
            """
        ) { row in
            let (high, overflow) = try row.integer(1).multipliedReportingOverflow(by: 1 << 32)
            let (sum, carry) = high.addingReportingOverflow(try row.integer(2))
            return CheckpointTotals(count: try row.integer(0), bytes: overflow || carry ? .max : sum)
        } ?? CheckpointTotals(count: 0, bytes: 0)
    }
}

/// What the checkpoints of an experiment take up.
public struct CheckpointTotals: Sendable, Hashable, Codable {
    /// How many there are.
    public let count: Int64
    /// Their sizes together, in bytes; at most `Int64.max`.
    public let bytes: Int64
}

extension Repository where Element == Experiment, Access == Writing {
    /// Creates an experiment, PAUSED unless `startsActive`.
    ///
    /// - Throws: ``StoreError/exists(path:reason:)`` when the external id is taken,
    ///   ``StoreError/invalid(field:reason:)``.
    public func create(_ new: NewExperiment) throws(StoreError) -> Experiment {
        let labels = try validating { () throws(ModelError) in
            try FieldValidation.name(new.name, field: "name")
            try FieldValidation.text(new.notes, field: "notes")
            try FieldValidation.text(new.owner, field: "owner", limit: Limits.nameBytes)
            try FieldValidation.text(new.pool, field: "pool", limit: Limits.nameBytes)
            try FieldValidation.text(new.metric, field: "metric", limit: Limits.nameBytes)
            try FieldValidation.text(new.externalID, field: "externalID", limit: Limits.nameBytes)
            try FieldValidation.retention(new.retention)
            try new.config.validate(field: "config")
            return try FieldValidation.labels(new.labels)
        }
        if let parent = new.parent { _ = try get(parent) }
        if let externalID = new.externalID, let other = try find(externalID: externalID) {
            throw .exists(path: other.recordKey.path, reason: "it has the same external id")
        }
        return try writer.atomically { () throws(StoreError) in
            let config = try writer.hold(Array(new.config.text.utf8), field: "config")
            let definition: DocumentHash? =
                if let definition = new.modelDefinition {
                    try writer.hold(definition, field: "modelDefinition")
                } else {
                    nil
                }
            let experiment = try writer.insert(
                Experiment(
                    id: ID(rawValue: writer.head.take(.experiment)), state: new.startsActive ? .active : .paused,
                    name: new.name, config: config, labels: labels, notes: new.notes, owner: new.owner,
                    isArchived: false, parent: new.parent, priority: new.priority, pool: new.pool, progress: nil,
                    metric: new.metric, smallerIsBetter: new.smallerIsBetter, retention: new.retention,
                    externalID: new.externalID, modelDefinition: definition, start: writer.time, end: nil,
                    createdRevision: .absent, revision: .absent))
            try writer.keepLabels(experiment)
            return experiment
        }
    }

    /// Makes the transition, if DOMAIN lists it; to the state it is in already, changes nothing.
    ///
    /// A terminal state needs all trials terminal, except ERROR, which makes them ERROR in the same transaction.
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/refused(path:reason:)``,
    ///   ``StoreError/notFound(path:)``, or what the expectation says.
    @discardableResult
    public func transition(
        _ id: ID<Experiment>, to state: ExperimentState, if expected: Expectation<ExperimentState> = .anything
    ) throws(StoreError) -> Experiment {
        try move(id, to: state, occasion: .always, if: expected)
    }

    /// Runs an experiment again that STOPPING_ERROR was about to end: the restart after an error.
    ///
    /// - Throws: as ``transition(_:to:if:)``.
    @discardableResult
    public func restart(_ id: ID<Experiment>) throws(StoreError) -> Experiment {
        try move(id, to: .active, occasion: .restartOnly, if: .anything)
    }

    /// Takes a terminal experiment up again, PAUSED; clears its end time and progress.
    ///
    /// - Throws: as ``transition(_:to:if:)``.
    @discardableResult
    public func `continue`(_ id: ID<Experiment>) throws(StoreError) -> Experiment {
        let current = try get(id)
        let path = current.recordKey.path
        guard current.state.isAllowed(to: .paused, occasion: .continueOnly), current.state.isTerminal else {
            throw .transitionRefused(
                path: path, from: current.state.name, to: "PAUSED by continue",
                allowed: current.state.allowed().map(\.name))
        }
        var next = current
        next.state = .paused
        next.end = nil
        next.progress = nil
        return try writer.update(next, from: current)
    }

    private func move(
        _ id: ID<Experiment>, to state: ExperimentState, occasion: TransitionOccasion,
        if expected: Expectation<ExperimentState>
    ) throws(StoreError) -> Experiment {
        let current = try get(id)
        let path = current.recordKey.path
        try expected.check(path, current.revision, current.state)
        if try current.state.isNoChange(to: state, occasion: occasion, path: path) { return current }
        return try writer.atomically { () throws(StoreError) in
            if state == .error {
                try writer.failTrials(of: id)
            } else if state.isTerminal, let live = try liveTrial(of: id) {
                throw .refused(
                    path: path,
                    reason: "it can't become \(state.name) while \(live) is not terminal; end its trials first.")
            }
            var next = current
            next.state = state
            if state.isTerminal { next.end = writer.time }
            return try writer.update(next, from: current)
        }
    }

    private func liveTrial(of id: ID<Experiment>) throws(StoreError) -> String? {
        try session.first("SELECT id FROM trials WHERE experiment = \(id) AND state <= 6 ORDER BY id LIMIT 1") { row in
            RecordKey.trial(experiment: id, ID(rawValue: try row.integer(0))).path
        }
    }

    /// Changes what people and the searcher may change of an experiment.
    ///
    /// - Throws: ``StoreError/conflict(path:expected:found:)``, ``StoreError/notFound(path:)``,
    ///   ``StoreError/invalid(field:reason:)``; ``StoreError/refused(path:reason:)`` when it is being deleted.
    @discardableResult
    public func update(
        _ id: ID<Experiment>, _ edit: ExperimentEdit, ifRevision expected: Revision? = nil
    ) throws(StoreError) -> Experiment {
        let current = try get(id)
        let path = current.recordKey.path
        try check(expected, current.revision, path)
        guard !current.state.isBeingDeleted else { throw .refused(path: path, reason: "it is being deleted.") }
        let next = try validating { () throws(ModelError) in try edit.applied(to: current) }
        return try writer.atomically { () throws(StoreError) in
            let updated = try writer.update(next, from: current)
            // By bytes: Swift takes both spellings of "é" for one.
            if !updated.labels.elementsEqual(current.labels, by: { $0.equalsByBytes($1) }) {
                try writer.execute("DELETE FROM experiment_labels WHERE experiment = \(id)")
                try writer.keepLabels(updated)
            }
            return updated
        }
    }
}

/// A change of an experiment's own fields; what is nil stays as it is.
public struct ExperimentEdit: Sendable, Hashable {
    /// What people call it.
    @ByBytes public var name: String?
    /// Free text.
    @ByBytes public var notes: String?
    /// All labels; they replace those before.
    @ByBytes public var labels: [String]?
    /// Whose it is.
    @ByBytes public var owner: String?
    /// Smaller is scheduled first.
    public var priority: Int64?
    /// Where its trials run.
    @ByBytes public var pool: String?
    /// Only of a terminal experiment may be set.
    public var isArchived: Bool?
    /// 0…1.
    public var progress: Double?
    /// Which checkpoints are kept.
    public var retention: RetentionPolicy?

    /// A change of what is given.
    public init(
        name: String? = nil, notes: String? = nil, labels: [String]? = nil, owner: String? = nil,
        priority: Int64? = nil, pool: String? = nil, isArchived: Bool? = nil, progress: Double? = nil,
        retention: RetentionPolicy? = nil
    ) {
        self.name = name
        self.notes = notes
        self.labels = labels
        self.owner = owner
        self.priority = priority
        self.pool = pool
        self.isArchived = isArchived
        self.progress = progress
        self.retention = retention
    }

    func applied(to experiment: Experiment) throws(ModelError) -> Experiment {
        var next = experiment
        if let name {
            try FieldValidation.name(name, field: "name")
            next.name = name
        }
        if let notes {
            try FieldValidation.text(notes, field: "notes")
            next.notes = notes
        }
        if let labels { next.labels = try FieldValidation.labels(labels) }
        if let owner {
            try FieldValidation.text(owner, field: "owner", limit: Limits.nameBytes)
            next.owner = owner
        }
        if let priority { next.priority = priority }
        if let pool {
            try FieldValidation.text(pool, field: "pool", limit: Limits.nameBytes)
            next.pool = pool
        }
        if let isArchived {
            guard !isArchived || next.state.isTerminal else {
                throw .invalid(field: "isArchived", reason: "only an experiment that has ended can be archived")
            }
            next.isArchived = isArchived
        }
        if let progress {
            let finite = try FieldValidation.finite(progress, field: "progress")
            guard (0...1).contains(finite) else { throw .invalid(field: "progress", reason: "it must lie in 0…1") }
            next.progress = finite
        }
        if let retention {
            try FieldValidation.retention(retention)
            next.retention = retention
        }
        return next
    }
}

extension FieldValidation {
    static func retention(_ policy: RetentionPolicy) throws(ModelError) {
        for (count, field) in [
            (policy.experimentBest, "retention.experimentBest"), (policy.trialBest, "retention.trialBest"),
            (policy.trialLatest, "retention.trialLatest"),
        ] {
            try range(Int64(count), field: field, in: 0...Int64(Limits.retainedCheckpoints))
        }
    }
}

extension WriteSession {
    /// The derived rows that make labels searchable.
    func keepLabels(_ experiment: Experiment) throws(StoreError) {
        for label in experiment.labels {
            try execute("INSERT INTO experiment_labels (label, experiment) VALUES (\(label), \(experiment.id))")
        }
    }
}
