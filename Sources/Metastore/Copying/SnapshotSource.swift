// Invariants
// 1. Head row and rows are of one moment: one read transaction on a connection of its own.
// 2. The store is not changed, and its other reads and writes go on.
// 3. One whose reader may be slow yields: it holds the write-ahead log no longer than the store's own reads do.

package import MetastoreEngine
package import MetastoreModel

/// One moment of a store, to be read for a snapshot. It blocks: used by one thread of its own.
///
/// Until it is closed the store keeps what that moment needs: SQLite's write-ahead log can't shrink meanwhile.
package final class SnapshotSource {
    /// What becomes of it when it keeps the write-ahead log from shrinking.
    package enum Hold: Sendable, Hashable {
        /// It goes on: whoever reads is done soon.
        case firm
        /// It ends as the store's own reads do, with ``StoreError/snapshotExpired``: see `StoreOptions.snapshotAge`.
        case yielding
    }

    package let head: SnapshotHead
    package let tables: [SnapshotTable]
    private let source: CopySource
    /// Of a store that is open here: as which it knows this read, and how it forgets it.
    private let read: OutsideRead
    private let forget: () -> Void
    private var isClosed = false

    /// Of a store that nobody needs to have open, or another process has.
    ///
    /// - Throws: ``StoreError``.
    package convenience init(_ source: EngineSource, _ options: EngineOptions) throws(StoreError) {
        do { self.init(try CopySource(source, options), OutsideRead(yields: false)) {} } catch {
            throw StoreError(error)
        }
    }

    /// Of a store that is open here.
    ///
    /// - Throws: ``StoreError``; `misuse` for a store in memory, which has one connection only.
    package convenience init(_ store: Metastore, _ hold: Hold = .firm) throws(StoreError) {
        guard let readers = store.readers else {
            throw .misuse(reason: "a store in memory can't be read beside its writer; keep it in a file.")
        }
        let read = OutsideRead(yields: hold == .yielding)
        let number = try readers.admit(read)
        do {
            self.init(try CopySource(open: store.engine, as: read), read) { readers.dismiss(number) }
        } catch {
            readers.dismiss(number)
            throw StoreError(error, at: store.engine.place)
        }
    }

    private init(_ source: CopySource, _ read: OutsideRead, _ forget: @escaping () -> Void) {
        self.source = source
        (self.read, self.forget) = (read, forget)
        head = SnapshotHead(head: source.head.head, row: source.head.row)
        tables = source.tables.filter { $0.name != "log" }.map { SnapshotTable(table: $0) }
    }

    /// Where it is, for messages.
    package var place: String { source.engine.place }

    /// Lends every row of a table, in the order of its key.
    ///
    /// - Throws: ``StoreError``; `snapshotExpired` and `closed` where the store told it to end; what the closure
    ///   throws.
    package func forEachRow(of table: SnapshotTable, _ body: ([Value]) throws -> Void) throws {
        do {
            try source.forEachRow(of: table.table, after: nil) { row in
                if let told = read.told { throw told }
                try body(row)
            }
        } catch {
            throw read.told ?? error
        }
    }

    /// The place after which a log has to begin with which every live consumer of the store can go on.
    package func logStart() throws -> (epoch: Epoch, revision: Revision, chain: [UInt8]) { try source.logStart() }

    /// Lends the records of the log after a revision, in order.
    ///
    /// - Throws: as ``forEachRow(of:_:)``.
    package func forEachRecord(after revision: Revision, _ body: (LogRecord) throws -> Void) throws {
        do {
            try source.forEachRecord(after: revision) { record in
                if let told = read.told { throw told }
                try body(record)
            }
        } catch {
            throw read.told ?? error
        }
    }

    /// Ends it from any thread, with ``StoreError/snapshotExpired``, even where nobody needs what it holds.
    package var expiry: @Sendable () -> Void {
        let read = read
        return { read.end(.expired) }
    }

    /// Called, from any thread, once it was told to end: with why. Whoever waits elsewhere is to come back.
    package func whenTold(_ wake: @escaping @Sendable (StoreError) -> Void) { read.whenTold(wake) }

    /// Whether there is an image of it.
    package var hasImage: Bool { source.engine is any ImageEngine }

    /// Lends the database's bytes, chunk by chunk; see ``ImageEngine``.
    ///
    /// - Throws: ``StoreError``; `misuse` where there is no image; `diskFull` where there is no room for one beside the
    ///   database; what the closure throws.
    package func forEachImageChunk(most: Int, _ body: (_ chunk: [UInt8], _ of: Int) throws -> Void) throws {
        try source.forEachImageChunk(most: most, body)
    }

    /// How many rows the table has, about; nil where that isn't known.
    package func rows(of table: SnapshotTable) throws -> Int64? { try source.rows(of: table.table) }

    /// Computes anew what the rows add up to, and compares it with the head row.
    ///
    /// - Throws: ``StoreError``; `damaged` naming the row's key, or its kind.
    package func verifyRows() throws {
        var check = CopyCheck(place: place, head: head.head)
        for table in tables where table.table.kind != nil {
            try source.forEachRow(of: table.table, after: nil) { row in try check.check(row, of: table.table) }
            try check.end(table.table)
        }
        try check.end()
    }

    /// Lets go of the moment. Closing twice is harmless.
    package func close() {
        guard !isClosed else { return }
        isClosed = true
        source.close()
        forget()
    }

    deinit { close() }
}
