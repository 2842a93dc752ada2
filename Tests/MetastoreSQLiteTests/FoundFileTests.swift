internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

@Suite struct `What is found at the path` {
    let place: TemporaryPlace
    init() throws { place = try TemporaryPlace() }

    @Test func `is nothing, in a new or a missing directory`() throws {
        let engine = place.engine()
        defer { engine.close() }
        #expect(try engine.prepare() == .nothing)
        let deep = SQLiteEngine(path: place.directory + "/a/b.db", options: EngineOptions())
        #expect(try deep.prepare() == .nothing)
        #expect(mode(place.directory + "/a") == 0o700)
        deep.close()
        unlink(place.directory + "/a/b.db.lock")
        var options = EngineOptions()
        options.isReadOnly = true
        let missing = SQLiteEngine(path: place.directory + "/nowhere/x.db", options: options)
        #expect(try missing.prepare() == .nothing)
        #expect(error { _ = try missing.openReader() }?.code == .missing)
        #expect(size(place.directory + "/nowhere") == nil)
    }

    /// Of a folder that is about to be removed: who makes it again leaves it.
    @Test func `is an error where the directory has to be there, and isn't`() throws {
        let path = place.directory + "/gone/x.db"
        let engine = SQLiteEngine(path: path, options: EngineOptions(), makesDirectory: false)
        let error = error { _ = try engine.prepare() }
        #expect(error?.code == .missing && error?.message.contains(path) == true)
        #expect(size(place.directory + "/gone") == nil)
        mkdir(place.directory + "/gone", 0o700)
        #expect(try engine.prepare() == .nothing)
        engine.close()
    }

    @Test func `may be a path relative to the working directory`() throws {
        let engine = SQLiteEngine(path: "../../../../../../../.." + place.path, options: EngineOptions())
        #expect(try engine.prepare() == .nothing)
        engine.close()
    }

    @Test func `is a database with or without its log`() throws {
        try place.makeDatabase()
        let engine = place.engine()
        #expect(try engine.prepare() == .database(hasWriteAheadLog: false))
        let writer = try engine.openWriter()
        try writer.execute("INSERT INTO things VALUES (5, 'y')")
        writer.close()
        engine.close()
        #expect(size(place.path + "-wal") ?? 0 > 0)
        let next = place.engine()
        #expect(try next.prepare() == .database(hasWriteAheadLog: true))
        let reopened = try next.openWriter()
        #expect(try reopened.first("SELECT count(*) FROM things") { try $0.integer(0) } == 2)
        try next.settle(reopened)
        reopened.close()
        #expect(names(in: place.directory) == ["metastore.db", "metastore.db.lock"])
        next.close()
    }

    /// It told a copy without its log from a whole one only once: SQLite makes an empty log by looking.
    @Test func `has no log when that is empty, and a writer never leaves it so`() throws {
        try place.makeDatabase()
        try write([], to: place.path + "-wal")
        var limits = SQLiteLimits()
        limits.checkpointPages = 1
        limits.truncateBytes = 1
        let engine = place.engine(limits: limits)
        #expect(try engine.prepare() == .database(hasWriteAheadLog: false))
        let writer = try engine.openWriter()
        for id in 100..<105 {
            try writer.execute("INSERT INTO things VALUES (\(id), 'y')")
            #expect(try engine.maintain(writer) == .none)
            #expect(size(place.path + "-wal") ?? 0 > 0)
            try engine.settle(writer)
            #expect(size(place.path + "-wal") ?? 0 > 0)
        }
        writer.close()
        engine.close()
        #expect(size(place.path + "-wal") == nil)
    }

    @Test func `is another program's database, which stays as it is`() throws {
        let shell = try ChildProcess("sqlite3", place.path, "CREATE TABLE things (id INTEGER PRIMARY KEY)")
        #expect(shell.exitCode() == 0)
        let bytes = try contents(place.path)
        let refusal = try #require(error { _ = try place.engine().prepare() })
        #expect(refusal.code == .notADatabase && refusal.message.contains("another program made it"))
        #expect(try contents(place.path) == bytes)
    }

    @Test func `is an empty file`() throws {
        try write([], to: place.path)
        let refusal = try #require(error { _ = try place.engine().prepare() })
        #expect(refusal.code == .emptyFile)
        #expect(refusal.message.contains("0 bytes") && refusal.message.contains("Restore a backup"))
        #expect(size(place.path) == 0)
    }

    @Test(arguments: [
        Array("hello".utf8), [UInt8](repeating: 0, count: 8192), Array("SQLite format 2\0".utf8),
        Array(repeating: UInt8(ascii: "x"), count: 100_000),
    ])
    func `is something else`(_ bytes: [UInt8]) throws {
        try write(bytes, to: place.path)
        #expect(error { _ = try place.engine().prepare() }?.code == .notADatabase)
        #expect(try contents(place.path) == bytes)
    }

    /// Offset and new value of one byte of the header.
    @Test(arguments: [(16, 0x11), (16, 0), (18, 9), (19, 0), (20, 99), (21, 1), (59, 2)])
    func `is a damaged header`(_ offset: Int, _ byte: Int) throws {
        try place.makeDatabase()
        var bytes = try contents(place.path)
        bytes[offset] = UInt8(byte)
        try write(bytes, to: place.path)
        let refusal = try #require(error { _ = try place.engine().prepare() })
        #expect(refusal.code == .damaged)
        #expect(refusal.message.contains("Don't delete it"))
    }

    @Test(arguments: [20, 99, 4096, 8191])
    func `is cut short`(_ left: Int) throws {
        try place.makeDatabase()
        let bytes = try contents(place.path)
        #expect(bytes.count == 8192)
        try write(Array(bytes[..<left]), to: place.path)
        #expect(error { _ = try place.engine().prepare() }?.code == .damaged)
    }

    @Test(arguments: ["-wal", "-journal"])
    func `is a log without its database`(_ suffix: String) throws {
        try write([1, 2, 3], to: place.path + suffix)
        let refusal = try #require(error { _ = try place.engine().prepare() })
        #expect(refusal.code == .damaged)
        #expect(refusal.message.contains(suffix))
        #expect(size(place.path + suffix) == 3)
    }

    @Test func `is a link, a directory, a second name or no name`() throws {
        try place.makeDatabase()
        symlink(place.path, place.directory + "/link.db")
        link(place.path, place.directory + "/second.db")
        let open = { (path: String) in error { _ = try SQLiteEngine(path: path, options: EngineOptions()).prepare() } }
        #expect(open(place.directory + "/link.db")?.code == .permissionDenied)
        #expect(open(place.directory + "/second.db")?.message.contains("hard links") == true)
        mkdir(place.directory + "/d.db", 0o700)
        #expect(open(place.directory + "/d.db")?.code == .notADatabase)
        #expect(open(place.directory + "/")?.code == .misuse)
        #expect(open("")?.code == .misuse)
        #expect(open(place.directory + "/" + String(repeating: "x", count: 480))?.code == .tooBig)
    }

    @Test func `is a damaged page, told when it is read`() throws {
        try place.makeDatabase(rows: 50)
        var bytes = try contents(place.path)
        for offset in 4096..<8192 { bytes[offset] = 0xaa }
        try write(bytes, to: place.path)
        let engine = place.engine()
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        let refusal = error {
            _ = try writer.first("SELECT count(body) FROM things WHERE body > 'a'") { try $0.integer(0) }
        }
        #expect(refusal?.code == .damaged)
        #expect(refusal?.message.contains("passing fault") == true)
        writer.close()
        engine.close()
    }

    @Test(arguments: [(0x6969, "NFS"), (0xFE53_4D42, "SMB 2"), (0x6573_5546, "FUSE"), (0x0102_1997, "9P")])
    func `is refused by name on a shared file system`(_ magic: Int64, _ name: String) {
        #expect(error { try refuseSharedFileSystem(magic: magic, "/x") }?.code == .unsuitableFileSystem(name: name))
    }

    /// ext4, XFS, Btrfs, tmpfs, overlay, ZFS.
    @Test(arguments: [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994, 0x794C_7630, 0x2FC1_2FC1] as [Int64])
    func `is taken on a local file system`(_ magic: Int64) throws {
        try refuseSharedFileSystem(magic: magic, "/x")
    }
}
