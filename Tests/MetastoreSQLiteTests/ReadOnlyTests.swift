internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

@Suite struct `Opening for reading only` {
    let place: TemporaryPlace
    init() throws { place = try TemporaryPlace() }

    @Test func `works after a clean close, and takes no lock`() throws {
        try place.makeDatabase(rows: 3)
        let before = try contents(place.path)
        let engine = place.readOnlyEngine()
        #expect(try engine.prepare() == .database(hasWriteAheadLog: false))
        let reader = try engine.openReader()
        #expect(try reader.first("SELECT count(*) FROM things") { try $0.integer(0) } == 3)
        #expect(error { try reader.execute("DELETE FROM things") }?.code == .readOnly)
        reader.close()
        engine.close()
        #expect(try contents(place.path) == before)
        let next = place.engine()
        _ = try next.prepare()
        next.close()
    }

    @Test func `sees what a killed writer left, and leaves the log alone`() throws {
        try place.makeDatabase()
        let writing = place.engine()
        _ = try writing.prepare()
        let writer = try writing.openWriter()
        try writer.execute("INSERT INTO things VALUES (7, 'in the log')")
        writer.close()
        writing.close()
        let (database, log) = try (contents(place.path), contents(place.path + "-wal"))
        let engine = place.readOnlyEngine()
        #expect(try engine.prepare() == .database(hasWriteAheadLog: true))
        let reader = try engine.openReader()
        #expect(try reader.first("SELECT count(*) FROM things") { try $0.integer(0) } == 2)
        reader.close()
        engine.close()
        #expect(try contents(place.path) == database)
        #expect(try contents(place.path + "-wal") == log)
    }

    @Test(arguments: [false, true])
    func `says what to do on read-only media`(_ hasLog: Bool) throws {
        try place.mount(megabytes: 4)
        defer { place.unmount() }
        try place.makeDatabase()
        if hasLog {
            let writing = place.engine()
            _ = try writing.prepare()
            let writer = try writing.openWriter()
            try writer.execute("INSERT INTO things VALUES (7, 'in the log')")
            writer.close()
            writing.close()
            unlink(place.path + "-shm")
        }
        try place.mountReadOnly()
        let engine = place.readOnlyEngine()
        #expect(try engine.prepare() == .database(hasWriteAheadLog: hasLog))
        let refusal = error { _ = try engine.openReader() }
        #expect(refusal?.code == .readOnly, "\(String(describing: refusal))")
        #expect(refusal?.message.contains("writable place") == true, "\(String(describing: refusal))")
        let writing = place.engine()
        let second = error { _ = try writing.prepare() }
        #expect(second?.code == .readOnly)
        writing.close()
    }
}

extension TemporaryPlace {
    func mountReadOnly() throws {
        guard Glibc.mount("tmpfs", directory, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0 else {
            throw Failure(call: "mount", number: errno)
        }
    }
}
