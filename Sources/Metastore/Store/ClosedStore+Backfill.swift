package import MetastoreEngine
internal import MetastoreModel

/// What stands beside a database as orders to its backfill.
package enum KeptOrders: Sendable, Hashable {
    /// Nothing, or orders are given in the database itself.
    case none
    case orders(BackfillOrders)
    /// What is there doesn't count: why.
    case unclear(reason: String)

    /// Changes nothing.
    ///
    /// - Parameter engine: prepared.
    package init(beside engine: any Engine) {
        do {
            guard let bytes = try engine.readControl() else {
                self = .none
                return
            }
            self =
                BackfillOrders(bytes).map { .orders($0) }
                ?? .unclear(reason: "the control file says nothing that is understood")
        } catch {
            self = .unclear(reason: error.message)
        }
    }
}

/// How many rows a table has.
package struct RowCount: Sendable, Hashable {
    package enum Bound: String, Sendable {
        case exactly, atMost, moreThan
    }

    package let rows: Int
    package let bound: Bound

    package init(rows: Int, bound: Bound) {
        (self.rows, self.bound) = (rows, bound)
    }
}

extension ClosedStore {
    /// How far everything has come that is filled in beside the writers; nothing in a schema from before there was any.
    package func backfills() throws(StoreError) -> [BackfillProgress] {
        try caught {
            guard try Head.load(connection, locking: false).schema >= Backfill.schema else { return [] }
            return [BackfillProgress(try Backfill.load(connection))]
        }
    }

    /// How many rows a table has: counted up to `most`, so that it is told soon.
    ///
    /// - Parameter table: trusted text.
    package func rowCount(
        of table: String, upTo most: Int = Limits.copyCountedRows
    ) throws(StoreError) -> RowCount {
        try caught {
            let counted = try CopiedTable.countedRows(table, connection, upTo: most)
            guard counted > most else { return RowCount(rows: Int(counted), bound: .exactly) }
            let schema = try Head.load(connection, locking: false).schema
            let copied = CopiedTable.all(of: schema).first { $0.name == table }
            guard let largest = try copied?.largestID(connection) else {
                return RowCount(rows: Int(counted) - 1, bound: .moreThan)
            }
            return RowCount(rows: Int(largest), bound: .atMost)
        }
    }

    /// Seconds the backfill will take for a row at least, its pauses for other writers included: what it does is done
    /// with the first rows there are, but for writing it down.
    ///
    /// - Parameters:
    ///   - most: at most so many rows …
    ///   - bytes: … and no row after so many bytes of metrics.
    package func backfillSecondsPerRow(sampling most: Int, bytes: Int) throws(StoreError) -> Double {
        try caught {
            let session = Session(connection, control: nil)
            let began = ContinuousClock.now
            var (rows, left) = (0, bytes)
            var summaries = TrialSummaries()
            var trial: Int64?
            try session.forEach(
                """
                SELECT trial, step, kind, metrics, metrics_document FROM workloads \
                ORDER BY trial, step, kind, generation LIMIT \(most)
                """
            ) { row in
                rows += 1
                let own = try row.integer(0)
                if own != trial { summaries = TrialSummaries() }
                trial = own
                if let metrics = try session.metrics(row, 3, 4) {
                    let place = WorkloadPlace(step: try row.integer(1), kind: try row.integer(2))
                    summaries.fold(metrics, at: place)
                    left -= metrics.text.utf8.count
                }
                if rows.isMultiple(of: Limits.backfillRows) { _ = summaries.summaries.bytes }
                return left > 0
            }
            guard rows > 0 else { return 0 }
            return (ContinuousClock.now - began) / .seconds(1) / Double(rows) * Double(Limits.backfillShare)
        }
    }
}
