// Invariants
// 1. Nothing is believed because something else says so: pages, indexes, foreign keys, every row's hash, digests, the
//    chain of the log and every rule of the domain are looked at one by one.
// 2. What was not looked at is said.

internal import Metastore
internal import MetastoreEngine
internal import MetastoreMigration
package import MetastoreModel

/// What was found wrong, or that nothing was.
package struct StoreCheck: Sendable {
    package enum Depth: String, Sendable {
        /// The files, the head row, the schema and the end of the log.
        case quick
        /// Everything.
        case full
    }

    /// One thing that was made sure of.
    package struct Item: Sendable {
        /// For scripts: `a-trial-has-an-experiment`.
        package let id: String
        package let name: String
        package let findings: Int
    }

    package struct Finding: Sendable {
        package let id: String
        package let key: String
        package let detail: String
    }

    package let depth: Depth
    package let revision: Revision
    package var items: [Item] = []
    package var findings: [Finding] = []
    package var findingCount = 0
    package var rows = 0
    package var logRecords = 0

    package var isClean: Bool { findingCount == 0 }

    init(_ depth: Depth, _ revision: Revision) {
        self.depth = depth
        self.revision = revision
    }

    /// Takes note of one thing that was made sure of, and of what was found wrong with it.
    package mutating func add(_ name: String, _ found: [(key: String, detail: String)]) {
        let id = VerificationReport.id(of: name)
        items.append(Item(id: id, name: name, findings: found.count))
        findingCount += found.count
        findings += found.prefix(100).map { Finding(id: id, key: $0.key, detail: $0.detail) }
    }

    /// Where damage keeps something from being looked at, that is the finding.
    fileprivate mutating func making(
        sure name: String, _ place: String, _ look: (inout StoreCheck) throws -> [(key: String, detail: String)]
    ) throws {
        do {
            let found = try look(&self)
            add(name, found)
        } catch let error as EngineError where error.code == .damaged || error.code == .notADatabase {
            add(name, [(place, "it can't be looked at: \(error.message)")])
        } catch let error as StoreError {
            guard case .damaged(_, let reason) = error else { throw error }
            add(name, [(place, "it can't be looked at: \(reason)")])
        }
    }

    fileprivate mutating func add(_ report: VerificationReport) {
        rows = report.rows.values.reduce(0, +)
        logRecords = report.logRecords
        var counts: [String: Int] = [:]
        for finding in report.findings { counts[finding.invariant, default: 0] += 1 }
        for name in VerificationReport.invariants {
            items.append(Item(id: VerificationReport.id(of: name), name: name, findings: counts[name] ?? 0))
        }
        findingCount += report.findingCount
        findings += report.findings.map {
            Finding(id: VerificationReport.id(of: $0.invariant), key: $0.key, detail: $0.detail)
        }
    }
}

extension Inspection {
    /// Looks for what is wrong.
    ///
    /// - Parameter progress: what is looked at, how many of how many; nil where nobody knows.
    package func check(
        _ depth: StoreCheck.Depth, progress: @escaping (String, Int, Int?) throws -> Void = { _, _, _ in }
    ) throws -> StoreCheck {
        let facts = try store.facts()
        var check = StoreCheck(depth, facts.summary.revision)
        // Of an archive its reader makes sure, object by object.
        if case .damaged(let reason) = verdict, !isRebuilt {
            check.add("the files are whole", [(place, reason)])
        } else {
            check.add("the files are whole", [])
        }
        try progress("catalogue", 0, nil)
        try check.making(sure: "the catalogue is that of its schema", place) { _ in
            try Migrator.ofThisLibrary.drift(connection).map { ($0.object.name, $0.description) }
        }
        switch depth {
        case .quick:
            let start = max(facts.summary.compactedRevision.rawValue, facts.summary.revision.rawValue &- 1_000)
            try check.making(sure: "the last records of the log hang together", place) { check in
                let report = try store.verifyLog(after: Revision(rawValue: start))
                check.logRecords = report.logRecords
                return report.findings.map { ($0.key, $0.description) }
            }
        case .full:
            if connection.dialect.name == .sqlite { try checkPages(&check, progress) }
            // As the head row says, which may say anything.
            let total = facts.counters.reduce(
                facts.summary.revision.rawValue &- facts.summary.compactedRevision.rawValue
            ) { $0 &+ $1.next &- 1 }
            try check.making(sure: "every row and log record can be looked at", place) { check in
                check.add(try store.verify { done in try progress("rows and log", done, max(Int(total), done)) })
                return []
            }
        }
        return check
    }

    private func checkPages(
        _ check: inout StoreCheck, _ progress: (String, Int, Int?) throws -> Void
    ) throws {
        try progress("pages and indexes", 0, nil)
        try check.making(sure: "the database's pages and indexes are whole", place) { _ in
            // SQLite takes memory for each page that the header promises: four thousand millions, if need be.
            guard missingPages < 1 << 20 else { return [(place, "it can't be looked at: most pages are missing")] }
            var found: [(String, String)] = []
            try connection.forEachRow("PRAGMA integrity_check(100)") { row in
                let text = try row.text(0)
                if text != "ok" { found.append((place, text)) }
                return true
            }
            return found
        }
        try progress("foreign keys", 0, nil)
        try check.making(sure: "what a row names is there", place) { _ in
            var found: [(String, String)] = []
            try connection.forEachRow("PRAGMA foreign_key_check") { row in
                found.append((try row.text(0), "row \(row.isNull(1) ? "?" : String(try row.integer(1))) names none"))
                return found.count < 100
            }
            return found
        }
    }
}
