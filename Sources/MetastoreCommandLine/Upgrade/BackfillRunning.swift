internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreTerminal

/// What `backfill run` did.
package struct BackfillRunReport: CommandReport {
    package let store: String
    package let backfills: [BackfillEntry]
    /// Those that were done while it ran.
    package let rows: Int64
    package let seconds: Double
    /// Somebody ended it before everything was done.
    package let isInterrupted: Bool

    package var exitStatus: ExitStatus { isInterrupted ? .no : .success }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        for entry in backfills {
            let isDone = entry.state == .done
            fields.add("backfill", "\(entry.name): \(isDone ? "done" : "interrupted")", isDone ? .green : .yellow)
            fields.add("filled in", entry.shownRows)
        }
        if rows > 0 { fields.add("this run", "\(Shown.count(Int(rows), "row")), \(Shown.duration(.seconds(seconds)))") }
        if isInterrupted {
            fields.add("note", "nothing is half done: run it again, or start the master, and it goes on.", .yellow)
        }
        return fields.lines(style)
    }
}

extension Upgrade {
    /// Does the backfill where no master does; until it is done, or the task is cancelled.
    package func runBackfill() async throws(CommandFailure) -> BackfillRunReport {
        try await failing {
            let sight = try sight()
            try refuseHalfRestored(sight)
            let before = try reading { connection in
                if let refusal = try migrator.status(connection).refusal(forWriting: true) { throw refusal }
                return try ClosedStore(connection).backfills()
            }
            guard before.contains(where: { $0.state != .done }) else { return report(before, since: before, .zero) }
            let began = ContinuousClock.now
            do {
                try refuseHeld()
                let after = try await fillIn()
                screen.clear()
                return report(after.map { [$0] } ?? before, since: before, ContinuousClock.now - began)
            } catch StoreError.locked(let holder) {
                throw held(by: holder)
            }
        }
    }

    /// In the engine's words, which say more than those of a store.
    private func refuseHeld() throws {
        let engine = try place.engine(isReadOnly: false)
        defer { engine.close() }
        do {
            guard try engine.prepare() != .nothing else { throw MigrationError.noStore }
        } catch let error as EngineError {
            guard case .locked(let holder) = error.code else { throw error }
            throw held(by: holder)
        }
    }

    private func held(by holder: String) -> CommandFailure {
        CommandFailure(
            .tryLater,
            "\(store) is held by \(holder). A master does the backfill itself, beside its work: there is nothing to "
                + "run. metastore-migrate backfill status \(store) shows how far it is. Nothing was changed.")
    }

    private func fillIn() async throws -> BackfillProgress? {
        let place = place
        let source = EngineSource { options in try place.engine(isReadOnly: options.isReadOnly) }
        var isPaused = false
        return try await BackfillRun(source, .ofTools).run { progress in
            if progress.state == .paused, !isPaused {
                screen.clear()
                screen.say("paused by orders; metastore-migrate backfill resume \(store) lets it go on")
            }
            isPaused = progress.state == .paused
            if progress.state == .running {
                screen.show("backfill", Int(progress.rowsDone), Int(progress.rowsTotal), "rows")
            }
        }
    }

    private func report(
        _ after: [BackfillProgress], since before: [BackfillProgress], _ elapsed: Duration
    ) -> BackfillRunReport {
        func rows(_ all: [BackfillProgress]) -> Int64 { all.reduce(0) { $0 + $1.rowsDone } }
        return BackfillRunReport(
            store: store, backfills: after.map { BackfillEntry($0) }, rows: max(0, rows(after) - rows(before)),
            seconds: elapsed.shownSeconds, isInterrupted: after.contains { $0.state != .done })
    }
}
