internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreTerminal

/// How far a backfill has come: what is filled in for rows that were there before a step, beside the writers.
package struct BackfillEntry: Sendable, Hashable, Encodable {
    package enum State: String, Sendable, Encodable {
        /// For its first step.
        case waiting
        case running, paused, done
    }

    package let name: String
    package let state: State
    package let rowsDone: Int64
    /// At most; exactly so many once it is done.
    package let rowsTotal: Int64
    /// The bound it was given.
    package let rowsPerSecond: Int64?
    /// The rows a second of late, while somebody works on it and once it was measured.
    package let rate: Double?
    package let remainingSeconds: Double?
    /// The trial up to which all is filled in.
    package let trial: Int64?
    package let started: String?
    package let changed: String?

    init(_ progress: BackfillProgress, isWorkedOn: Bool = false) {
        name = progress.name
        state =
            switch progress.state {
            case .running: progress.started == nil ? .waiting : .running
            case .paused: .paused
            case .done: .done
            }
        (rowsDone, rowsTotal) = (progress.rowsDone, progress.rowsTotal)
        rowsPerSecond = progress.rowsPerSecond
        rate = isWorkedOn ? progress.rate.map { $0.rounded() } : nil
        remainingSeconds = isWorkedOn ? progress.remaining?.shownSeconds : nil
        trial = progress.trial?.rawValue
        started = progress.started.map { Upgrade.seconds($0.microseconds) }
        changed = progress.changed.map { Upgrade.seconds($0.microseconds) }
    }

    /// Those with something left to do; nil for none.
    static func unfinished(_ all: [BackfillProgress]) -> [BackfillEntry]? {
        let entries = all.filter { $0.state != .done }.map { BackfillEntry($0) }
        return entries.isEmpty ? nil : entries
    }

    /// "1,200 of at most 5,000 rows (24 %)"
    var shownRows: String {
        guard state != .done else { return Shown.count(Int(rowsDone), "row") }
        let percent = ProgressBar.percent(rowsTotal > 0 ? Double(rowsDone) / Double(rowsTotal) : 1)
        return "\(Shown.grouped(Int(rowsDone))) of at most \(Shown.count(Int(rowsTotal), "row")) "
            + "(\(percent.drop { $0 == " " }))"
    }
}

/// What is ordered of a backfill.
package struct BackfillOrdered: Sendable, Hashable, Encodable {
    package let isPaused: Bool
    package let rowsPerSecond: Int64?
    /// Whoever works on it knows.
    package let isTakenIn: Bool

    var shown: String {
        (isPaused ? "pause, " : "go on, ") + (rowsPerSecond == nil ? "no throttle" : Self.throttle(rowsPerSecond))
    }

    static func throttle(_ rowsPerSecond: Int64?) -> String {
        rowsPerSecond.map { "at most \(Shown.count(Int($0), "row")) a second" } ?? "none"
    }
}

/// What `backfill status` says.
package struct BackfillReport: CommandReport {
    package let store: String
    package let engine: String
    package let schema: Int64
    package let backfills: [BackfillEntry]
    /// Who holds the store and so works on it, where one process holds it; nil when nobody does.
    package let holder: String?
    /// Whether somebody works on it, as far as that can be seen from here.
    package let isWorkedOn: Bool
    /// Nil where none were given beside the database.
    package let orders: BackfillOrdered?
    /// What is to be done, and what not.
    package let notes: [String]

    package var exitStatus: ExitStatus {
        !backfills.isEmpty && backfills.allSatisfy { $0.state == .done } ? .success : .no
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", "\(store) (\(engine), schema \(schema))")
        for entry in backfills { add(entry, to: &fields) }
        if let holder { fields.add("held by", holder) }
        if let orders, !orders.isTakenIn { fields.add("orders", "\(orders.shown); not taken in yet", .yellow) }
        for note in notes { fields.add("note", note, .yellow) }
        return fields.lines(style)
    }

    private func add(_ entry: BackfillEntry, to fields: inout FieldLines) {
        let (state, look): (String, TerminalStyle.Look) =
            switch entry.state {
            case .done: ("done", .green)
            case .paused: ("paused", .yellow)
            case .waiting: ("waiting for its first step", .yellow)
            case .running: isWorkedOn ? ("running", .green) : ("begun, and nobody works on it", .yellow)
            }
        fields.add("backfill", "\(entry.name): \(state)", look)
        fields.add("filled in", entry.shownRows)
        if let rate = entry.rate {
            let left = entry.remainingSeconds.map { ", \(Shown.duration(.seconds($0))) left at most" } ?? ""
            fields.add("rate", "\(Shown.grouped(Int(rate)))/s\(left)")
        }
        if entry.state != .done { fields.add("throttle", BackfillOrdered.throttle(entry.rowsPerSecond)) }
        if entry.state != .done, let trial = entry.trial { fields.add("up to", "trial \(trial)") }
        if let started = entry.started { fields.add("started", started) }
        if let changed = entry.changed { fields.add("last moved", changed) }
    }
}

extension Upgrade {
    /// How far what is filled in after a step has come, and who works on it. Writes nothing.
    package func backfillStatus() throws(CommandFailure) -> BackfillReport {
        try failing {
            let sight = try sight()
            try refuseHalfRestored(sight)
            return try looking { engine, connection in
                let status = try migrator.status(connection)
                if let refusal = status.refusal(forWriting: false) {
                    guard case .pending = refusal else { throw refusal }
                }
                let found = try ClosedStore(connection).backfills()
                let isWorkedOn = engine.isExclusive ? sight.holder != nil : found.contains(where: Self.movedLately)
                let kept = found.contains { $0.state != .done } ? KeptOrders(beside: engine) : .none
                let orders = found.first.flatMap { kept.ordered(of: $0) }
                return BackfillReport(
                    store: store, engine: status.database.rawValue, schema: status.found,
                    backfills: found.map { BackfillEntry($0, isWorkedOn: isWorkedOn) },
                    holder: engine.isExclusive ? sight.holder : nil, isWorkedOn: isWorkedOn, orders: orders,
                    notes: notes(found, kept, orders, isWorkedOn: isWorkedOn, isExclusive: engine.isExclusive))
            }
        }
    }

    /// On a server nobody holds the store: whoever works on it moves it at least as often as others would take over.
    private static func movedLately(_ progress: BackfillProgress) -> Bool {
        guard progress.state == .running, let changed = progress.changed else { return false }
        let age = TimeSource.system.now().microseconds - changed.microseconds
        return .microseconds(age.magnitude) < Limits.backfillTakeover * 2
    }

    private func notes(
        _ found: [BackfillProgress], _ kept: KeptOrders, _ orders: BackfillOrdered?, isWorkedOn: Bool,
        isExclusive: Bool
    ) -> [String] {
        guard !found.isEmpty else { return [noBackfill] }
        guard found.contains(where: { $0.state != .done }) else { return [] }
        var notes: [String] = []
        if case .unclear(let reason) = kept {
            notes.append(
                "orders beside the store don't count (\(reason)): what was ordered before holds. Give them again.")
        }
        let isHeld = isExclusive && isWorkedOn
        if let orders, !orders.isTakenIn {
            notes.append("whoever holds the store\(isHeld ? "" : " next") obeys within about a second.")
        }
        if orders?.isPaused ?? found.contains(where: { $0.state == .paused }) {
            return notes + ["it rests until metastore-migrate backfill resume \(store)."]
        }
        if !isWorkedOn {
            notes.append(
                (isExclusive ? "nobody holds the store" : "nobody has moved it lately")
                    + ": start the master, which does it beside its work, or run metastore-migrate backfill run "
                    + "\(store).")
        }
        return notes
    }

    var noBackfill: String { "this schema has no backfill. metastore-migrate up \(store) begins it." }
}

extension KeptOrders {
    /// Beside what holds.
    func ordered(of progress: BackfillProgress) -> BackfillOrdered? {
        guard case .orders(let orders) = self else { return nil }
        let isTakenIn =
            orders.isPaused == (progress.state == .paused) && orders.rowsPerSecond == progress.rowsPerSecond
        return BackfillOrdered(
            isPaused: orders.isPaused, rowsPerSecond: orders.rowsPerSecond, isTakenIn: isTakenIn)
    }
}
