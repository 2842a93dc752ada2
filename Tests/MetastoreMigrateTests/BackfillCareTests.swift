internal import Metastore
internal import Glibc
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTerminal
internal import Synchronization
internal import Testing

#if PostgreSQL
    internal import PostgreSQLServer
#endif

@Suite(.serialized) struct `A backfill without a master` {
    private func counts(_ rig: Rig) throws -> [Int64] {
        try rig.withConnection { connection in
            try ["log", "leases"].map { table in
                try connection.first(SQL(trusted: "SELECT count(*) FROM \(table)")) { try $0.integer(0) } ?? -1
            }
        }
    }

    /// How long the log is kept only the master knows, and who still holds a lease as well.
    @Test(arguments: Kind.allCases)
    func `shortens no log and ends no lease`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.report()
        _ = try await rig.withStore { try await $0.leases.grant(timeToLive: .seconds(1)) }
        try rig.forget(rowsPerSecond: 400)
        let old = TimeSource.system.now() + .seconds(-30 * 86_400)
        try rig.withConnection { _ = try $0.execute("UPDATE log SET time = \(Value.timestamp(old.microseconds))") }
        let before = try counts(rig)
        let report = try await rig.released.runBackfill()
        #expect(report.exitStatus == .success && report.rows == Rig.rows && report.seconds > 1)
        #expect(try counts(rig) == before && before[1] == 1)
        // A master does both.
        try await rig.withStore(keepingLog: false) { _ in
            try await eventually { try rig.released.backfillStatus().exitStatus == .success }
            try await Task.sleep(for: .seconds(3))
        }
        #expect(try counts(rig)[0] < before[0] && counts(rig)[1] == 0)
    }

    @Test(arguments: Kind.allCases)
    func `ends when its task is cancelled while it is paused`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.report()
        try rig.forget(rowsPerSecond: 50)
        _ = try rig.released.pauseBackfill()
        let upgrade = try rig.released
        let work = Task { try await upgrade.runBackfill() }
        try await eventually { rig.said.withLock { $0.contains { $0.contains("paused by orders") } } }
        work.cancel()
        let report = try await work.value
        #expect(report.isInterrupted && report.exitStatus == .no)
        #expect(report.lines(.plain).contains { $0.contains("interrupted") })
    }

    /// A plan of a store with very many rows must not read them all.
    @Test(arguments: Kind.allCases)
    func `is planned without counting every row`(_ kind: Kind) async throws {
        let rig = try await Rig(kind)
        try await rig.report()
        try rig.withConnection { (connection) throws -> Void in
            let store = ClosedStore(connection)
            #expect(try store.rowCount(of: "workloads") == RowCount(rows: Int(Rig.rows), bound: .exactly))
            #expect(try store.rowCount(of: "workloads", upTo: 1_260) == RowCount(rows: 1_260, bound: .exactly))
            // Ids count from 1.
            #expect(try store.rowCount(of: "workloads", upTo: 1_259) == RowCount(rows: 1_260, bound: .atMost))
            #expect(try store.rowCount(of: "workloads", upTo: 10) == RowCount(rows: 1_260, bound: .atMost))
            #expect(try store.rowCount(of: "schema_migrations", upTo: 1) == RowCount(rows: 1, bound: .moreThan))
        }
    }
}

#if PostgreSQL
    @Suite(.serialized) struct `A backfill on a server that comes and goes` {
        private func end(_ rig: Rig) throws {
            try rig.withConnection { connection in
                _ = try connection.all(
                    """
                    SELECT pg_catalog.pg_terminate_backend(pid) FROM pg_catalog.pg_stat_activity \
                    WHERE datname = pg_catalog.current_database() AND pid <> pg_catalog.pg_backend_pid()
                    """
                ) { _ in }
            }
        }

        /// Broke: nobody connected again while it was paused, and it rested for ever.
        @Test func `connects again, also while it is paused`() async throws {
            let rig = try await Rig(.server)
            try await rig.report()
            try rig.forget(rowsPerSecond: 50)
            let run = try Tool(["backfill", "run", rig.url])
            try await eventually { try rig.progress().rowsDone > 0 }
            try end(rig)
            let before = try rig.progress().rowsDone
            try await eventually { try rig.progress().rowsDone > before }
            _ = try rig.released.pauseBackfill()
            try await eventually { run.errors.contains("paused by orders") }
            try end(rig)
            try await Task.sleep(for: .seconds(2))
            _ = try rig.released.throttleBackfill(rowsPerSecond: nil)
            _ = try rig.released.resumeBackfill()
            try await eventually { run.hasEnded }
            run.send(SIGKILL)
            let ending = run.end()
            #expect(ending.code == 0, "\(ending)")
            #expect(try rig.progress().rowsDone == Rig.rows)
        }

        @Test func `ends when it stays away`() async throws {
            let rig = try await Rig(.server)
            try await rig.report()
            try rig.forget(rowsPerSecond: 50)
            let hasBegun = Atomic(false)
            let run = BackfillRun(try rig.source, StoreOptions(), patience: .seconds(1))
            let work = Task { try await run.run { _ in hasBegun.store(true, ordering: .releasing) } }
            try await eventually { hasBegun.load(ordering: .acquiring) }
            let name = try rig.withConnection {
                try $0.first("SELECT pg_catalog.current_database()") { try $0.text(0) }
            }
            let server = try PostgreSQLServer.shared
            _ = try server.ask("ALTER DATABASE \(try #require(name)) ALLOW_CONNECTIONS false")
            _ = try server.ask(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '\(try #require(name))'")
            let ending = await work.result
            guard case .failure(let error) = ending, case StoreError.unavailable = error else {
                Issue.record("\(ending)")
                return
            }
        }
    }
#endif

@Suite struct `Progress of a command` {
    @Test func `rests as long as others need the writer, or the throttle says`() {
        func pause(_ milliseconds: Int, _ limit: Int64?, isAlone: Bool) -> Duration {
            BackfillPace.pause(after: .milliseconds(milliseconds), rows: 500, limit: limit, isAlone: isAlone)
        }
        #expect(pause(20, nil, isAlone: false) == .milliseconds(60))
        #expect(pause(20, nil, isAlone: true) == .zero)
        #expect(pause(20, 5_000, isAlone: true) == .milliseconds(80))
        #expect(pause(20, 5_000, isAlone: false) == .milliseconds(80))
        #expect(pause(200, 5_000, isAlone: false) == .milliseconds(600))
        #expect(pause(200, 5_000, isAlone: true) <= .zero)
    }

    private func style(_ columns: Int?, isLive: Bool = true) -> TerminalStyle {
        TerminalStyle(isLive: isLive, hasColor: false, hasUnicode: false, width: columns)
    }

    /// What is written when so many of 1,000,000 rows are done after so many seconds.
    private func written(
        _ style: TerminalStyle, _ moments: [(seconds: Double, rows: Int)]
    ) -> [String] {
        let written = Mutex<[String]>([])
        let now = Mutex(Duration.zero)
        let screen = UpgradeScreen(style) {
            now.withLock { $0 }
        } write: { text in
            written.withLock { $0.append(text) }
        }
        for (seconds, rows) in moments {
            now.withLock { $0 = .seconds(seconds) }
            screen.show("backfill", rows, 1_000_000, "rows")
        }
        return written.withLock { $0 }
    }

    @Test func `is a line every ten seconds where nothing can be painted over`() {
        let moments = (0...25).map { (Double($0), 200_000 + $0 * 1_000) }
        #expect(
            written(style(nil, isLive: false), moments) == [
                "backfill  21 %  210,000 of 1,000,000 rows  1,000/s  13 min 10 s left\n",
                "backfill  22 %  220,000 of 1,000,000 rows  1,000/s  13 min left\n",
            ])
    }

    /// The rows of earlier runs say nothing about this one's rate.
    @Test func `tells no time left before that means something`() {
        let lines = written(style(80), [(0, 200_000), (1, 201_000), (2.9, 202_900), (3, 203_000)])
        #expect(lines.count == 4 && lines.dropLast().allSatisfy { !$0.contains("left") })
        #expect(lines[3].contains("1,000/s  13 min 17 s left"))
        #expect(lines[0] == "\rbackfill ####................ 20 %  200,000 of 1,000,000 rows\u{1B}[K")
    }

    @Test func `leaves out whole parts where it is too narrow, the time left last`() {
        func last(_ columns: Int) -> String {
            let line = written(style(columns), [(0, 200_000), (10, 210_000)])[1]
            return String(line.dropFirst().dropLast(3))
        }
        #expect(last(90) == "backfill ####................ 21 %  210,000 of 1,000,000 rows  1,000/s  13 min 10 s left")
        #expect(last(80) == "backfill  21 %  210,000 of 1,000,000 rows  1,000/s  13 min 10 s left")
        #expect(last(60) == "backfill  21 %  210,000 of 1,000,000 rows  13 min 10 s left")
        #expect(last(40) == "backfill  21 %  13 min 10 s left")
        #expect(last(20) == "backfill  21 %  13 ~")
    }
}

@Suite(.serialized) struct `A backfill on a terminal` {
    @Test(arguments: [40, 80])
    func `is a bar that fits, in colours unless told otherwise`(_ columns: Int) async throws {
        for isPlain in [false, true] {
            let rig = try await Rig(.file)
            try await rig.report()
            try rig.forget(rowsPerSecond: 500)
            let shown = try Tool.onTerminal(
                columns, ["backfill", "run", rig.url], isPlain ? ["NO_COLOR": "1"] : [:])
            let painted = shown.split(separator: "\r").filter { $0.hasPrefix("backfill ") || $0.contains("mbackfill ") }
            #expect(!painted.isEmpty, "\(shown)")
            #expect(shown.contains("\u{1B}[1m") == !isPlain, "\(shown)")
            #expect(shown.contains("####") || shown.contains("█") || columns == 40)
            guard isPlain else { continue }
            for line in shown.replacing("\u{1B}[K", with: "").split(whereSeparator: { $0.isNewline || $0 == "\r" }) {
                #expect(TerminalText.width(String(line)) <= columns || line.contains(rig.directory), "\(line)")
            }
        }
    }
}
