internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreTerminal

/// What `rollback` did, or would do.
package struct RollbackReport: CommandReport {
    package let store: String
    package let isDryRun: Bool
    /// Nil when an earlier rollback was carried through.
    package let backup: String?
    package let schema: Int64
    package let revision: Int64
    /// Commits that the store had after the backup, those of the steps left out, and that are in what was saved aside
    /// alone; nil when it couldn't be read.
    package let commitsAside: Int64?
    /// Where what was there is kept.
    package let aside: String?

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        fields.add(
            isDryRun ? "would be" : "is now",
            "schema \(schema), revision \(revision)"
                + (backup.map { ", from \($0) (verified)" } ?? ": an earlier rollback was carried through"),
            isDryRun ? .plain : .green)
        if let commitsAside {
            fields.add(
                "lost here",
                commitsAside > 0
                    ? "\(Shown.count(Int(commitsAside), "commit")) made after the backup"
                    : "nothing but the upgrade itself",
                commitsAside > 0 ? .yellow : .plain)
        }
        if let aside { fields.add("kept aside", "\(aside): delete it only when nobody misses anything") }
        if isDryRun { fields.add("note", "nothing was changed") }
        return fields.lines(style)
    }
}

extension Upgrade {
    /// How a rollback is done.
    package struct RollbackOptions: Sendable {
        /// The backup to restore; nil for the one that the last step's row names.
        package var backup: String?
        package var isDryRun = false
        package var lockTimeout = Duration.seconds(5)

        package init() {}
    }

    /// Puts a verified backup in the store's place, after saving what is there aside. A run that was cut off is carried
    /// through first, and nothing else is done then.
    package func rollback(
        _ options: RollbackOptions, confirm: (_ question: String) throws -> Void
    ) async throws(CommandFailure) -> RollbackReport {
        try await failing {
            let sight = try place.look()
            if sight.isBeingRestored, !options.isDryRun,
                let outcome = try await place.finishRestore(waiting: options.lockTimeout)
            {
                return try report(outcome, backup: nil, lost: nil)
            }
            guard sight.isThere || options.backup != nil else { _ = try self.sight(); throw MigrationError.noStore }
            let found = sight.isThere ? try? summary() : nil
            let history = past
            let path = try backup(options)
            let backup = try check(SQLitePlace(try StoreURL("sqlite:" + path), path: path))
            try refuseForeign(found, backup, path)
            // Each step made a commit of its own.
            let steps = Int64(history?.applied.count { $0.number > backup.schema } ?? 0)
            let lost = found.map { max(0, $0.revision.rawValue - backup.revision.rawValue - steps) }
            if options.isDryRun {
                return RollbackReport(
                    store: store, isDryRun: true, backup: path, schema: backup.schema,
                    revision: backup.revision.rawValue, commitsAside: lost, aside: nil)
            }
            try confirm(
                "Put schema \(backup.schema), revision \(backup.revision) in the place of \(store)"
                    + (lost.map { $0 > 0 ? ", without the \(Shown.count(Int($0), "commit")) since" : "" } ?? "") + "?")
            let how = Restoring(migrator: migrator, timeout: options.lockTimeout) {
                try refuseOtherPast(than: history)
            }
            let outcome = try await place.restore(path, how) { [screen] title, done, total, unit in
                screen.show("restore: \(title)", done, total, unit)
            }
            guard !outcome.isEarlier else { return try report(outcome, backup: nil, lost: nil) }
            return try report(outcome, backup: path, lost: lost)
        }
    }

    /// What tells a store that was upgraded or rolled back from what it was before; a restored one is in a new epoch.
    private struct Past: Hashable {
        let applied: [AppliedMigration]
        let epoch: Int64
    }

    /// Nil where it can't be read.
    private var past: Past? {
        try? reading { connection in
            Past(applied: try migrator.status(connection).applied, epoch: try ClosedStore(connection).summary().epoch)
        }
    }

    /// Whoever had the lock before may have upgraded it, or rolled it back already.
    private func refuseOtherPast(than expected: Past?) throws(CommandFailure) {
        guard past != expected else { return }
        throw CommandFailure(
            .no,
            "\(store): somebody else upgraded it, rolled it back or began a new epoch meanwhile. Nothing was changed "
                + "by this run. Look at metastore-migrate history \(store), and run this again if you still mean it.")
    }

    private func summary() throws -> ClosedStore.Summary { try reading { try ClosedStore($0).summary() } }

    /// The backup that was named, or that the last step's row names.
    private func backup(_ options: RollbackOptions) throws -> String {
        if let named = options.backup { return named }
        let applied: [AppliedMigration]
        do {
            applied = try reading { try migrator.status($0).applied }
        } catch {
            throw CommandFailure(
                .usage,
                "\(store): its history can't be read, so name the backup: --backup FILE. Nothing was changed. "
                    + "(\(CommandFailure(error, at: store).description))")
        }
        guard let path = applied.last?.backup else {
            throw CommandFailure(
                .no,
                "\(store): schema \(applied.last?.number ?? 0) was applied without a backup of metastore-migrate's; "
                    + "there is nothing to go back to. Nothing was changed. If you have one, name it: --backup FILE.")
        }
        return path
    }

    private func refuseForeign(
        _ found: ClosedStore.Summary?, _ backup: ClosedStore.Summary, _ path: String
    ) throws(CommandFailure) {
        guard let found, found.cluster != backup.cluster else { return }
        throw CommandFailure(
            .no,
            "\(path) is a backup of another store: cluster \(backup.cluster), here is \(found.cluster). Nothing was "
                + "changed. Name the right backup; don't delete either.")
    }

    private func report(_ outcome: RestoreOutcome, backup: String?, lost: Int64?) throws -> RollbackReport {
        screen.clear()
        let now: ClosedStore.Summary
        do {
            now = try reading { connection in
                let report = try verify(connection, of: place)
                guard report.findingCount == 0 else {
                    throw CommandFailure(
                        .damaged,
                        "\(store): what was restored isn't whole: \(report.findings[0]). What was there before is kept "
                            + "as \(outcome.aside ?? "nothing"). Don't delete it, and restore another backup.")
                }
                return try ClosedStore(connection).summary()
            }
        } catch let error as EngineError where error.code == .holdLost {
            // The right to write ended with the replacement, and nobody reads under it.
            throw CommandFailure(
                .tryLater,
                "\(store): this run put the backup in place, and somebody else replaced it again before it was "
                    + "verified. What was there before this run is kept as \(outcome.aside ?? "nothing"): don't delete "
                    + "it. Look at metastore-migrate history \(store) before you run this again.")
        }
        return RollbackReport(
            store: store, isDryRun: false, backup: backup, schema: now.schema, revision: now.revision.rawValue,
            commitsAside: lost, aside: outcome.aside)
    }
}
