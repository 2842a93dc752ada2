// Invariants
// 1. The manifest comes last, under a name that nothing had: before it there is no snapshot, after it all of it.
// 2. Two who make the same snapshot have parts of their own; whose manifest has the name decides, and the other's parts
//    go. A manifest of another state under that name is a fork.
// 3. A snapshot is made only of a store whose history the archive has, or goes on with.

package import Metastore
package import MetastoreEngine
package import MetastoreModel

/// Puts snapshots of a store into an archive.
///
/// ```swift
/// let report = try await SnapshotWriter(line).write(.store(store)) { print($0) }
/// ```
/// The store goes on meanwhile. Memory is bounded by a part and a row; one thread of its own works for as long as it
/// takes. Cancelling the task ends the work between two parts; those that are there are found by retention.
package struct SnapshotWriter: Sendable {
    /// What a snapshot is made of.
    package enum Origin: Sendable {
        /// A store that is open here.
        case store(Metastore)
        /// A store that nobody has open, or another process has.
        case place(EngineSource)
    }

    private let line: ArchiveLine
    private let time: TimeSource
    private let engine: EngineOptions

    package init(_ line: ArchiveLine, time: TimeSource = .system, engine: EngineOptions = EngineOptions()) {
        self.line = line
        self.time = time
        self.engine = engine
    }

    /// Makes a snapshot of the store as it is now.
    ///
    /// - Parameters:
    ///   - form: rows, which any engine can be given; or SQLite's own pages, index and log with them, which are quicker
    ///     to restore and need a store on SQLite, with room for a copy beside it for as long as that takes.
    ///   - progress: called on the working thread, after every part.
    /// - Throws: ``ArchiveError``: `missing` where no archive was begun, `fenced` or `forked` for a store that is not
    ///   on the archive's history; ``StoreError``; `CancellationError`.
    package func write(
        _ origin: Origin, as form: SnapshotForm = .portable,
        _ progress: @escaping @Sendable (SnapshotProgress) -> Void = { _ in }
    ) async throws -> SnapshotReport {
        guard let history = try await ArchiveHistory(line) else {
            throw ArchiveError.missing(
                what: "cluster \(line.cluster)", reason: "archive its history first: a snapshot is a part of that")
        }
        let cancellation = Cancellation()
        return try await withTaskCancellationHandler {
            try await BlockingThread.run(named: "metastore-snapshot") { [self] in
                let source =
                    switch origin {
                    case .store(let store): try SnapshotSource(store)
                    case .place(let place): try SnapshotSource(place, engine)
                    }
                defer { source.close() }
                return try SnapshotRun(
                    line: line, history: history, source: source, attempt: time.random(), form: form
                ) {
                    try cancellation.check()
                    progress($0)
                }.run()
            }
        } onCancel: {
            cancellation.cancel()
        }
    }
}

/// How far a snapshot is.
package struct SnapshotProgress: Sendable, Hashable {
    package let table: String
    /// Of all tables so far; none of an image.
    package let rows: Int64
    /// Bytes before and after compression.
    package let contentBytes: Int
    package let storedBytes: Int
}

/// A snapshot that was made, or was there.
package struct SnapshotReport: Sendable, Hashable {
    package let id: SnapshotID
    package let position: Position
    /// Of a portable one.
    package let rows: Int64
    package let parts: Int
    package let contentBytes: Int
    package let storedBytes: Int
    /// Somebody else made it first.
    package let isOfAnother: Bool

    init(_ manifest: SnapshotManifest, isOfAnother: Bool) {
        id = manifest.id
        position = manifest.head.position
        rows = manifest.tables.reduce(0) { $0 + $1.rows }
        parts = manifest.parts.count
        contentBytes = manifest.contentBytes
        storedBytes = manifest.storedBytes
        self.isOfAnother = isOfAnother
    }
}
