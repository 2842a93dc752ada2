internal import FoundationEssentials
internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreSQLite
package import MetastoreTerminal
internal import Migrations

/// What `plan` says.
package struct PlanReport: CommandReport {
    /// A table that a step changes or reads whole.
    package struct Table: Sendable, Encodable {
        package let name: String
        package let rows: Int
        /// `atMost` or `moreThan` so many: rows beyond a million aren't counted. Nil where they were.
        package let bound: String?

        init(_ name: String, _ count: RowCount) {
            (self.name, rows) = (name, count.rows)
            bound = count.bound == .exactly ? nil : count.bound.rawValue
        }

        var shownRows: String {
            let words = bound == "atMost" ? "at most " : bound == nil ? "" : "more than "
            return words + Shown.count(rows, "row")
        }
    }

    /// What is filled in after a step, beside the writers.
    package struct Backfill: Sendable, Encodable {
        /// Whose rows are read.
        package let table: Table
        /// At its share of the writer's time, at least: how long writing takes isn't tried.
        package let seconds: Double
    }

    package struct Step: Sendable, Encodable {
        package let number: Int64
        package let name: String
        package let summary: String
        package let tables: [Table]
        package let backfill: Backfill?
        /// Built before it, while others write.
        package let indexes: [String]
        package let seconds: Double
        /// What nobody else can do meanwhile.
        package let lock: String
        /// A binary that knows the schema before this step can still read, and write, after it.
        package let olderReaders: Bool
        package let olderWriters: Bool
    }

    package let store: String
    package let from: Int64
    package let to: Int64
    package let steps: [Step]
    /// How the times were found: `sample` or `rehearsal`.
    package let basis: String
    /// What the store takes now, and so a backup at most.
    package let bytes: Int
    /// Room that the upgrade needs in the backup's directory, and beside the database.
    package let neededBytes: Int
    /// Nil where a server doesn't tell.
    package let freeBytes: Int?

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", "\(store), \(Shown.bytes(bytes))")
        guard let last = steps.last else {
            fields.add("schema", "\(to): nothing to do", .green)
            return fields.lines(style)
        }
        fields.add("schema", "\(from) now, \(last.number) afterwards")
        for step in steps { add(step, to: &fields) }
        let free = freeBytes.map { ", \(Shown.bytes($0)) free" } ?? "; the server doesn't tell what is free"
        fields.add(
            "disk", "\(Shown.bytes(neededBytes)) for the backup\(free)",
            (freeBytes ?? .max) < neededBytes ? .red : .plain)
        fields.add(
            "times", basis == "rehearsal" ? "as rehearsed on a copy" : "estimated from a sample; rehearse measures them"
        )
        return fields.lines(style)
    }

    private func add(_ step: Step, to fields: inout FieldLines) {
        fields.add("step \(step.number)", "\(step.name): \(step.summary)", .bold)
        for table in step.tables { fields.add("", "reads or changes \(table.name), \(table.shownRows)") }
        for index in step.indexes { fields.add("", "builds index \(index) beforehand, while others write") }
        fields.add("", "about \(Shown.duration(.seconds(step.seconds))); \(step.lock)")
        let after =
            switch (step.olderReaders, step.olderWriters) {
            case (true, true): "older binaries can still read and write"
            case (true, false): "older binaries can still read, and no longer write"
            default: "older binaries can no longer read or write"
            }
        fields.add("", "afterwards \(after)", step.olderWriters ? .plain : .yellow)
        if let backfill = step.backfill {
            fields.add(
                "",
                "then fills in what older rows lack while the master works: \(backfill.table.name), "
                    + "\(backfill.table.shownRows), \(Shown.duration(.seconds(backfill.seconds))) or more at its "
                    + "share of the writer's time")
        }
    }
}

extension Upgrade {
    /// What `up` would do. Writes nothing.
    ///
    /// - Parameter rehearsal: what `rehearse` reported, for its times.
    package func plan(
        target: Int64? = nil, backupDirectory: String? = nil, rehearsal: RehearsalReport? = nil
    ) throws(CommandFailure) -> PlanReport {
        try failing {
            let sight = try sight()
            try refuseHalfRestored(sight)
            return try reading { connection in
                let status = try migrator.status(connection)
                let steps = try Self.steps(of: status, to: target)
                let alone = try rehearsal == nil ? onNothing(steps, from: status.found) : [:]
                let planned = try steps.map { step in
                    try plan(step, connection, rehearsal?.seconds(of: step.number), alone[step.number] ?? 0)
                }
                let directory = backupDirectory ?? place.backupDirectory
                return PlanReport(
                    store: store, from: status.found, to: steps.last?.number ?? status.found, steps: planned,
                    basis: rehearsal == nil ? "sample" : "rehearsal", bytes: sight.bytes,
                    neededBytes: sight.bytes + UpgradeLimits.spareBytes,
                    freeBytes: try directory.map { try DatabaseFiles.freeBytes(in: $0) })
            }
        }
    }

    private func plan(
        _ step: MigrationText, _ connection: any Connection, _ rehearsed: Double?, _ alone: Double
    ) throws -> PlanReport.Step {
        var seconds = alone
        let tables = try step.tables.map { name in
            let count = try ClosedStore(connection).rowCount(of: name)
            if rehearsed == nil { seconds += try sampled(name, connection) * Double(count.rows) }
            return PlanReport.Table(name, count)
        }
        let isServer = connection.dialect.name == .postgresql
        return PlanReport.Step(
            number: step.number, name: step.name, summary: step.summary, tables: tables,
            backfill: try step.backfill.map { try backfill(of: $0, connection) },
            indexes: isServer ? step.concurrentIndexes.map(\.name) : [], seconds: rehearsed ?? seconds,
            lock: isServer
                ? "commits wait that long, reads go on" : "the master is down that long, and for the backup before",
            olderReaders: step.minReader < step.number, olderWriters: step.minWriter < step.number)
    }

    private func backfill(of table: String, _ connection: any Connection) throws -> PlanReport.Backfill {
        let store = ClosedStore(connection)
        let count = try store.rowCount(of: table)
        let perRow = try store.backfillSecondsPerRow(
            sampling: UpgradeLimits.sampledRows, bytes: UpgradeLimits.sampledBytes)
        return PlanReport.Backfill(
            table: PlanReport.Table(table, count),
            seconds: (perRow * Double(count.rows) * 1_000).rounded() / 1_000)
    }

    /// Seconds a row takes to be read.
    private func sampled(_ table: String, _ connection: any Connection) throws -> Double {
        let began = ContinuousClock.now
        var rows = 0
        try connection.forEachRow(SQL(trusted: "SELECT * FROM \(table) LIMIT \(UpgradeLimits.sampledRows)")) { _ in
            rows += 1
            return true
        }
        return rows > 0 ? (ContinuousClock.now - began) / .seconds(1) / Double(rows) : 0
    }

    /// Seconds each step takes on an empty store in memory: what it costs whatever there is.
    private func onNothing(_ steps: [MigrationText], from schema: Int64) throws -> [Int64: Double] {
        guard let last = steps.last?.number else { return [:] }
        let engine = try EngineSource.inMemory().makeEngine(EngineOptions())
        defer { engine.close() }
        _ = try engine.prepare()
        let record = SchemaRecord(.ofTools)
        var seconds: [Int64: Double] = [:]
        _ = try engine.create { connection in
            _ = try migrator.apply(
                to: connection, target: last, now: Self.now,
                progress: { event in
                    if case .ended(let step, let duration) = event { seconds[step.number] = duration / .seconds(1) }
                }, hook: { try record.append($0, $1) })
        }
        return seconds
    }
}
