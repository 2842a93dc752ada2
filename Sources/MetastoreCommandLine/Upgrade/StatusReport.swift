internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreTerminal
internal import Migrations

/// What `status` says.
package struct StatusReport: CommandReport {
    /// In one word.
    package enum State: String, Sendable, Encodable {
        case current, pending, newer, drift
        /// The applied steps aren't this binary's.
        case otherSteps
        /// A rollback was begun here, and cut off.
        case halfRestored
    }

    package struct Step: Sendable, Encodable {
        package let number: Int64
        package let name: String
        package let summary: String

        init(_ step: MigrationText) {
            (number, name, summary) = (step.number, step.name, step.summary)
        }
    }

    package struct Writer: Sendable, Encodable {
        package let binary: String
        package let host: String
        package let time: String
    }

    package let store: String
    package let engine: String
    package let state: State
    package let schema: Int64
    /// The newest schema this binary knows.
    package let known: Int64
    package let pending: [Step]
    package let minReader: Int64?
    package let minWriter: Int64?
    package let lastWriter: Writer?
    package let lock: LockHolder?
    package let drift: [String]
    /// What isn't filled in yet, beside the writers; nil where everything is.
    package let backfills: [BackfillEntry]?
    /// What is, why, what to do and what not to do, where something is to be done.
    package let advice: String?

    package var exitStatus: ExitStatus {
        switch state {
        case .current: .success
        case .pending, .halfRestored: .no
        case .newer: .newerSchema
        case .drift, .otherSteps: .drift
        }
    }

    package func lines(_ style: TerminalStyle) -> [String] {
        var fields = FieldLines()
        fields.add("store", "\(store) (\(engine))")
        fields.add("schema", "\(schema); this binary knows \(known)", state == .current ? .green : .yellow)
        for step in pending { fields.add("pending", "\(step.number) \(step.name): \(step.summary)") }
        if let minReader { fields.add("readers", "schema \(minReader) or newer") }
        if let minWriter { fields.add("writers", "schema \(minWriter) or newer") }
        if let lastWriter {
            fields.add("written by", "\(lastWriter.binary) on \(lastWriter.host), \(lastWriter.time)")
        }
        fields.add("lock", lock.map { $0.isAlive ? "held by \($0.holder)" : "left by \($0.holder), dead" } ?? "free")
        for entry in backfills ?? [] {
            let isPaused = entry.state == .paused ? ", paused" : ""
            fields.add(
                "backfill",
                "\(entry.name): \(entry.shownRows)\(isPaused); metastore-migrate backfill status \(store) says more")
        }
        for difference in drift { fields.add("drift", difference, .red) }
        if let advice { fields.add("note", advice, .yellow) }
        return fields.lines(style)
    }
}

extension Upgrade {
    /// Which schema the store has, and what is to be done about it. Writes nothing.
    package func status() throws(CommandFailure) -> StatusReport {
        try failing {
            let sight = try sight()
            let lock = try place.lockHolder(sight)
            return try reading { connection in
                let status = try migrator.status(connection)
                let drift =
                    status.disagreement == nil && status.found <= status.known
                    ? try migrator.drift(connection) : []
                let isWhole = status.disagreement == nil && status.found <= status.known && drift.isEmpty
                let backfills = isWhole ? BackfillEntry.unfinished(try ClosedStore(connection).backfills()) : nil
                return report(status, sight, lock, drift.map(\.description), backfills)
            }
        }
    }

    private func report(
        _ status: MigrationStatus, _ sight: PlaceSight, _ lock: LockHolder?, _ drift: [String],
        _ backfills: [BackfillEntry]?
    ) -> StatusReport {
        let refusal = status.refusal(forWriting: true)
        let state: StatusReport.State =
            if sight.isBeingRestored {
                .halfRestored
            } else if status.disagreement != nil {
                .otherSteps
            } else if status.found > status.known {
                .newer
            } else if !drift.isEmpty {
                .drift
            } else {
                status.pending.isEmpty ? .current : .pending
            }
        return StatusReport(
            store: store, engine: status.database.rawValue, state: state, schema: status.found, known: status.known,
            pending: status.pending.map(StatusReport.Step.init), minReader: status.minReader,
            minWriter: status.minWriter,
            lastWriter: status.lastWriter.map { writer in
                StatusReport.Writer(
                    binary: writer.appliedBy, host: writer.host, time: Self.seconds(writer.appliedTime))
            }, lock: lock, drift: drift, backfills: backfills, advice: advice(state, refusal))
    }

    private func advice(_ state: StatusReport.State, _ refusal: MigrationError?) -> String? {
        switch state {
        case .current: nil
        case .newer where refusal == nil:
            "a newer release wrote this schema, and lets this binary work with it. The data is intact."
        case .pending, .newer, .otherSteps: refusal?.description
        case .halfRestored:
            "a rollback was begun here and cut off. Both databases are intact: delete neither. Run metastore-migrate "
                + "rollback \(store) again: it carries it through."
        case .drift:
            "the data is intact: do not delete it. Undo what was changed by hand, or use the release that made it; "
                + "metastore-migrate up refuses until then."
        }
    }

    /// RFC 3339 in whole seconds.
    static func seconds(_ microseconds: Int64) -> String {
        String(Timestamp(microseconds: microseconds).description.prefix(19)) + "Z"
    }
}
