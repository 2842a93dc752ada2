internal import Metastore
internal import MetastoreCommandLine
internal import MetastoreEngine
internal import MetastoreModel
internal import MetastoreTerminal
internal import Synchronization
internal import Testing

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
        try await rig.withStore { store in
            for number in 0..<5 { try await store.keyValue.put(EntryKey("entry/\(number)"), "") }
        }
        try rig.withConnection { (connection) throws -> Void in
            let store = ClosedStore(connection)
            #expect(try store.rowCount(of: "workloads") == RowCount(rows: Int(Rig.rows), bound: .exactly))
            #expect(try store.rowCount(of: "workloads", upTo: 1_260) == RowCount(rows: 1_260, bound: .exactly))
            // Ids count from 1.
            #expect(try store.rowCount(of: "workloads", upTo: 1_259) == RowCount(rows: 1_260, bound: .atMost))
            #expect(try store.rowCount(of: "workloads", upTo: 10) == RowCount(rows: 1_260, bound: .atMost))
            // Where nothing tells how many there are, no more were looked at than were asked for.
            #expect(try store.rowCount(of: "key_value", upTo: 2) == RowCount(rows: 2, bound: .moreThan))
        }
    }

    @Test func `rests as long as others need the writer, or the throttle says`() {
        func pause(_ milliseconds: Int, _ limit: Int64?, isAlone: Bool) -> Duration {
            BackfillPace.pause(after: .milliseconds(milliseconds), rows: 500, limit: limit, isAlone: isAlone)
        }
        #expect(pause(20, nil, isAlone: false) == .milliseconds(60))
        #expect(pause(20, nil, isAlone: true) == .zero)
        #expect(pause(20, 5_000, isAlone: true) == .milliseconds(80))
        #expect(pause(20, 5_000, isAlone: false) == .milliseconds(80))
        #expect(pause(200, 5_000, isAlone: false) == .milliseconds(600))
        #expect(pause(200, 5_000, isAlone: true) == .zero)
    }
}
