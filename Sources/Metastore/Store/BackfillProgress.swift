internal import MetastoreEngine
public import MetastoreModel

/// How far something has come that is filled in beside the writers, after a migration.
public struct BackfillProgress: Sendable, Hashable {
    /// Whether there is anything left to do.
    public enum State: String, Sendable, Hashable, CaseIterable {
        /// Whoever holds the store works on it.
        case running
        /// It rests until it is resumed.
        case paused
        /// Everything is filled in.
        case done
    }

    /// What it fills in: `metric-summaries`.
    public let name: String
    /// Whether there is anything left to do.
    public let state: State
    /// How many rows it has read.
    public let rowsDone: Int64
    /// How many rows there are to read, at most; exactly so many once it is done.
    public let rowsTotal: Int64
    /// The bound it was given, in rows a second; nil for none.
    public let rowsPerSecond: Int64?
    /// The rows a second of late; nil while it isn't running, and before ``Limits/backfillRateWindow`` was measured.
    public let rate: Double?
    /// The trial up to which all is filled in; nil before the first.
    public let trial: ID<Trial>?
    /// When it began; nil before that.
    public let started: Timestamp?
    /// When it last moved; nil before it began.
    public let changed: Timestamp?

    /// How long the rest takes at this rate, at most; nil where that can't be told yet.
    public var remaining: Duration? {
        guard let rate, rate > 0 else { return nil }
        return .seconds(Double(rowsTotal - rowsDone) / rate)
    }

    init(_ backfill: Backfill) {
        name = Backfill.name
        switch backfill.state {
        case .running: state = .running
        case .paused: state = .paused
        case .done: state = .done
        }
        rowsDone = backfill.rowsDone + backfill.fillingRows
        // Trials go on while they are filled in, and have more rows than were counted.
        rowsTotal = state == .done ? rowsDone : max(backfill.rowsTotal, rowsDone)
        rowsPerSecond = backfill.rowsPerSecond
        rate = state == .running ? backfill.rate : nil
        trial = backfill.trial > 0 ? ID(rawValue: backfill.trial) : nil
        started = backfill.started
        changed = backfill.changed
    }
}

extension Metastore {
    /// How far everything has come that is filled in beside the writers: also what is done.
    ///
    /// The process that holds the store does it, in small steps between its writes; ``BackfillControl`` pauses it.
    public func backfills() async throws -> [BackfillProgress] {
        try await readOnce { [BackfillProgress(try Backfill.load($0.connection))] }
    }
}
