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
    }

    package struct Step: Sendable, Encodable {
        package let number: Int64
        package let name: String
        package let summary: String
        package let tables: [Table]
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
        for table in step.tables { fields.add("", "reads or changes \(table.name), \(Shown.count(table.rows, "row"))") }
        for index in step.indexes { fields.add("", "builds index \(index) beforehand, while others write") }
        fields.add("", "about \(Shown.duration(.seconds(step.seconds))); \(step.lock)")
        let after =
            switch (step.olderReaders, step.olderWriters) {
            case (true, true): "older binaries can still read and write"
            case (true, false): "older binaries can still read, and no longer write"
            default: "older binaries can no longer read or write"
            }
        fields.add("", "afterwards \(after)", step.olderWriters ? .plain : .yellow)
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
            let rows = try connection.first(SQL(trusted: "SELECT count(*) FROM \(name)")) { try $0.integer(0) } ?? 0
            if rehearsed == nil { seconds += try sampled(name, connection) * Double(rows) }
            return PlanReport.Table(name: name, rows: Int(rows))
        }
        let isServer = connection.dialect.name == .postgresql
        return PlanReport.Step(
            number: step.number, name: step.name, summary: step.summary, tables: tables,
            indexes: isServer ? step.concurrentIndexes.map(\.name) : [], seconds: rehearsed ?? seconds,
            lock: isServer
                ? "commits wait that long, reads go on" : "the master is down that long, and for the backup before",
            olderReaders: step.minReader < step.number, olderWriters: step.minWriter < step.number)
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
