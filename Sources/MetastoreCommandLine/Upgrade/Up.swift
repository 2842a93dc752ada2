internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreTerminal
internal import Migrations

/// How `up` is done.
package struct UpOptions: Sendable {
    /// The schema to stop at; nil for the newest.
    package var target: Int64?
    package var isDryRun = false
    package var backupDirectory: String?
    /// Somebody else made a backup and takes the responsibility: none is made.
    package var hasBackup = false
    /// How long to wait for whoever has the lock.
    package var lockTimeout = Duration.seconds(5)

    package init() {}
}

/// A step that was applied.
package struct AppliedStep: Sendable, Hashable, Codable {
    package let number: Int64
    package let name: String
    package let seconds: Double
}

/// What `up` did.
package struct UpReport: CommandReport {
    package let store: String
    package let from: Int64
    package let to: Int64
    package let isDryRun: Bool
    /// Those that this run applied; those that it would apply, in a dry run.
    package let steps: [AppliedStep]
    package let backup: VerifiedBackup?
    /// How long nobody else could write.
    package let heldSeconds: Double
    /// What was recomputed afterwards; nil where nothing was changed.
    package let verification: VerifyReport?
    /// What is left to be filled in beside the writers; nil where nothing is.
    package let backfills: [BackfillEntry]?

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        guard !steps.isEmpty else {
            fields.add("schema", "\(to): nothing to do", .green)
            return fields.lines(style)
        }
        if isDryRun {
            fields.add("schema", "\(from) now, \(to) after it; nothing was changed")
            for step in steps { fields.add("step", "\(step.number) \(step.name)") }
            return fields.lines(style)
        }
        fields.add("schema", "\(to), from \(from)", .green)
        if let backup {
            fields.add("backup", "\(backup.path) (verified, \(Shown.bytes(backup.bytes)))")
        } else {
            fields.add("backup", "none: --i-have-a-backup was given", .yellow)
        }
        for step in steps {
            fields.add("step", "\(step.number) \(step.name), \(Shown.duration(.seconds(step.seconds)))")
        }
        if let verification {
            fields.add(
                "verified",
                "\(Shown.count(verification.rows, "row")), "
                    + "\(Shown.count(verification.logRecords, "log record")), no findings", .green)
        }
        fields.add("held", "\(Shown.duration(.seconds(heldSeconds))), backup and verification included")
        for entry in backfills ?? [] {
            fields.add(
                "backfill",
                "\(entry.name): at most \(Shown.count(Int(entry.rowsTotal), "row")) to go, which the master fills in "
                    + "beside its work; metastore-migrate backfill status \(store) shows how far it is", .yellow)
        }
        return fields.lines(style)
    }
}

extension Upgrade {
    /// Brings the store to a newer schema: with the lock, after a verified backup, each step in one transaction.
    ///
    /// - Parameter confirm: asked before anything is locked or written; what it throws ends the command.
    package func up(
        _ options: UpOptions, confirm: (_ question: String) throws -> Void
    ) async throws(CommandFailure) -> UpReport {
        try await failing {
            let sight = try await settledSight(waiting: options.lockTimeout)
            try refuseHalfRestored(sight)
            let status = try reading { try migrator.status($0) }
            let steps = try Self.steps(of: status, to: options.target)
            guard let last = steps.last, !options.isDryRun else {
                // One that was killed after its last step left its name there: in nobody's way, but it looks undone.
                if !options.isDryRun, try place.lockHolder(sight)?.isAlive == false { _ = try? place.breakLock() }
                let planned = steps.map { AppliedStep(number: $0.number, name: $0.name, seconds: 0) }
                return UpReport(
                    store: store, from: status.found, to: steps.last?.number ?? status.found,
                    isDryRun: options.isDryRun, steps: planned, backup: nil, heldSeconds: 0, verification: nil,
                    backfills: nil)
            }
            try confirm("Bring \(store) from schema \(status.found) to \(last.number)?")
            try refuseFull(sight)
            return try await heldUp(options, from: status.found)
        }
    }

    /// What is there once nobody is in the middle of a rollback.
    private func settledSight(waiting timeout: Duration) async throws -> PlaceSight {
        let deadline = ContinuousClock.now + timeout
        while true {
            let sight = try sight()
            guard sight.isBeingRestored, sight.holder != nil, ContinuousClock.now < deadline else { return sight }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    private func heldUp(_ options: UpOptions, from: Int64) async throws -> UpReport {
        let held = try hold(waiting: options.lockTimeout)
        let began = ContinuousClock.now
        defer { held.close() }
        // A rollback may have been begun and cut off while this one waited.
        try refuseHalfRestored(try place.look(), isHeld: true)
        try ClosedStore(held.connection).refuseCopy(at: store)
        let lock = try migrator.takeLock(held.connection, waiting: options.lockTimeout, now: Self.now)
        defer { lock.release(held.connection) }
        try refuseDrift(held.connection)
        // Whoever had the lock before may have done it.
        guard try !Self.steps(of: try migrator.status(held.connection), to: options.target).isEmpty else {
            let found = try migrator.status(held.connection).found
            return UpReport(
                store: store, from: from, to: found, isDryRun: false, steps: [], backup: nil, heldSeconds: 0,
                verification: nil, backfills: nil)
        }
        let backup = try await backup(held, options)
        do {
            let steps = try apply(held, lock, to: options.target, backup: backup?.path)
            let verification = try finish(held, after: steps)
            return UpReport(
                store: store, from: from, to: verification.schema, isDryRun: false, steps: steps, backup: backup,
                heldSeconds: (ContinuousClock.now - began).shownSeconds, verification: verification,
                backfills: BackfillEntry.unfinished(try ClosedStore(held.connection).backfills()))
        } catch {
            // A step that was rolled back leaves its pages in the log; without them there is more room to try again.
            try? leaveClosed(held)
            throw afterBackup(error, backup)
        }
    }

    /// What is to be done, or why nothing can be.
    static func steps(of status: MigrationStatus, to target: Int64?) throws -> [MigrationText] {
        guard try status.next(to: target) != nil else { return [] }
        return status.pending.filter { $0.number <= target ?? status.known }
    }

    /// How much a step takes nobody knows before: one that finds no room is rolled back.
    private func refuseFull(_ sight: PlaceSight) throws(CommandFailure) {
        guard let free = sight.freeBytes, free < UpgradeLimits.spareBytes else { return }
        throw CommandFailure(
            .inputOutput,
            "\(store): an upgrade needs at least \(Shown.bytes(UpgradeLimits.spareBytes)) beside the database, and "
                + "\(Shown.bytes(free)) are free. Nothing was changed. Make room on its device. Don't delete the "
                + "database, its -wal or an older backup for it.")
    }

    /// - Parameter isHeld: this run has the lock, and so nobody is carrying it through.
    func refuseHalfRestored(_ sight: PlaceSight, isHeld: Bool = false) throws {
        guard sight.isBeingRestored else { return }
        if !isHeld, let holder = sight.holder { throw MigrationError.locked(holder: holder) }
        throw CommandFailure(
            .no,
            "\(store): a rollback was begun here and cut off. Both databases are intact: delete neither. "
                + "Run metastore-migrate rollback \(store) again: it carries it through. Nothing was changed now.")
    }

    private func refuseDrift(_ connection: any Connection) throws {
        let drift = try migrator.drift(connection)
        guard !drift.isEmpty else { return }
        throw CommandFailure(
            .drift,
            "\(store): \(Shown.count(drift.count, "object")) not as the schema has it: "
                + drift.prefix(3).map(\.description).joined(separator: "; ")
                + ". Nothing was changed, and the data is intact. Undo what was changed by hand "
                + "(metastore-migrate check names everything), then run this again. Don't edit schema_migrations.")
    }

    private func backup(_ held: HeldStore, _ options: UpOptions) async throws -> VerifiedBackup? {
        guard !options.hasBackup else {
            screen.say(
                "warning: no backup is made, because of --i-have-a-backup. If a step goes wrong, metastore-migrate "
                    + "rollback has nothing to restore.")
            return nil
        }
        let made = try await backUp(held, into: options.backupDirectory)
        screen.say(
            "backup: \(made.path) (verified, \(Shown.bytes(made.bytes)), revision \(made.revision), "
                + "\(Shown.duration(.seconds(made.seconds))))")
        return made
    }

    /// Applies the steps, each told on the screen.
    func apply(
        _ held: HeldStore, _ lock: MigrationLock, to target: Int64?, backup: String?
    ) throws -> [AppliedStep] {
        var steps: [AppliedStep] = []
        let record = SchemaRecord(.ofTools)
        try migrator.apply(
            to: held.connection, target: target, lock: lock, backup: backup, now: Self.now,
            progress: { event in
                switch event {
                case .began(let step): screen.say("step \(step.number) \(step.name): \(step.summary)")
                case .building(let index, let step): screen.say("step \(step.number): building index \(index.name)")
                case .ended(let step, let duration):
                    steps.append(AppliedStep(number: step.number, name: step.name, seconds: duration.shownSeconds))
                    screen.say("step \(step.number) \(step.name): done in \(Shown.duration(duration))")
                }
            }, hook: { try record.append($0, $1) })
        return steps
    }

    /// Recomputes everything, and leaves the store as one that was closed cleanly.
    func finish(_ held: HeldStore) throws -> VerifyReport {
        let drift = try migrator.drift(held.connection)
        let report = try verify(held.connection, of: place)
        guard report.findingCount == 0, drift.isEmpty else {
            let first = report.findings.first ?? drift[0].description
            throw CommandFailure(
                .damaged, "\(store): the steps were applied, and the store isn't as it should be: \(first)")
        }
        try leaveClosed(held)
        return report
    }

    /// As a master leaves it that ends: everything in the main file, and no log.
    private func leaveClosed(_ held: HeldStore) throws {
        guard held.engine.isExclusive else { return }
        try ClosedStore(held.connection).markClosed()
        try held.engine.settle(held.connection)
        try held.engine.keepNote(try ClosedStore(held.connection).note())
    }

    /// As ``finish(_:)``; what goes wrong there takes no step back.
    private func finish(_ held: HeldStore, after steps: [AppliedStep]) throws -> VerifyReport {
        do {
            return try finish(held)
        } catch let error as CommandFailure {
            throw error
        } catch {
            let failure = CommandFailure(error, at: store)
            let numbers = steps.map { "\($0.number)" }.joined(separator: ", ")
            throw CommandFailure(
                failure.status,
                "\(failure.sentence) All steps were applied before it (\(numbers)) and stay; what was cut off is "
                    + "looking at the result. Run metastore-migrate verify \(store).")
        }
    }

    private func afterBackup(_ error: any Error, _ backup: VerifiedBackup?) -> CommandFailure {
        let failure = CommandFailure(error, at: store)
        guard let backup else { return failure }
        return CommandFailure(
            failure.status,
            failure.sentence + " The backup \(backup.path) is verified (revision \(backup.revision)); to go back to "
                + "it run metastore-migrate rollback \(store) --backup \(backup.path). Don't delete it.")
    }
}
