internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

@Suite struct `Making a database` {
    let place: TemporaryPlace
    init() throws { place = try TemporaryPlace() }

    @Test func `leaves all files readable by their owner only`() throws {
        let engine = place.engine()
        _ = try engine.prepare()
        try engine.create { try $0.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY)") }
        let writer = try engine.openWriter()
        let reader = try engine.openReader()
        try writer.execute("INSERT INTO things VALUES (1)")
        try engine.keepNote([1, 2, 3])
        let found = names(in: place.directory)
        #expect(found == ["", "-shm", "-wal", ".head", ".lock"].map { "metastore.db" + $0 })
        for name in found { #expect(mode(place.directory + "/" + name) == 0o600, "\(name)") }
        reader.close()
        writer.close()
        engine.close()
    }

    @Test func `leaves nothing when it fails`() throws {
        struct Thrown: Error {}
        let engine = place.engine()
        _ = try engine.prepare()
        #expect(throws: Thrown.self) {
            try engine.create { connection in
                try connection.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY)")
                #expect(size(place.path) == nil)
                throw Thrown()
            }
        }
        #expect(names(in: place.directory) == ["metastore.db.lock"])
        try engine.create { try $0.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY)") }
        #expect(try engine.prepare() == .database(hasWriteAheadLog: false))
        #expect(error { try engine.create { _ in } }?.code == .misuse)
        engine.close()
    }

    @Test func `starts anew over what a killed attempt left`() throws {
        for suffix in ["", "-wal", "-shm", "-journal"] {
            try write([UInt8](repeating: 7, count: 5000), to: place.path + ".creating" + suffix)
        }
        let engine = place.engine()
        #expect(try engine.prepare() == .nothing)
        try engine.create { try $0.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY)") }
        #expect(names(in: place.directory) == ["metastore.db", "metastore.db.lock"])
        engine.close()
    }

    @Test func `never replaces a file that appeared meanwhile`() throws {
        let engine = place.engine()
        _ = try engine.prepare()
        let refusal = error {
            try engine.create { connection in
                try connection.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY)")
                try write(Array("precious".utf8), to: place.path)
            }
        }
        #expect(refusal?.code == .holdLost)
        #expect(try contents(place.path) == Array("precious".utf8))
        engine.close()
    }

    @Test func `refuses a transaction left open`() throws {
        let engine = place.engine()
        _ = try engine.prepare()
        #expect(error { try engine.create { try $0.begin(.write) } }?.code == .misuse)
        #expect(names(in: place.directory) == ["metastore.db.lock"])
        engine.close()
    }

    @Test func `sets what the guarantees rest on`() throws {
        try place.makeDatabase()
        let engine = place.engine()
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        let settings = [
            ("journal_mode", "wal"), ("synchronous", "2"), ("foreign_keys", "1"), ("page_size", "4096"),
            ("trusted_schema", "0"), ("temp_store", "2"), ("wal_autocheckpoint", "0"),
        ]
        for (name, value) in settings where name != "journal_mode" {
            let found = try writer.first(SQL(trusted: "PRAGMA \(name)")) { try $0.integer(0) }
            #expect(found.map(String.init) == value, "\(name)")
        }
        #expect(try writer.first("PRAGMA journal_mode") { try $0.text(0) } == "wal")
        writer.close()
        engine.close()
    }

    @Test func `keeps a note as a whole`() throws {
        let engine = place.engine()
        _ = try engine.prepare()
        #expect(try engine.readNote() == nil)
        try engine.keepNote([1, 2, 3])
        try engine.keepNote([4])
        #expect(try engine.readNote() == [4])
        #expect(error { try engine.keepNote([UInt8](repeating: 0, count: 70_000)) }?.code == .tooBig)
        #expect(try engine.readNote() == [4])
        engine.close()
    }
}
