internal import Metastore
package import MetastoreEngine
package import MetastoreMigration
internal import MetastoreModel
package import Migrations

/// One run of a migrator on a store, from its first connection to its last.
package struct TestMigration {
    package var source: EngineSource
    package var steps: [MigrationText]
    package var target: Int64?
    package var backup: String?
    package var timeout = Duration.seconds(60)
    /// Told of everything while it happens; may throw to end it.
    package var progress: (MigrationProgress) -> Void = { _ in }
    /// Called in a step's transaction, with its number.
    package var inside: (Int64, any Connection) throws -> Void = { _, _ in }

    package init(_ source: EngineSource, _ steps: [MigrationText] = MigrationText.three) {
        self.source = source
        self.steps = steps
    }

    package var migrator: Migrator { Migrator(steps: steps, appliedBy: "metastore test", host: "here") }

    /// The numbers of the steps that it applied.
    @discardableResult
    package func run() throws -> [Int64] {
        try withConnection { connection in
            let lock = try migrator.takeLock(connection, waiting: timeout, now: now)
            defer { lock.release(connection) }
            return try apply(connection, lock)
        }
    }

    /// The part that changes something.
    package func apply(_ connection: any Connection, _ lock: MigrationLock?) throws -> [Int64] {
        let record = SchemaRecord(StoreOptions())
        return try migrator.apply(
            to: connection, target: target, lock: lock, backup: backup, now: now, progress: progress
        ) { number, connection in
            try record.append(number, connection)
            try inside(number, connection)
        }
    }

    /// Lends a connection that may write.
    package func withConnection<Result>(_ body: (any Connection) throws -> Result) throws -> Result {
        let engine = try source.makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare(waiting: timeout)
        let connection = try engine.openWriter()
        defer { connection.close() }
        return try body(connection)
    }

    package func now() -> Int64 { TimeSource.system.now().microseconds }
}

/// Runs what blocks on a thread of its own.
package func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        let hasStarted = BlockingThread.tryStart {
            do { continuation.resume(returning: try body()) } catch { continuation.resume(throwing: error) }
        }
        precondition(hasStarted, "the operating system refuses a thread")
    }
}
