// Invariants
// 1. What is shown is one state: the files don't change while they are read, or the reader is told; or it is one
//    snapshot of whoever has the store open.
// 2. Files at rest are read without a trace. A store that is in use is read through its own locks, and no snapshot of
//    it is held for long.

package import Metastore
package import MetastoreEngine
package import MetastoreMigration
internal import MetastoreSQLite

/// A store that is looked at, and not changed: one connection over one state of it.
///
/// ```swift
/// let inspection = try Inspection.open(path: "/mnt/snapshot")
/// let summary = try inspection.read { try inspection.store.summary() }
/// ```
package final class Inspection {
    /// Where it was found, for messages.
    package let place: String
    package let connection: any Connection
    package let store: ClosedStore
    package let verdict: Verdict
    /// What the reader has to know besides: warnings about the files, one sentence each.
    package let notices: [String]
    /// What the write-ahead log holds; nil where there is none, or where the store is in use.
    package let log: LogReport?
    /// Its schema, beside what this program knows.
    package let schema: MigrationStatus
    /// Somebody has it open: each read may see a later state than the one before.
    package let isLive: Bool
    /// What is shown was rebuilt from an archive: no file of a store lies at ``place``.
    package let isRebuilt: Bool

    private let reading: Reading
    /// Reads inside a read see the state of the outer one.
    private var isReading = false

    /// How reads are made.
    enum Reading {
        /// Of files at rest, which are looked at afterwards: were they left alone?
        case atRest(FrozenFile)
        /// Of a copy, or in a snapshot that is held: nothing changes there.
        case held
        /// Each in a snapshot of its own.
        case live(BoundedConnection)
    }

    init(
        place: String, connection: any Connection, verdict: Verdict, notices: [String], log: LogReport?,
        schema: MigrationStatus, isLive: Bool, isRebuilt: Bool = false, reading: Reading
    ) {
        self.place = place
        self.connection = connection
        self.verdict = verdict
        self.notices = notices
        self.log = log
        self.schema = schema
        self.isLive = isLive
        self.isRebuilt = isRebuilt
        self.reading = reading
        store = ClosedStore(connection)
    }

    deinit { connection.close() }

    /// So many pages that the file says it has aren't there.
    var missingPages: Int { if case .atRest(let file) = reading { file.missingPages } else { 0 } }

    /// Runs reads that belong together: all see one state, also those of a read inside.
    ///
    /// Of a store that another program has open it is the newest, and they may take ten seconds together: as long as
    /// they run, its write-ahead log can't shrink.
    ///
    /// - Throws: what the closure throws; `EngineError` `interrupted` when it took too long, `busy` when files at rest
    ///   were changed meanwhile, so that what was read may be of two moments.
    package func read<Result>(_ body: () throws -> Result) throws -> Result {
        guard !isReading else { return try body() }
        isReading = true
        defer { isReading = false }
        switch reading {
        case .live(let connection): return try connection.read(body)
        case .held:
            do {
                return try body()
            } catch {
                // On a server a statement that fails ends the transaction, and with it the state that is held.
                if connection.isUsable, !connection.isInTransaction {
                    connection.rollback()
                    try? connection.begin(.read)
                }
                throw error
            }
        case .atRest(let file):
            let result = try body()
            guard file.isAsItWas else {
                throw EngineError(
                    .busy, operation: "read",
                    message: "\(place) was changed while it was read: somebody opened it. What was read may be of two "
                        + "moments. Look again: a store in use is read in another way")
            }
            return result
        }
    }
}

/// Bounds of an inspection.
package struct InspectionOptions: Sendable {
    /// How long a snapshot of a store in use is held.
    package var liveLimit = Duration.seconds(10)
    /// How long one statement may take: a file can be made so that reading it never ends.
    package var statementLimit = Duration.seconds(600)
    /// Where a copy is made of a store that is in use, and that can't be opened where it lies.
    package var copies = "/var/tmp"
    /// The schemas that this program knows.
    package var migrator = Migrator.ofThisLibrary
    /// Of connections.
    package var engine = EngineOptions()

    /// The defaults.
    package init() {}
}
