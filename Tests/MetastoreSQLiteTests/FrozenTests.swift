internal import CSQLite
internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

@Suite struct `A database as its files hold it` {
    /// What stands beside the database where the index of its log was.
    enum Index: CaseIterable, Sendable {
        case none, valid, stale, empty, cut, garbage
    }

    /// What became of the log.
    enum Log: CaseIterable, Sendable {
        case closed, whole, cut, flipped, missing

        /// How many of the five commits in it are shown.
        var commits: Int {
            switch self {
            case .whole: 5
            case .cut: 3
            case .flipped: 2
            case .closed, .missing: 0
            }
        }
    }

    let place: TemporaryPlace
    init() throws { place = try TemporaryPlace() }

    /// Three rows, and five commits of a row each that are in the log alone, or in the file when it was closed cleanly.
    private func make(_ log: Log, _ index: Index) throws {
        try place.makeDatabase(rows: 3)
        let engine = place.engine()
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        var stale: [UInt8] = []
        for id in 100..<105 as Range<Int64> {
            try writer.execute("INSERT INTO things VALUES (\(id), 'in the log')")
            if id == 101 { stale = try contents(place.path + "-shm") }
        }
        if log == .closed { try engine.settle(writer) }
        let valid = try contents(place.path + "-shm")
        writer.close()
        engine.close()
        let path = place.path + "-wal"
        if log != .closed {
            let bytes = try contents(path)
            // Each commit is of one frame: the table has one page.
            let frame = 4_096 + 24
            #expect(bytes.count == 32 + 5 * frame)
            switch log {
            case .cut: try write(Array(bytes[..<(32 + 3 * frame + 1_000)]), to: path)
            case .flipped:
                var flipped = bytes
                flipped[32 + 2 * frame + 24 + 4_000] ^= 4
                try write(flipped, to: path)
            case .missing: unlink(path)
            case .closed, .whole: break
            }
        }
        unlink(place.path + "-shm")
        switch index {
        case .none: break
        case .valid: try write(valid, to: place.path + "-shm")
        case .stale: try write(stale, to: place.path + "-shm")
        case .empty: try write([], to: place.path + "-shm")
        case .cut: try write([1, 2, 3], to: place.path + "-shm")
        case .garbage: try write((0..<32_768).map { UInt8(truncatingIfNeeded: $0 &* 31) }, to: place.path + "-shm")
        }
    }

    private func rows(_ engine: FrozenEngine) throws -> [Int64] {
        let reader = try engine.openReader()
        defer { reader.close() }
        var rows: [Int64] = []
        try reader.forEachRow("SELECT id FROM things ORDER BY id") { row in
            rows.append(try row.integer(0))
            return true
        }
        return rows
    }

    private func frozen(_ choice: FrozenFile.LogChoice = .last) throws -> FrozenEngine {
        let engine = FrozenEngine(path: place.path, log: choice, options: EngineOptions())
        _ = try engine.prepare()
        return engine
    }

    /// Every byte of every file, and after it every time: looking at the bytes would change them.
    private struct Traces: Equatable {
        let bytes: [String: [UInt8]]
        let times: [String]
    }

    /// - Parameter aging: gives every file times of long ago first, so that a look of any kind shows.
    private func traces(aging: Bool = false) throws -> Traces {
        let found = names(in: place.directory)
        func times() -> [String] {
            found.map { name in
                var status = stat()
                guard lstat(place.directory + "/" + name, &status) == 0 else { return "\(name): gone" }
                return "\(name) \(status.st_atim.tv_sec) \(status.st_mtim.tv_sec) \(status.st_mtim.tv_nsec)"
            }
        }
        let before = aging ? [] : times()
        let bytes = try found.map { ($0, try contents(place.directory + "/" + $0)) }
        if aging {
            for name in found {
                let old = [timespec(tv_sec: 1_000, tv_nsec: 0), timespec(tv_sec: 2_000, tv_nsec: 0)]
                #expect(utimensat(AT_FDCWD, place.directory + "/" + name, old, 0) == 0)
            }
        }
        return Traces(bytes: Dictionary(uniqueKeysWithValues: bytes), times: aging ? times() : before)
    }

    @Test(arguments: Log.allCases, Index.allCases)
    func `is read on read-only media, whatever stands beside it`(_ log: Log, _ index: Index) throws {
        try place.mount(megabytes: 4)
        defer { place.unmount() }
        try make(log, index)
        let before = try traces(aging: true)
        try place.mountReadOnly()
        let engine = try frozen()
        let shown = log == .closed ? 5 : log.commits
        #expect(try rows(engine) == [0, 1, 2] + (0..<shown).map { 100 + Int64($0) })
        let file = try #require(engine.file)
        #expect(file.shownCommits == log.commits)
        switch log {
        case .closed, .missing: #expect(file.log == nil)
        case .whole: #expect(file.log?.flaw == nil && file.log?.frameCount == 5)
        case .cut: #expect(file.log?.flaw == .cut(frame: 4) && file.log?.framesAfterFlaw == 0)
        case .flipped:
            #expect(file.log?.flaw == .checksum(frame: 3))
            #expect(file.log?.framesAfterFlaw == 3 && file.log?.commitsAfterFlaw == 3)
        }
        #expect(try traces() == before)
    }

    @Test func `is shown at any commit that is still in its log`() throws {
        try make(.whole, .none)
        let before = try traces(aging: true)
        for count in 0...6 {
            let choice: FrozenFile.LogChoice = count == 0 ? .none : .first(count)
            #expect(try rows(try frozen(choice)) == [0, 1, 2] + (0..<min(count, 5)).map { 100 + Int64($0) })
        }
        #expect(try traces() == before)
    }

    /// A checkpoint leaves the log as it is, and the file ahead of what an earlier commit saw.
    @Test func `is not shown as a mixture of two moments`() throws {
        try make(.whole, .none)
        let engine = place.engine()
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        let (database, log) = try {
            try engine.settle(writer)
            return (try contents(place.path), try contents(place.path + "-wal"))
        }()
        writer.close()
        engine.close()
        try write(database, to: place.path)
        try write(log, to: place.path + "-wal")
        #expect(try rows(try frozen()).count == 8)
        let refused = error { _ = try frozen(.none) }
        #expect(refused?.message.contains("can't be shown") == true, "\(String(describing: refused))")
    }

    @Test func `shows what was there before a transaction that was cut off`() throws {
        try place.makeDatabase(rows: 3)
        var opened: OpaquePointer?
        #expect(sqlite3_open(place.path, &opened) == SQLITE_OK)
        // A page cache of one page: the transaction reaches the file long before its end.
        let script = """
            PRAGMA journal_mode = DELETE; PRAGMA cache_size = 1; BEGIN; DELETE FROM things;
            INSERT INTO things WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
            SELECT 1000 + i, hex(randomblob(500)) FROM n;
            """
        #expect(sqlite3_exec(opened, script, nil, nil, nil) == SQLITE_OK)
        let (database, journal) = (try contents(place.path), try contents(place.path + "-journal"))
        #expect(sqlite3_close(opened) == SQLITE_OK || sqlite3_close_v2(opened) == SQLITE_OK)
        try write(database, to: place.path)
        try write(journal, to: place.path + "-journal")
        #expect(database.count > 100_000, "the transaction must have reached the file")
        let before = try traces(aging: true)
        let engine = try frozen()
        #expect(engine.file?.isRolledBack == true)
        #expect(try rows(engine) == [0, 1, 2])
        #expect(try traces() == before)
    }

    @Test func `can't be changed, and takes no other file along`() throws {
        try make(.whole, .none)
        let reader = try frozen().openReader()
        defer { reader.close() }
        #expect(error { try reader.execute("DELETE FROM things") }?.code == .readOnly)
        #expect(error { try reader.execute("CREATE TABLE more (id INTEGER PRIMARY KEY)") }?.code == .readOnly)
        #expect(error { try reader.executeScript("ATTACH '/etc/passwd' AS other") } != nil)
        #expect(error { _ = try frozen().openWriter() }?.code == .readOnly)
        #expect(error { _ = try frozen().create { _ in } }?.code == .readOnly)
    }

    /// SQLite has two words for it then: what it met first is in the message, and the larger number is the code.
    @Test func `is damaged where its schema can't be read, however long that is`() throws {
        let bad = "UPDATE sqlite_schema SET sql = 'CREATE TABLE things (' || char(1);"
        let long = """
            INSERT INTO sqlite_schema VALUES ('view', 'long', 'long', 0,
                'CREATE VIEW long AS SELECT 1 /*' || hex(zeroblob(200000)) || '*/');
            """
        for (number, script) in [bad, long, bad + long].enumerated() {
            unlink(place.path)
            try place.makeDatabase()
            let shell = try ChildProcess("sqlite3", place.path, "PRAGMA writable_schema = ON;" + script)
            #expect(shell.exitCode() == 0)
            #expect(error { _ = try rows(frozen()) }?.code == .damaged, "script \(number)")
        }
    }

    /// A log is never believed: SQLite reads the same rows from it, or refuses the file.
    @Test func `shows what SQLite shows of a damaged log, or less`() throws {
        try make(.whole, .none)
        let log = try contents(place.path + "-wal")
        for offset in stride(from: 0, to: log.count, by: 97) {
            var damaged = log
            damaged[offset] ^= 1 << UInt8(offset % 8)
            try write(damaged, to: place.path + "-wal")
            unlink(place.path + "-shm")
            let ours = try rows(try frozen())
            let engine = place.readOnlyEngine()
            _ = try engine.prepare()
            let reader = try engine.openReader()
            var theirs: [Int64] = []
            try reader.forEachRow("SELECT id FROM things ORDER BY id") { row in
                theirs.append(try row.integer(0))
                return true
            }
            reader.close()
            engine.close()
            #expect(ours == theirs, "byte \(offset)")
            try write(damaged, to: place.path + "-wal")
        }
    }
}
