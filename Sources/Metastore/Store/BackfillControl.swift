internal import FoundationEssentials
public import MetastoreEngine
internal import MetastoreModel

/// Orders to the backfill of a store that another process holds.
///
/// They are kept, and hold until another is given, also when nobody works at the moment. A store in a file is not
/// touched: the orders go into a file beside it (`<database>.control`), which the process that holds the store reads
/// about once a second. On a server they go into the database.
///
/// ```swift
/// try await BackfillControl(.sqlite("/var/lib/master/metastore.db")).throttle(rowsPerSecond: 5_000)
/// ```
public struct BackfillControl: Sendable {
    private let source: EngineSource
    private let options: EngineOptions

    /// For the store at this place.
    public init(_ source: EngineSource, _ options: EngineOptions = EngineOptions()) {
        self.source = source
        self.options = options
    }

    /// Lets it rest until it is resumed.
    ///
    /// - Throws: ``StoreError``: `unusable` when there is no store, or it can't be reached or written.
    public func pause() async throws { try await give(.pause) }

    /// Lets it go on.
    ///
    /// - Throws: as ``pause()``.
    public func resume() async throws { try await give(.resume) }

    /// Bounds it to so many rows a second; nil lets it have its share of the writer's time again.
    ///
    /// - Throws: as ``pause()``; ``StoreError/invalid(field:reason:)`` for less than one row.
    public func throttle(rowsPerSecond limit: Int64?) async throws {
        if let limit, limit < 1 {
            throw StoreError.invalid(
                field: "rowsPerSecond", reason: "rowsPerSecond is \(limit): to stop a backfill, pause it.")
        }
        try await give(.throttle(rowsPerSecond: limit))
    }

    private func give(_ order: BackfillOrder) async throws {
        let (source, options) = (source, options)
        try await BlockingThread.run(named: "metastore-control") {
            var options = options
            options.isReadOnly = true
            var engine: any Engine
            do {
                engine = try source.makeEngine(options)
                if !engine.isExclusive {
                    options.isReadOnly = false
                    engine = try source.makeEngine(options)
                }
            } catch {
                throw StoreError(error)
            }
            defer { engine.close() }
            do {
                guard try engine.prepare() != .nothing else {
                    throw StoreError.unusable(place: engine.place, reason: "there is no store here")
                }
                try order.give(engine)
            } catch let error as EngineError {
                throw StoreError(engine: error, place: engine.place)
            }
        }
    }
}

/// One order.
package enum BackfillOrder: Sendable, Hashable {
    case pause
    case resume
    /// At least one row; nil for no bound.
    case throttle(rowsPerSecond: Int64?)

    /// Gives it: beside a database that may be somebody else's, into one that several processes write.
    ///
    /// - Parameter engine: prepared; where it isn't exclusive, with the right to write.
    /// - Throws: an `EngineError`, or a ``StoreError``.
    package func give(_ engine: any Engine) throws {
        if engine.isExclusive { try keepFile(engine) } else { try changeRow(engine) }
    }

    private func change(_ orders: inout BackfillOrders) {
        switch self {
        case .pause: orders.isPaused = true
        case .resume: orders.isPaused = false
        case .throttle(let limit): orders.rowsPerSecond = limit
        }
    }

    private func keepFile(_ engine: any Engine) throws {
        var orders = try engine.readControl().flatMap { BackfillOrders($0) } ?? obeyed(engine)
        change(&orders)
        try engine.keepControl(orders.bytes)
    }

    /// What holds where no file says otherwise, or one that can't be understood: what was taken in last.
    private func obeyed(_ engine: any Engine) throws -> BackfillOrders {
        let connection = try engine.openReader()
        defer { connection.close() }
        guard let present = try ClosedStore(connection).backfills().first else { return BackfillOrders() }
        return BackfillOrders(isPaused: present.state == .paused, rowsPerSecond: present.rowsPerSecond)
    }

    private func changeRow(_ engine: any Engine) throws {
        let connection = try engine.openWriter()
        defer { connection.close() }
        try connection.begin(.write)
        do {
            let present = try Backfill.load(connection)
            var orders = BackfillOrders(isPaused: present.state == .paused, rowsPerSecond: present.rowsPerSecond)
            change(&orders)
            try connection.execute(orders.update)
            try connection.commit()
        } catch {
            connection.rollback()
            throw error
        }
    }
}

/// What is ordered: the content of the control file.
package struct BackfillOrders: Sendable, Hashable {
    package internal(set) var isPaused = false
    package internal(set) var rowsPerSecond: Int64?

    private static let format: Int64 = 1

    init(isPaused: Bool = false, rowsPerSecond: Int64? = nil) {
        self.isPaused = isPaused
        self.rowsPerSecond = rowsPerSecond
    }

    /// As it stands in the file.
    var bytes: [UInt8] {
        let limit: JSON = rowsPerSecond.map { .integer($0) } ?? .null
        let orders: NamedValues<JSON> = [
            "backfill": .object(["paused": .bool(isPaused), "rowsPerSecond": limit]), "format": .integer(Self.format),
        ]
        return Array(((try? JSONObject(orders).text) ?? "{}").utf8) + [UInt8(ascii: "\n")]
    }

    /// Nil for anything that ``bytes`` wouldn't be, but for its spelling.
    init?(_ bytes: [UInt8]) {
        guard let text = String(validating: bytes, as: UTF8.self), let file = try? JSONObject(parsing: text).values,
            file.count == 2, file["format"] == .integer(Self.format), case .object(let orders)? = file["backfill"],
            orders.count == 2, case .bool(let isPaused)? = orders["paused"], let limit = orders["rowsPerSecond"]
        else { return nil }
        switch limit {
        case .null: rowsPerSecond = nil
        case .integer(let rows) where rows >= 1: rowsPerSecond = rows
        default: return nil
        }
        self.isPaused = isPaused
    }

    /// Into the row, unless all is done.
    var update: SQL {
        """
        UPDATE backfills SET state = \((isPaused ? Backfill.State.paused : .running).rawValue), \
        rows_per_second = \(nullable: rowsPerSecond) WHERE name = 'metric-summaries' AND state <> 3
        """
    }
}
