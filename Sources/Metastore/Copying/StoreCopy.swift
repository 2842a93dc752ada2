package import MetastoreEngine
package import MetastoreModel
internal import Synchronization

/// Copies a store to another place, on the same engine or the other: ids, revisions, log, chain, consumers and all.
///
/// ```swift
/// let report = try await StoreCopy(from: .sqlite("/var/lib/training.db"), to: .postgresql(url)).run { event in … }
/// ```
/// The source is read in one snapshot and never written. Every row's hash, every kind's digest and every link of the
/// log is computed anew, from the source and once more from the target; the target becomes a store only when all are
/// equal.
///
/// A copy that was cut off stays at its target as an unfinished one, which ``Metastore/open(_:_:)`` refuses. The same
/// copy run again goes on where it stopped, or, if the source has committed anything since, begins anew in its place.
///
/// The source's snapshot is held until the last row was copied. Beside a running master on SQLite its write-ahead log
/// can't shrink meanwhile: copy a large store from a backup.
package struct StoreCopy: Sendable {
    /// How a copy is done.
    package struct Options: Sendable {
        /// Settings of both engines. A call may take longer than in a store: rows of 48 MiB go over the network in one.
        package var engine = EngineOptions()
        /// A transaction at the target ends with so many rows, or so many bytes and at least one row.
        package var batchRows = Limits.copyBatchRows
        package var batchBytes = Limits.copyBatchBytes
        /// Clocks and randomness.
        package var time = TimeSource.system

        /// The defaults.
        package init() { engine.callTimeout = .seconds(30) }
    }

    /// What a finished copy is.
    package struct Report: Sendable, Hashable {
        /// The position of the copy: the source's when it was read.
        package let position: Position
        /// What it found at the target.
        package let beginning: CopyBeginning
        /// Rows and bytes that were copied, by this run and those it went on from.
        package let rows: Int64
        package let bytes: Int64
    }

    private let source: EngineSource
    private let target: EngineSource
    private let options: Options

    package init(from source: EngineSource, to target: EngineSource, _ options: Options = Options()) {
        self.source = source
        self.target = target
        self.options = options
    }

    /// Copies, or goes on with a copy. Cancelling the task ends it between two batches; what was copied stays.
    ///
    /// - Parameter progress: called on the copying thread, after every batch.
    /// - Throws: ``StoreError``: `damaged` naming the place and what in it; `targetNotEmpty`; `unfinishedCopy` when the
    ///   target holds one of another cluster; `fenced` when another process took the copy over; `diskFull`;
    ///   `unusable` and `unavailable` naming the place. Run it again when the cause is gone: it goes on.
    package func run(_ progress: @escaping @Sendable (CopyEvent) -> Void = { _ in }) async throws -> Report {
        let isCancelled = CancelledFlag()
        return try await withTaskCancellationHandler {
            try await BlockingThread.run(named: "metastore-copy") { [self] in
                let source = try CopySource(source, options.engine)
                defer { source.close() }
                let target = try CopyTarget(target, options.engine, options.time)
                defer { target.close() }
                let run = CopyRun(source: source, target: target, options: options) { event in
                    progress(event)
                    if isCancelled.isSet { throw StoreError(CancellationError()) }
                }
                return try run.run()
            }
        } onCancel: {
            isCancelled.set()
        }
    }
}

/// What a copy found at its target.
package enum CopyBeginning: Sendable, Hashable {
    case fromNothing
    /// An unfinished copy of the source as it still is, with so many rows.
    case resumed(rows: Int64)
    /// An unfinished copy of the source as it was: it was emptied.
    case anew(from: Revision, to: Revision)
    /// The finished copy.
    case finishedBefore
}

/// What a copy tells while it runs.
package enum CopyEvent: Sendable, Hashable {
    case began(CopyBeginning)
    case copied(CopyProgress)
    /// Everything is there, and is being computed anew.
    case verified(CopyProgress)
}

/// How far one table is.
package struct CopyProgress: Sendable, Hashable {
    package let table: String
    package let rows: Int64
    /// Of how many: counted, or the most there can be in a large table; nil where even that isn't known.
    package let of: Int64?
    /// Bytes of all tables so far.
    package let bytes: Int64
}

private final class CancelledFlag: Sendable {
    private let flag = Atomic(false)
    var isSet: Bool { flag.load(ordering: .relaxed) }
    func set() { flag.store(true, ordering: .relaxed) }
}
