internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

/// On a device of its own: 2 MiB of memory, mounted for the test (which therefore runs as root).
@Suite struct `A full device` {
    let place: TemporaryPlace
    init() throws {
        place = try TemporaryPlace()
        try place.mount(megabytes: 2)
    }

    @Test func `refuses the transaction, keeps all that was answered, and goes on when there is room`() throws {
        defer { place.unmount() }
        try place.makeDatabase()
        let engine = place.engine()
        _ = try engine.prepare()
        let writer = try engine.openWriter()
        var kept: Int64 = 1
        var refusal: EngineError?
        while refusal == nil, kept < 10_000 {
            refusal = error {
                try writer.begin(.write)
                try writer.execute("INSERT INTO things (body) VALUES (\(String(repeating: "x", count: 50_000)))")
                try writer.commit()
            }
            if refusal == nil { kept += 1 }
        }
        #expect(refusal?.code == .full)
        #expect(refusal?.leavesCommitUnknown == false)
        #expect(refusal?.message.contains("Make room") == true)
        writer.rollback()
        #expect(try writer.first("SELECT count(*) FROM things") { try $0.integer(0) } == kept)
        try place.mount(megabytes: 8, again: true)
        try writer.execute("INSERT INTO things (body) VALUES ('room')")
        try engine.settle(writer)
        #expect(try writer.first("SELECT count(*) FROM things") { try $0.integer(0) } == kept + 1)
        #expect(try writer.first("PRAGMA integrity_check") { try $0.text(0) } == "ok")
        writer.close()
        engine.close()
    }

    @Test func `is told when opening, and nothing is left of a database that couldn't be made`() throws {
        defer { place.unmount() }
        try place.makeDatabase()
        try place.fill()
        let engine = place.engine()
        let refusal = error {
            _ = try engine.prepare()
            try engine.openWriter().close()
        }
        #expect(refusal?.code == .full, "\(String(describing: refusal))")
        engine.close()
        let other = SQLiteEngine(path: place.directory + "/other.db", options: EngineOptions())
        let second = error {
            _ = try other.prepare()
            try other.create { try $0.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY)") }
        }
        #expect(second?.code == .full, "\(String(describing: second))")
        other.close()
        #expect(!names(in: place.directory).contains { $0.hasPrefix("other.db") && $0 != "other.db.lock" })
    }
}

extension TemporaryPlace {
    func mount(megabytes: Int, again: Bool = false) throws {
        let flags = again ? UInt(MS_REMOUNT) : 0
        guard Glibc.mount("tmpfs", directory, "tmpfs", flags, "size=\(megabytes)m") == 0 else {
            throw Failure(call: "mount", number: errno)
        }
    }

    func unmount() { umount2(directory, Int32(MNT_DETACH)) }

    /// Leaves not a page.
    func fill() throws {
        let descriptor = open(directory + "/filler", O_WRONLY | O_CREAT, 0o600)
        defer { close(descriptor) }
        let bytes = [UInt8](repeating: 1, count: 4096)
        while write(descriptor, bytes, bytes.count) > 0 {}
        guard errno == ENOSPC else { throw Failure(call: "write", number: errno) }
    }
}
