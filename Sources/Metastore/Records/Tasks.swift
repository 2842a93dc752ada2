internal import MetastoreEngine
public import MetastoreModel

extension Repository where Element == ClusterTask {
    /// The task.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<ClusterTask>) throws(StoreError) -> ClusterTask {
        guard let found = try session.find(ClusterTask.self, .integer(id.rawValue)) else {
            throw .notFound(path: RecordKey.task(id).path)
        }
        return found
    }

    /// Every task that hasn't ended, by id: what a master restores when it starts.
    public func unfinished() throws(StoreError) -> [ClusterTask] {
        try session.records("WHERE end_time IS NULL ORDER BY id")
    }

    /// The tasks that ran a trial, by id.
    public func list(of trial: ID<Trial>) throws(StoreError) -> [ClusterTask] {
        try session.records("WHERE trial = \(trial) AND trial IS NOT NULL ORDER BY id")
    }
}

extension Repository where Element == ClusterTask, Access == Writing {
    /// Creates a task.
    ///
    /// - Throws: ``StoreError/notFound(path:)`` for an unknown trial, ``StoreError/invalid(field:reason:)`` when a
    ///   TRIAL has none or another kind has one.
    public func create(_ new: NewTask) throws(StoreError) -> ClusterTask {
        guard (new.kind == .trial) == (new.trial != nil) else {
            throw .invalid(
                field: "trial", reason: "trial can't be stored: a TRIAL task has one, every other kind none.")
        }
        if let trial = new.trial { _ = try Repository<Trial, Reading>(session).get(trial) }
        return try writer.insert(
            ClusterTask(
                id: ID(rawValue: writer.head.take(.task)), kind: new.kind, trial: new.trial, start: writer.time,
                end: nil, createdRevision: .absent, revision: .absent))
    }

    /// Ends a task; ending it twice changes nothing.
    ///
    /// - Throws: ``StoreError/refused(path:reason:)`` while an allocation of it isn't TERMINATED;
    ///   ``StoreError/notFound(path:)``.
    @discardableResult
    public func end(_ id: ID<ClusterTask>) throws(StoreError) -> ClusterTask {
        let current = try get(id)
        if current.end != nil { return current }
        let live = try session.first("SELECT id FROM allocations WHERE task = \(id) AND state <= 7 ORDER BY id LIMIT 1")
        {
            try $0.integer(0)
        }
        if let live {
            throw .refused(
                path: current.recordKey.path, reason: "its allocation \(live) is not TERMINATED; end that first.")
        }
        var next = current
        next.end = writer.time
        return try writer.update(next, from: current)
    }
}

extension Repository where Element == Allocation {
    /// The allocation.
    ///
    /// - Throws: ``StoreError/notFound(path:)``.
    public func get(_ id: ID<Allocation>) throws(StoreError) -> Allocation {
        guard let found = try session.find(Allocation.self, .integer(id.rawValue)) else {
            throw .notFound(path: "allocation \(id)")
        }
        return found
    }

    /// Every allocation that isn't TERMINATED, by id: what a master restores when it starts.
    public func unfinished() throws(StoreError) -> [Allocation] {
        try session.records("WHERE state <= 7 ORDER BY id")
    }

    /// What waits in a pool's queue: its PENDING allocations, by priority (smaller first), then id.
    public func waiting(in pool: String, limit: Int = Limits.pageLimitDefault) throws(StoreError) -> [Allocation] {
        try session.records("WHERE pool = \(pool) AND state = 1 ORDER BY priority, id LIMIT \(limit)")
    }

    /// A task's allocations, by id.
    public func list(of task: ID<ClusterTask>) throws(StoreError) -> [Allocation] {
        try session.records("WHERE task = \(task) ORDER BY id")
    }
}

extension Repository where Element == Allocation, Access == Writing {
    /// Asks for slots: a PENDING allocation.
    ///
    /// - Throws: ``StoreError/refused(path:reason:)`` when the task has ended; ``StoreError/notFound(path:)``,
    ///   ``StoreError/invalid(field:reason:)``.
    public func create(_ new: NewAllocation) throws(StoreError) -> Allocation {
        try validating { () throws(ModelError) in
            try FieldValidation.range(new.slots, field: "slots", in: 0...Int64(Int32.max))
        }
        let task = try Repository<ClusterTask, Reading>(session).get(new.task)
        guard task.end == nil else { throw .refused(path: task.recordKey.path, reason: "it has ended.") }
        _ = try Repository<ResourcePool, Reading>(session).get(new.pool)
        return try writer.insert(
            Allocation(
                id: ID(rawValue: writer.head.take(.allocation)), task: new.task, pool: new.pool, state: .pending,
                slots: new.slots, priority: new.priority, exitReason: nil, start: writer.time, end: nil,
                createdRevision: .absent, revision: .absent))
    }

    /// Moves an allocation forward. TERMINATED also ends its containers and gives back its slots and ports.
    ///
    /// - Parameter reason: why it ended; kept with TERMINATED only.
    /// - Throws: ``StoreError/transitionRefused(path:from:to:allowed:)``, ``StoreError/notFound(path:)``, or what the
    ///   expectation says.
    @discardableResult
    public func transition(
        _ id: ID<Allocation>, to state: AllocationState, reason: String? = nil,
        if expected: Expectation<AllocationState> = .anything
    ) throws(StoreError) -> Allocation {
        try validating { () throws(ModelError) in
            try FieldValidation.text(reason, field: "reason", limit: Limits.textBytes)
        }
        let current = try get(id)
        let path = current.recordKey.path
        try expected.check(path, current.revision, current.state)
        if try current.state.isNoChange(to: state, path: path) { return current }
        return try writer.atomically { () throws(StoreError) in
            var next = current
            next.state = state
            if state.isTerminal {
                next.end = writer.time
                next.exitReason = reason
                try releaseEverything(of: id)
            }
            return try writer.update(next, from: current)
        }
    }

    private func releaseEverything(of id: ID<Allocation>) throws(StoreError) {
        let containers: [Container] = try session.records("WHERE allocation = \(id) AND state <= 4 ORDER BY id")
        for container in containers {
            _ = try Repository<Container, Writing>(writer).transition(container.id, to: .terminated)
        }
        let ports: [PortReservation] = try session.records("WHERE allocation = \(id) ORDER BY host, port")
        for port in ports { try writer.delete(port) }
    }
}

extension AsyncRepository where Element == Allocation {
    /// Every allocation that isn't TERMINATED, by id.
    public func unfinished() async throws -> [Allocation] {
        try await store.readOnce { try Repository<Allocation, Reading>($0).unfinished() }
    }

    /// What waits in a pool's queue, by priority (smaller first), then id.
    public func waiting(in pool: String, limit: Int = Limits.pageLimitDefault) async throws -> [Allocation] {
        try await store.readOnce { try Repository<Allocation, Reading>($0).waiting(in: pool, limit: limit) }
    }
}
