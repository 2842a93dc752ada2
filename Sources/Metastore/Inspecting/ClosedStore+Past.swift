// Invariants
// 1. A row of the present is one of the past exactly when its revision isn't later: `revision` is that of a row's last
//    logged change. Every other row of the past is the before-image of the first change made to its key since, and that
//    is the one change since whose before-image has a revision that isn't later.
// 2. Nothing of the store is written: past rows lie in temporary tables of this connection, under views that stand
//    before the tables of their names for every statement of it.
// 3. What no log knows (heartbeats, renewals, positions of consumers, a trial's last activity) is as it is now.

internal import MetastoreEngine
package import MetastoreModel

extension ClosedStore {
    /// From now on this connection sees the store as it was at a revision, as long as it is open.
    ///
    /// The head's counters and digests stay those of now: no log record says what they were.
    ///
    /// - Parameter progress: how many of how many revisions were undone.
    /// - Throws: ``StoreError/compacted(oldest:)`` when the log doesn't go back so far;
    ///   ``StoreError/futureRevision(asked:head:)`` when it isn't there yet.
    package func showPast(at revision: Revision, progress: (Int, Int) throws -> Void = { _, _ in }) throws {
        if connection.isInTransaction { connection.rollback() }
        try connection.begin(.scratch)
        let head = try Head.load(connection, locking: false)
        guard revision <= head.revision else {
            throw StoreError.futureRevision(asked: revision, head: head.revision)
        }
        guard revision >= head.compactedRevision else { throw StoreError.compacted(oldest: head.oldest) }
        let past = try Past(connection, revision)
        try past.makeTables()
        var done = revision
        // A server's connection can't write while it reads: some records, then what they say.
        while done < head.revision {
            try progress(Int(done.rawValue - revision.rawValue), Int(head.revision.rawValue - revision.rawValue))
            let next = Revision(rawValue: min(head.revision.rawValue, done.rawValue + Past.chunk))
            var rows: [(RecordKind, [Value])] = []
            try forEachCommit(after: done, through: next) { record in
                rows += try past.undone(record)
                return true
            }
            for (kind, before) in rows { try past.keep(kind, before) }
            done = next
        }
        try past.makeViews(head, try commit(revision))
        try connection.endScratch()
    }
}

/// The tables of one revision, made of the present ones and the log.
private struct Past {
    let connection: any Connection
    let revision: Int64
    private let schema: String

    private static let kinds = RecordKind.allCases.filter { $0 != .cluster }

    static let chunk: Int64 = 500

    init(_ connection: any Connection, _ revision: Revision) throws {
        self.connection = connection
        self.revision = revision.rawValue
        schema =
            switch connection.dialect.name {
            case .sqlite: "main"
            case .postgresql:
                try connection.first("SELECT quote_ident(current_schema())") { try $0.text(0) } ?? "metastore"
            }
    }

    /// Where the store's own tables are, for a statement that would find the views otherwise.
    private func present(_ table: String) -> String { "\(schema).\(table)" }

    func makeTables() throws {
        for kind in Self.kinds {
            try connection.executeScript(
                """
                CREATE TEMP TABLE past_\(kind.table.name) AS SELECT \(columns(kind)) \
                FROM \(present(kind.table.name)) LIMIT 0
                """)
        }
    }

    /// What the record's changes were made to, where that is of the past.
    func undone(_ record: LogRecord) throws -> [(RecordKind, [Value])] {
        var rows: [(RecordKind, [Value])] = []
        try record.decodeBody { (raw) throws(StoreError) in
            guard raw.kind != .cluster, let before = try raw.images(raw.kind.table).before else { return }
            if case .integer(let last) = before[1], last <= revision { rows.append((raw.kind, before)) }
        }
        return rows
    }

    func keep(_ kind: RecordKind, _ before: [Value]) throws {
        let table = kind.table
        let row = try StoredRow(kind, image: before, stored: nil)
        let hash = RowHash(table, row.key, before).column
        if kind == .document {
            guard case .bytes(let content) = before[3] else { return }
            try connection.execute(
                """
                INSERT INTO past_documents (hash, encoding, content, size, created_revision, row_hash, holders) VALUES \
                (\(before[2]), \(Encoding.plain.rawValue), \(content), \(content.count), \(before[0]), \(hash), 1)
                """)
            return
        }
        let local = table.columns[table.loggedCount...].map { _ in "NULL" }
        let places = before.map { _ in "\u{1}" } + local + ["\u{1}"]
        try connection.execute(
            SQL(
                trusted: """
                    INSERT INTO past_\(table.name) (\(table.columnList), row_hash) \
                    VALUES (\(places.joined(separator: ", ")))
                    """,
                values: before + [.integer(hash)]))
    }

    func makeViews(_ head: Head, _ record: LogRecord?) throws {
        try completeTrials()
        for kind in Self.kinds {
            let name = kind.table.name
            let last = kind == .document ? "created_revision" : "revision"
            try connection.executeScript(
                """
                CREATE TEMP VIEW \(name) AS SELECT \(columns(kind)) FROM \(present(name)) WHERE \(last) <= \(revision) \
                UNION ALL SELECT \(columns(kind)) FROM past_\(name)
                """)
        }
        try makeLabels()
        try makeHistory()
        try makeHead(head, record)
    }

    /// The order by best metric is derived from the experiment's direction, which never changes.
    private func completeTrials() throws {
        for experiments in [present("experiments"), "past_experiments"] {
            try connection.executeScript(
                """
                UPDATE past_trials SET best_order = CASE WHEN (SELECT smaller_is_better FROM \(experiments) AS e \
                WHERE e.id = past_trials.experiment) = 1 THEN best_metric ELSE 0 - best_metric END \
                WHERE EXISTS (SELECT 1 FROM \(experiments) AS e WHERE e.id = past_trials.experiment)
                """)
        }
    }

    private func makeLabels() throws {
        try connection.executeScript(
            """
            CREATE TEMP TABLE past_experiment_labels AS SELECT label, experiment FROM \(present("experiment_labels")) \
            LIMIT 0
            """)
        let statement = SQL(trusted: "SELECT \(Experiment.table.columnList) FROM past_experiments ORDER BY id")
        for experiment in try connection.all(statement, { try Experiment(image: try $0.image(of: Experiment.table)) }) {
            for label in experiment.labels {
                try connection.execute(
                    """
                    INSERT INTO past_experiment_labels (label, experiment) \
                    VALUES (\(label), \(experiment.id.rawValue))
                    """
                )
            }
        }
        try connection.executeScript(
            """
            CREATE TEMP VIEW experiment_labels AS SELECT label, experiment FROM \(present("experiment_labels")) \
            WHERE experiment IN (SELECT id FROM \(present("experiments")) WHERE revision <= \(revision)) \
            UNION ALL SELECT label, experiment FROM past_experiment_labels
            """)
    }

    private func makeHistory() throws {
        for (table, column) in [("log", "revision"), ("operations", "revision"), ("epochs", "fork_revision")] {
            let condition = table == "epochs" ? "<" : "<="
            try connection.executeScript(
                """
                CREATE TEMP VIEW \(table) AS SELECT * FROM \(present(table)) WHERE \(column) \(condition) \(revision)
                """)
        }
    }

    private func makeHead(_ head: Head, _ record: LogRecord?) throws {
        try connection.executeScript(
            "CREATE TEMP TABLE past_head AS SELECT * FROM \(present("head")) WHERE id = 1")
        let chain = record?.chain ?? head.compactedChain
        try connection.execute("UPDATE past_head SET revision = \(revision), chain = \(chain)")
        if let record {
            try connection.execute(
                """
                UPDATE past_head SET epoch = \(record.epoch.number), \
                epoch_nonce = \(Int64(bitPattern: record.epoch.nonce)), \
                time = \(Value.timestamp(record.time.microseconds)), schema_version = \(record.schema)
                """)
        }
        try connection.executeScript("CREATE TEMP VIEW head AS SELECT * FROM past_head")
    }

    /// Every column of a kind's table, also those that no record has.
    private func columns(_ kind: RecordKind) -> String {
        switch kind {
        case .document: "hash, encoding, content, size, created_revision, row_hash, holders"
        case .trial: kind.table.columnList + ", row_hash, best_order"
        case .consumer:
            kind.table.columnList + ", row_hash, position_epoch, position_nonce, position_revision, position_chain, "
                + "position_time"
        case .lease: kind.table.columnList + ", row_hash, renewals"
        default: kind.table.columnList + ", row_hash"
        }
    }
}
