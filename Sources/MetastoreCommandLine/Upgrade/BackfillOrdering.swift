internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreTerminal

/// What `backfill pause`, `resume` and `throttle` say.
package struct BackfillOrderReport: CommandReport {
    package let store: String
    package let backfills: [BackfillEntry]
    /// What is ordered now; nil when everything is done and nothing was ordered.
    package let orders: BackfillOrdered?
    /// Who obeys, and when.
    package let notes: [String]

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", store)
        for entry in backfills where entry.state == .done {
            fields.add("backfill", "\(entry.name): done", .green)
            fields.add("filled in", entry.shownRows)
        }
        if let orders { fields.add("ordered", orders.shown, .green) }
        for note in notes { fields.add("note", note) }
        return fields.lines(style)
    }
}

extension Upgrade {
    /// Lets the backfill rest until it is resumed.
    package func pauseBackfill() throws(CommandFailure) -> BackfillOrderReport { try order(.pause) }

    /// Lets it go on.
    package func resumeBackfill() throws(CommandFailure) -> BackfillOrderReport { try order(.resume) }

    /// Bounds it to so many rows a second; nil for no bound.
    package func throttleBackfill(rowsPerSecond limit: Int64?) throws(CommandFailure) -> BackfillOrderReport {
        try order(.throttle(rowsPerSecond: limit))
    }

    /// Tells whoever works on it, without touching a database that is somebody else's.
    private func order(_ order: BackfillOrder) throws(CommandFailure) -> BackfillOrderReport {
        try failing {
            let sight = try sight()
            try refuseHalfRestored(sight)
            let found = try reading { connection in
                if let refusal = try migrator.status(connection).refusal(forWriting: true) {
                    guard case .pending = refusal else { throw refusal }
                }
                return try ClosedStore(connection).backfills()
            }
            guard !found.isEmpty else { throw CommandFailure(.no, "\(store): \(noBackfill) Nothing was ordered.") }
            guard found.contains(where: { $0.state != .done }) else {
                return BackfillOrderReport(
                    store: store, backfills: found.map { BackfillEntry($0) }, orders: nil,
                    notes: ["everything is filled in: there is nothing to order, and nothing was ordered."])
            }
            return try given(order, holder: sight.holder)
        }
    }

    private func given(_ order: BackfillOrder, holder: String?) throws -> BackfillOrderReport {
        let looking = try place.engine(isReadOnly: true)
        let engine = looking.isExclusive ? looking : try place.engine(isReadOnly: false)
        defer { engine.close() }
        guard try engine.prepare() != .nothing else { throw MigrationError.noStore }
        try order.give(engine)
        let connection = try engine.openReader()
        defer { connection.close() }
        let found = try ClosedStore(connection).backfills()
        guard engine.isExclusive else {
            let row = found.first.map { progress in
                BackfillOrdered(
                    isPaused: progress.state == .paused, rowsPerSecond: progress.rowsPerSecond, isTakenIn: true)
            }
            return BackfillOrderReport(
                store: store, backfills: found.map { BackfillEntry($0) }, orders: row,
                notes: ["it holds from the next step on, whoever takes it."])
        }
        return BackfillOrderReport(
            store: store, backfills: found.map { BackfillEntry($0) },
            orders: found.first.flatMap { KeptOrders(beside: engine).ordered(of: $0) },
            notes: [
                holder.map { "\($0) obeys within about a second; metastore-migrate backfill status shows it." }
                    ?? "nobody holds the store now; whoever does next obeys."
            ])
    }
}
