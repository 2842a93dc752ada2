// Invariants
// 1. The row is only changed with the head's lock held, but for the orders in it (paused, rows a second), which anybody
//    may give where several processes write.
// 2. Every trial up to `trial` and from `firstNew` on is filled: whoever writes keeps its derived rows up to date.
//    `filling` is filled up to and with the workload it names. No other trial has any derived row.

internal import MetastoreEngine
internal import MetastoreModel

/// A row of `backfills`: how far the rows that were there before a migration have got what it derives from them.
struct Backfill: Sendable {
    enum State: Int64, Sendable {
        case running = 1
        case paused = 2
        case done = 3
    }

    /// The trial that is being filled, and the last of its workloads that was.
    struct Filling: Sendable {
        let trial: ID<Trial>
        var step: Int64
        var kind: Int64
        var generation: Int64
    }

    /// What a write has to do about a trial's derived row.
    enum Standing: Sendable {
        /// Keep it up to date.
        case filled
        /// Leave it to the backfill, if what changed comes after this.
        case filling(WorkloadPlace)
        /// Leave it to the backfill.
        case waiting
    }

    var state: State
    var trial: Int64
    let firstNew: Int64
    var filling: Filling?
    /// Of the trial that is being filled.
    var fillingRows: Int64
    /// Of the trials before it.
    var rowsDone: Int64
    let rowsTotal: Int64
    var rowsPerSecond: Int64?
    var rate: Double?
    /// Who took the last step.
    var worker: Int64?
    var steps: Int64
    var started: Timestamp?
    var changed: Timestamp?

    func standing(of trial: ID<Trial>) -> Standing {
        if isFilled(trial) { return .filled }
        guard let filling, filling.trial == trial else { return .waiting }
        return .filling(WorkloadPlace(step: filling.step, kind: filling.kind))
    }

    func isFilled(_ trial: ID<Trial>) -> Bool {
        state == .done || trial.rawValue <= self.trial || trial.rawValue >= firstNew
    }
}

/// A workload's place among those of its trial.
struct WorkloadPlace: Sendable, Comparable {
    let step: Int64
    let kind: Int64

    static func < (left: WorkloadPlace, right: WorkloadPlace) -> Bool {
        left.step != right.step ? left.step < right.step : left.kind < right.kind
    }
}

extension Backfill {
    /// The one there is.
    static let name = "metric-summaries"
    /// The first schema that has it.
    static let schema: Int64 = 2

    private static let selection: SQL = """
        SELECT state, trial, first_new_trial, filling_trial, filling_step, filling_kind, filling_generation, \
        filling_rows, rows_done, rows_total, rows_per_second, rate, worker, steps, started_time, changed_time \
        FROM backfills WHERE name = 'metric-summaries'
        """

    static func load(_ connection: any Connection) throws -> Backfill {
        guard let found = try connection.first(selection, { try Backfill($0) }) else { throw missing }
        return found
    }

    static let missing = StoreError.damaged(place: "the table of backfills", reason: "a row is missing")

    private init(_ row: borrowing Row) throws {
        guard let state = State(rawValue: try row.integer(0)) else {
            throw StoreError.damaged(place: "the table of backfills", reason: "a state is unknown")
        }
        func optional<Result>(_ column: Int, _ read: (Int) throws -> Result) rethrows -> Result? {
            row.isNull(column) ? nil : try read(column)
        }
        self.state = state
        trial = try row.integer(1)
        firstNew = try row.integer(2)
        filling =
            row.isNull(3)
            ? nil
            : Filling(
                trial: ID(rawValue: try row.integer(3)), step: try row.integer(4), kind: try row.integer(5),
                generation: try row.integer(6))
        fillingRows = try row.integer(7)
        rowsDone = try row.integer(8)
        rowsTotal = try row.integer(9)
        rowsPerSecond = row.isNull(10) ? nil : try row.integer(10)
        rate = row.isNull(11) ? nil : try row.real(11)
        worker = row.isNull(12) ? nil : try row.integer(12)
        steps = try row.integer(13)
        started = row.isNull(14) ? nil : Timestamp(microseconds: try row.timestamp(14))
        changed = row.isNull(15) ? nil : Timestamp(microseconds: try row.timestamp(15))
    }

    /// Where it stands now. The orders in the row are left alone; only the end is written over them.
    var update: SQL {
        let end: SQL = state == .done ? "state = 3, " : ""
        return """
            UPDATE backfills SET \(end)trial = \(trial), filling_trial = \(nullable: filling?.trial), \
            filling_step = \(nullable: filling?.step), filling_kind = \(nullable: filling?.kind), \
            filling_generation = \(nullable: filling?.generation), filling_rows = \(fillingRows), \
            rows_done = \(rowsDone), rate = \(nullable: rate), worker = \(nullable: worker), steps = \(steps), \
            started_time = \(nullable: started.map { Value.timestamp($0.microseconds) }), \
            changed_time = \(nullable: changed.map { Value.timestamp($0.microseconds) }) \
            WHERE name = 'metric-summaries'
            """
    }
}
