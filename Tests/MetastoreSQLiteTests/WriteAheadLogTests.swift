internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

@Suite struct `The write-ahead log` {
    let place: TemporaryPlace
    let engine: SQLiteEngine
    let writer: any Connection

    init() throws {
        place = try TemporaryPlace()
        try place.makeDatabase()
        var limits = SQLiteLimits()
        limits.checkpointPages = 20
        limits.truncateBytes = 100 * 4120
        limits.expireReadsBytes = 200 * 4120
        limits.refuseWritesBytes = 300 * 4120
        limits.truncateRetry = .zero
        engine = place.engine(limits: limits)
        _ = try engine.prepare()
        writer = try engine.openWriter()
    }

    /// Writes about so many pages, in so many commits, with the upkeep of the store between them.
    private func write(pages: Int) throws -> Pressure {
        var pressure = Pressure.none
        for _ in 0..<pages / 5 {
            try writer.execute("INSERT INTO things (body) VALUES (\(String(repeating: "x", count: 3 * 4096)))")
            pressure = try engine.maintain(writer)
        }
        return pressure
    }

    private func close() {
        writer.close()
        engine.close()
    }

    @Test func `stays small when nobody holds it`() throws {
        #expect(try write(pages: 1_000) == .none)
        #expect(size(place.path + "-wal") ?? 0 < 100 * 4120)
        close()
    }

    /// Pages leave a small cache in the middle of a transaction, and more of them than are ever held back.
    @Test func `keeps a transaction of many pages whole, and undoes one whole`() throws {
        close()
        var options = EngineOptions()
        options.cacheBytes = 64 << 10
        let engine = place.engine(options)
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        let reader = try engine.openReader()
        func bodies(_ connection: any Connection) throws -> Int64? {
            try connection.first("SELECT coalesce(sum(length(body)), 0) FROM things WHERE id > 1000") {
                try $0.integer(0)
            }
        }
        for (round, isKept) in [(1, true), (2, false), (3, true)] {
            let before = try bodies(reader)
            try writer.begin(.write)
            for number in 1...300 {
                let body = String(repeating: "\(round)", count: 10_000)
                try writer.execute(
                    "INSERT INTO things (id, body) VALUES (\(round * 1000 + number), \(body))")
                if number == 200 { try writer.savepoint() }
            }
            #expect(try bodies(writer) == before.map { $0 + 3_000_000 })
            try writer.rollbackToSavepoint()
            #expect(try bodies(writer) == before.map { $0 + 2_000_000 })
            #expect(try bodies(reader) == before)
            if isKept { try writer.commit() } else { writer.rollback() }
            #expect(try bodies(reader) == before.map { $0 + (isKept ? 2_000_000 : 0) })
        }
        reader.close()
        writer.close()
        engine.close()
        let again = place.engine()
        _ = try again.prepare()
        let checked = try again.openWriter()
        #expect(try bodies(checked) == 4_000_000)
        #expect(try checked.first("PRAGMA integrity_check") { try $0.text(0) } == "ok")
        checked.close()
        again.close()
    }

    @Test func `asks for reads to end, then for writes to stop, and recovers`() throws {
        let reader = try engine.openReader()
        try writer.execute("INSERT INTO things (body) VALUES ('seen')")
        try reader.begin(.read)
        #expect(try write(pages: 150) == .none)
        #expect(try write(pages: 100) == .expireReads)
        let refused = try write(pages: 150)
        #expect(refused == .refuseWrites(holder: "a read of this process"))
        #expect(try reader.first("SELECT count(*) FROM things") { try $0.integer(0) } == 2)
        reader.rollback()
        #expect(try engine.maintain(writer) == .none)
        #expect(try write(pages: 5) == .none)
        #expect(size(place.path + "-wal") == 100 * 4120)
        reader.close()
        close()
    }

    @Test func `names the process that holds it`() throws {
        try writer.execute("INSERT INTO things (body) VALUES ('seen')")
        let other = try ChildProcess(
            "python3", "-c",
            "import sqlite3, sys, time; c = sqlite3.connect(sys.argv[1], isolation_level=None);"
                + "c.execute('BEGIN'); print(c.execute('SELECT count(*) FROM things').fetchone()[0], flush=True);"
                + "time.sleep(60)", place.path)
        #expect(other.line() == "2")
        guard case .refuseWrites(let holder) = try write(pages: 400) else {
            Issue.record("the log has room")
            return
        }
        #expect(holder.hasPrefix("process ") && holder.contains("python3"), "\(holder)")
        other.kill()
        _ = other.exitCode()
        #expect(try engine.maintain(writer) == .none)
        close()
    }

    @Test func `is copied by settling, and can't be while a reader holds it`() throws {
        writer.close()
        var options = EngineOptions()
        options.busyTimeout = .milliseconds(20)
        engine.close()
        let impatient = place.engine(options)
        _ = try impatient.prepare()
        let hasty = try impatient.openWriter()
        let reader = try impatient.openReader()
        try hasty.execute("INSERT INTO things (body) VALUES ('old')")
        try reader.begin(.read)
        try hasty.execute("INSERT INTO things (body) VALUES ('new')")
        #expect(error { try impatient.settle(hasty) }?.code == .busy)
        reader.rollback()
        try impatient.settle(hasty)
        reader.close()
        hasty.close()
        impatient.close()
        #expect(names(in: place.directory) == ["metastore.db", "metastore.db.lock"])
    }

    @Test func `stays when closed without settling, and closing writes nothing into the database`() throws {
        let before = try contents(place.path)
        try writer.execute("INSERT INTO things (body) VALUES ('new')")
        close()
        #expect(try contents(place.path) == before)
        #expect(size(place.path + "-wal") ?? 0 > 4096)
    }

    @Test func `is written back only while nobody has it open`() throws {
        try writer.execute("INSERT INTO things (body) VALUES ('new')")
        #expect(error { try engine.settleUnknownCommit() }?.code == .misuse)
        writer.close()
        let reading = place.readOnlyEngine()
        _ = try reading.prepare()
        let reader = try reading.openReader()
        #expect(error { try engine.settleUnknownCommit() }?.code == .misuse)
        reader.close()
        let before = try contents(place.path + "-wal")
        try engine.settleUnknownCommit()
        #expect(try contents(place.path + "-wal") == before)
        engine.close()
    }

    @Test func `that is gone after an unknown commit is no error, a lost lock is`() throws {
        try engine.settle(writer)
        writer.close()
        #expect(size(place.path + "-wal") == nil)
        try engine.settleUnknownCommit()
        unlink(place.path + ".lock")
        #expect(error { try engine.settleUnknownCommit() }?.code == .holdLost)
        engine.close()
    }

    @Test func `from a newer copy is read with the database it belongs to`() throws {
        try writer.execute("INSERT INTO things (body) VALUES ('in the log')")
        let copy = try TemporaryPlace()
        // A copy of a stopped store: nobody writes, so both files are of one moment.
        writer.close()
        try MetastoreSQLiteTests.write(contents(place.path), to: copy.path)
        try MetastoreSQLiteTests.write(contents(place.path + "-wal"), to: copy.path + "-wal")
        let copied = copy.engine()
        #expect(try copied.prepare() == .database(hasWriteAheadLog: true))
        let connection = try copied.openWriter()
        #expect(try connection.first("SELECT count(*) FROM things") { try $0.integer(0) } == 2)
        connection.close()
        copied.close()
        engine.close()
    }
}
