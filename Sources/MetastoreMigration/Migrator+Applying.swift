// Invariants
// 1. A step, its row in schema_migrations, the head row's schema, min_reader and min_writer, and whatever the hook
//    writes commit in one transaction.
// 2. Steps are applied in order of their number, without a gap; what must be done next is decided anew for each step,
//    after everybody else was locked out.
// 3. Of two migrators at once the second finds the step applied. Where a server lets both in, the one that lost the
//    lock (MigrationLock) changes nothing any more.
// 4. A step that failed leaves nothing behind but what was built before its transaction, which the next run takes up.

public import MetastoreEngine
public import Migrations

/// What a run of the migrator is doing, for whoever watches.
public enum MigrationProgress: Sendable, Hashable {
    /// A step begins.
    case began(MigrationText)
    /// An index is built while others write, before the step's transaction.
    case building(ConcurrentIndex, MigrationText)
    /// A step was committed, after so long.
    case ended(MigrationText, Duration)
}

extension Migrator {
    /// Applies the steps after the current schema, each in one transaction.
    ///
    /// An empty database needs no lock: whoever makes it keeps others out. Before later steps take one
    /// (``takeLock(_:waiting:now:)``).
    ///
    /// - Parameters:
    ///   - target: the schema to stop at; nil for the newest this binary knows.
    ///   - lock: the right to migrate.
    ///   - backup: where the verified backup lies that was made before; kept with each step.
    ///   - now: microseconds since 1970.
    ///   - progress: told of each step's begin and end.
    ///   - hook: called with the step's number inside its transaction, after its statements: the store makes its head
    ///     row there, and appends its log record.
    /// - Returns: the numbers of the steps that this run applied.
    /// - Throws: ``MigrationError``; what the hook threw, then the step is rolled back; or an `EngineError`.
    @discardableResult
    public func apply(
        to connection: any Connection, target: Int64? = nil, lock: MigrationLock? = nil, backup: String? = nil,
        now: () -> Int64, progress: (MigrationProgress) -> Void = { _ in },
        hook: (Int64, any Connection) throws -> Void
    ) throws -> [Int64] {
        if try !VersionTable.isThere(connection) {
            try VersionTable.create(connection)
            if try !MigrationLock.isThere(connection) { try MigrationLock.create(connection) }
        }
        var applied: [Int64] = []
        while let step = try next(to: target, on: connection, after: applied) {
            let began = ContinuousClock.now
            progress(.began(step))
            let attempt = Attempt(
                step: step, target: target, lock: lock, backup: backup, applied: applied, began: began)
            try build(attempt, on: connection) { progress(.building($0, step)) }
            let isOurs = try apply(attempt, to: connection, now: now, hook: hook)
            progress(.ended(step, ContinuousClock.now - began))
            if isOurs { applied.append(step.number) }
        }
        return applied
    }

    private func next(
        to target: Int64?, on connection: any Connection, after applied: [Int64]
    ) throws -> MigrationText? {
        do {
            return try connection.inOneSnapshot { try readStatus(connection) }.next(to: target)
        } catch let error as EngineError where !applied.isEmpty {
            throw MigrationError.interrupted(applied: applied, error)
        }
    }

    /// One step of one run.
    private struct Attempt {
        let step: MigrationText
        let target: Int64?
        let lock: MigrationLock?
        let backup: String?
        let applied: [Int64]
        let began: ContinuousClock.Instant

        /// The error that the run ends with.
        func failure(_ error: any Error, isCommitting: Bool = false) -> any Error {
            guard let error = error as? EngineError else { return error }
            let isUnknown = isCommitting && error.leavesCommitUnknown
            return isUnknown
                ? MigrationError.outcomeUnknown(number: step.number, name: step.name, applied: applied, error)
                : MigrationError.failed(number: step.number, name: step.name, applied: applied, error)
        }
    }

    private func build(
        _ attempt: Attempt, on connection: any Connection, progress: (ConcurrentIndex) -> Void
    ) throws {
        guard connection.dialect.name == .postgresql else { return }
        do {
            for index in attempt.step.concurrentIndexes {
                try attempt.lock?.confirm(attempt.step, on: connection)
                let statements = index.statements(finding: try IndexState(of: index.name, connection))
                if !statements.isEmpty { progress(index) }
                for statement in statements { try connection.executeAlone(statement) }
            }
        } catch {
            throw attempt.failure(error)
        }
    }

    /// False when somebody else had applied it meanwhile.
    private func apply(
        _ attempt: Attempt, to connection: any Connection, now: () -> Int64,
        hook: (Int64, any Connection) throws -> Void
    ) throws -> Bool {
        let (step, database) = (attempt.step, connection.dialect.name)
        guard let text = step.statements(for: database.rawValue), let checksum = step.checksum(for: database) else {
            throw MigrationError.missingText(number: step.number, database: database.rawValue)
        }
        do {
            try connection.begin(.write)
            try lockOut(attempt, connection)
            guard try readStatus(connection).next(to: attempt.target) == step else {
                connection.rollback()
                return false
            }
            try connection.executeScript(text)
            try hook(step.number, connection)
            try connection.execute(
                """
                UPDATE head SET schema_version = \(step.number), min_reader = \(step.minReader), \
                min_writer = \(step.minWriter) WHERE id = 1
                """)
            let isFirst = step.number == 1
            try VersionTable.insert(
                AppliedMigration(
                    number: step.number, name: step.name, checksum: checksum, appliedBy: appliedBy, host: host,
                    appliedTime: now(), duration: isFirst ? 0 : (ContinuousClock.now - attempt.began).microseconds,
                    backup: attempt.backup), connection)
        } catch {
            connection.rollback()
            throw attempt.failure(error)
        }
        do {
            try connection.commit()
        } catch {
            connection.rollback()
            throw attempt.failure(error, isCommitting: true)
        }
        return true
    }

    /// From here on nobody else writes or migrates. A write transaction alone does that on SQLite.
    private func lockOut(_ attempt: Attempt, _ connection: any Connection) throws {
        guard connection.dialect.name == .postgresql else { return }
        guard attempt.step.number > 1 else {
            return try connection.executeScript("LOCK TABLE schema_migrations IN SHARE ROW EXCLUSIVE MODE")
        }
        // Nobody else sees a store before the run that makes it has ended.
        guard attempt.applied.first != 1 else { return }
        guard let lock = attempt.lock else {
            throw EngineError(
                .misuse, operation: "migrate", message: "a store on a server is migrated with its lock only")
        }
        _ = try connection.first("SELECT schema_version FROM head WHERE id = 1 FOR UPDATE") { try $0.integer(0) }
        try lock.confirm(attempt.step, on: connection)
    }
}

extension Duration {
    fileprivate var microseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds * 1_000_000 + attoseconds / 1_000_000_000_000
    }
}
