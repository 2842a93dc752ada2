internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
internal import MetastoreModel
package import MetastoreTerminal

/// What `check` says: in what the live catalogue isn't the one that its version should have.
package struct DriftReport: CommandReport {
    package let store: String
    package let schema: Int64
    /// One sentence an object, which it names.
    package let differences: [String]

    package var exitStatus: ExitStatus { differences.isEmpty ? .success : .drift }

    package func lines(_ style: TerminalStyle) -> [String] {
        let verdict =
            differences.isEmpty
            ? "\(store): the catalogue is that of schema \(schema)"
            : "\(store): \(Shown.count(differences.count, "object")) not as schema \(schema) has it"
        return [style.line([.init(verdict, differences.isEmpty ? .green : .red)])] + differences.map { "  \($0)" }
    }
}

/// What `verify` says.
package struct VerifyReport: CommandReport {
    package let store: String
    package let revision: Int64
    package let schema: Int64
    package let rows: Int
    package let logRecords: Int
    package let seconds: Double
    /// What is wrong: the record's key, the invariant, and what was found. At most 1,000.
    package let findings: [String]
    package let findingCount: Int

    package var exitStatus: ExitStatus { findingCount == 0 ? .success : .damaged }

    package func lines(_ style: TerminalStyle) -> [String] {
        let what =
            "\(store): revision \(revision), \(Shown.count(rows, "row")), \(Shown.count(logRecords, "log record")): "
        let verdict = findingCount == 0 ? "no findings" : Shown.count(findingCount, "finding")
        let head = style.line([.init(what), .init(verdict, findingCount == 0 ? .green : .red)])
        guard findingCount > 0 else { return [head] }
        return [head] + findings.map { "  \($0)" } + [
            "  Copy all its files away before anything else, then restore a backup or copy what is whole. "
                + "Do not delete it: most of it is readable."
        ]
    }
}

extension Upgrade {
    /// Compares the live catalogue with the one its version should have. Writes nothing.
    package func check() throws(CommandFailure) -> DriftReport {
        try failing {
            _ = try sight()
            return try reading { connection in
                let status = try migrator.status(connection)
                if let disagreement = status.disagreement { throw disagreement }
                return DriftReport(
                    store: store, schema: status.found,
                    differences: try migrator.drift(connection).map(\.description))
            }
        }
    }

    /// Recomputes everything the store says of itself. Writes nothing.
    package func verify() throws(CommandFailure) -> VerifyReport {
        try failing {
            _ = try sight()
            return try reading { connection in
                if let refusal = try migrator.status(connection).refusal(forWriting: false) {
                    guard case .pending = refusal else { throw refusal }
                }
                return try verify(connection, of: place)
            }
        }
    }

    func verify(_ connection: any Connection, of place: any UpgradePlace) throws -> VerifyReport {
        let began = ContinuousClock.now
        screen.show("verifying \(place.url)", 0, nil, "findings")
        defer { screen.clear() }
        let files = try place.integrity(connection)
        let store = ClosedStore(connection)
        let summary = try store.summary()
        let report = try store.verify()
        let findings = files.map { "the file: \($0)" } + report.findings.map(\.description)
        return VerifyReport(
            store: place.url.description, revision: report.revision.rawValue, schema: summary.schema,
            rows: report.rows.values.reduce(0, +), logRecords: report.logRecords,
            seconds: (ContinuousClock.now - began).shownSeconds, findings: findings,
            findingCount: files.count + report.findingCount)
    }
}

extension Duration {
    /// In milliseconds' precision, for reports.
    var shownSeconds: Double { (self / .milliseconds(1)).rounded() / 1_000 }
}
