// Invariants
// 1. What a report says is of one state: all its reads see the same one, or it isn't made.
// 2. Memory is bounded by ReportData.Bounds, not by the store: what there may be many of is counted by the database, or
//    read a row at a time.
// 3. A part that can't be read is left out, named and explained; the others are shown.

internal import Metastore
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTerminal

extension Inspection {
    /// Reads what a report says.
    ///
    /// - Parameters:
    ///   - isPast: an earlier state than the last is shown (``showPast(at:progress:)``).
    ///   - progress: told what is read next.
    /// - Throws: where not even the head row can be read, or the store was changed meanwhile.
    package func reportData(
        _ bounds: ReportData.Bounds = .init(), isPast: Bool = false,
        progress: @escaping (String) -> Void = { _ in }
    ) throws -> ReportData {
        let reader = ReportReader(self, bounds, isPast: isPast, progress: progress)
        return try read { try reader.read() }
    }
}

/// Makes one report's data.
final class ReportReader {
    let inspection: Inspection
    let bounds: ReportData.Bounds
    let isPast: Bool
    private let progress: (String) -> Void
    private var doubtful: Set<RecordKey> = []
    private var missing: [ReportData.Missing] = []

    init(_ inspection: Inspection, _ bounds: ReportData.Bounds, isPast: Bool, progress: @escaping (String) -> Void) {
        self.inspection = inspection
        self.bounds = bounds
        self.isPast = isPast
        self.progress = progress
    }

    func read() throws -> ReportData {
        let head = try head()
        var data = ReportData(head)
        part("experiments by state") { data.experimentStates = try states(.experiment) }
        part("experiments") { data.experiments = try experiments() }
        part("trials by state") { data.trialStates = try trialStates(&data.experiments.rows) }
        part("best trials") { data.bestTrials = try bestTrials(&data.experiments.rows) }
        part("curves") { data.curves = try curves(data.bestTrials) }
        part("timeline") { data.bars = try bars(data) }
        part("checkpoints") { data.checkpointStates = try checkpointStates() }
        part("checkpoints by experiment") { data.holders = try holders() }
        part("agents") { try readAgents(&data) }
        part("consumers") { data.consumers = try consumers(head) }
        // Last, for the sake of a store in use, whose reads have to end soon: there may be many millions.
        part("workloads") { data.workloads = Int(try inspection.store.count(of: .workload)) }
        data.doubtful = doubtful.count
        data.missing = missing
        return data
    }

    private func part(_ name: String, _ body: () throws -> Void) {
        progress(name)
        do {
            try body()
        } catch {
            missing.append(ReportData.Missing(what: name, reason: "\(error)"))
        }
    }

    private func head() throws -> ReportData.Head {
        let info = try inspection.info()
        let summary = info.facts.summary
        if info.isLeaderDoubtful { doubtful.insert(.leadership) }
        return ReportData.Head(
            place: inspection.place, cluster: summary.cluster, epoch: summary.epoch, revision: summary.revision,
            time: info.facts.time, schema: summary.schema, compactedRevision: summary.compactedRevision,
            lastActor: info.lastActor, leader: info.leader, verdict: inspection.verdict, notices: inspection.notices,
            log: inspection.log, isPast: isPast)
    }

    /// The records of a query, each once; those that can't be read are told.
    func records<Row>(
        _ query: RecordQuery, limit: Int, _ body: (RecordView) throws -> Row?
    ) throws -> [Row] {
        var rows: [Row] = []
        let listed = try inspection.list(query, limit: limit) { record in
            if !record.isProven { doubtful.insert(record.key) }
            if let row = try body(record) { rows.append(row) }
            return true
        }
        if listed.unreadableCount > 0 {
            missing.append(
                ReportData.Missing(
                    what: "\(MetastoreTerminal.Shown.count(listed.unreadableCount, "row")) of \(query.kind.name)",
                    reason: listed.unreadable.joined(separator: "; ")))
        }
        return rows
    }

    /// A record by its key; nil where there is none, or it can't be read.
    func record(_ key: RecordKey) throws -> RecordView? {
        do {
            let record = try inspection.record(key)
            if record?.isProven == false { doubtful.insert(key) }
            return record
        } catch let error as StoreError {
            missing.append(ReportData.Missing(what: key.path, reason: "\(error)"))
            return nil
        }
    }

    func states(_ kind: RecordKind) throws -> [ReportData.Count] {
        let statement = SQL(trusted: "SELECT state, count(*) FROM \(kind.table.name) GROUP BY state ORDER BY state")
        return try inspection.connection.all(statement) { row in
            ReportData.Count(state: Self.name(kind, try row.integer(0)), count: Int(try row.integer(1)))
        }
    }

    static func name(_ kind: RecordKind, _ code: Int64) -> String {
        Presentation.codeName(kind, "state", code) ?? "state \(code)"
    }
}

extension RecordView {
    func text(_ name: String) -> String {
        if case .text(let text) = self[name] { text } else { "" }
    }

    func integer(_ name: String) -> Int64? {
        if case .integer(let number) = self[name] { number } else { nil }
    }

    func real(_ name: String) -> Double? {
        if case .real(let number) = self[name] { number } else { nil }
    }

    func time(_ name: String) -> Timestamp? {
        if case .time(let time) = self[name] { time } else { nil }
    }

    func flag(_ name: String) -> Bool { self[name] == .flag(true) }
}
