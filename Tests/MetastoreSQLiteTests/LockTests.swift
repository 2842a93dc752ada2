internal import FoundationEssentials
internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite
import Testing

@Suite struct `The right to write` {
    let place: TemporaryPlace
    init() throws { place = try TemporaryPlace() }

    @Test func `is given once, also within a process, and names its holder`() throws {
        let first = place.engine()
        _ = try first.prepare()
        defer { first.close() }
        let refusal = try #require(error { _ = try place.engine().prepare() })
        guard case .locked(let holder) = refusal.code else {
            Issue.record("\(refusal)")
            return
        }
        #expect(holder.hasPrefix("process \(getpid()) ("))
        #expect(holder.contains(" on ") && holder.contains(" since 20"))
        #expect(refusal.message.contains("Don't delete the lock file"))
    }

    @Test func `is refused while another process holds it`() throws {
        try place.makeDatabase()
        let other = try ChildProcess(
            "flock", "--no-fork", "-n", place.path + ".lock", "sh", "-c", "echo held; exec sleep 60")
        #expect(other.line() == "held")
        let refusal = error { _ = try place.engine().prepare() }
        // It wrote nothing into the file, and the engine that made the database took its own name away.
        #expect(refusal?.code == .locked(holder: "another process"))
        other.kill()
        _ = other.exitCode()
        #expect(error { _ = try place.engine().prepare() } == nil)
    }

    @Test func `keeps another process out`() throws {
        let engine = place.engine()
        _ = try engine.prepare()
        let other = try ChildProcess("flock", "-n", place.path + ".lock", "true")
        #expect(other.exitCode() == 1)
        engine.close()
        let next = try ChildProcess("flock", "-n", place.path + ".lock", "true")
        #expect(next.exitCode() == 0)
    }

    @Test func `is kept until the last connection is closed`() throws {
        try place.makeDatabase()
        let engine = place.engine()
        _ = try engine.prepare()
        let reader = try engine.openReader()
        engine.close()
        guard case .locked? = error({ _ = try place.engine().prepare() })?.code else {
            Issue.record("the lock was free")
            return
        }
        reader.close()
        #expect(error { _ = try place.engine().prepare() } == nil)
    }

    @Test func `is lost when the lock file is deleted or replaced`() throws {
        let engine = place.engine()
        _ = try engine.prepare()
        defer { engine.close() }
        try engine.confirmHold()
        unlink(place.path + ".lock")
        #expect(error { try engine.confirmHold() }?.code == .holdLost)
        try write([], to: place.path + ".lock")
        #expect(error { try engine.confirmHold() }?.code == .holdLost)
    }

    @Test func `is lost when the database is deleted or replaced`() throws {
        try place.makeDatabase()
        let engine = place.engine()
        _ = try engine.prepare()
        defer { engine.close() }
        let writer = try engine.openWriter()
        defer { writer.close() }
        try engine.confirmHold()
        rename(place.path, place.path + ".away")
        #expect(error { try engine.confirmHold() }?.code == .holdLost)
        try write(Array("SQLite format 3\0".utf8), to: place.path)
        #expect(error { try engine.confirmHold() }?.code == .holdLost)
        #expect(error { _ = try engine.openReader() }?.code == .holdLost)
        rename(place.path + ".away", place.path)
        try engine.confirmHold()
    }

    @Test func `allows one read-write connection at a time`() throws {
        try place.makeDatabase()
        let engine = place.engine()
        #expect(error { _ = try engine.openWriter() }?.code == .misuse)
        _ = try engine.prepare()
        defer { engine.close() }
        let writer = try engine.openWriter()
        #expect(error { _ = try engine.openWriter() }?.code == .misuse)
        writer.close()
        try engine.openWriter().close()
    }

    @Test func `is not asked for by a read-only engine, which can't write`() throws {
        try place.makeDatabase(rows: 3)
        let writing = place.engine()
        _ = try writing.prepare()
        defer { writing.close() }
        let writer = try writing.openWriter()
        defer { writer.close() }
        let reading = place.readOnlyEngine()
        #expect(try reading.prepare() == .database(hasWriteAheadLog: false))
        let reader = try reading.openReader()
        try writer.execute("INSERT INTO things VALUES (99, 'new')")
        #expect(try reader.first("SELECT count(*) FROM things") { try $0.integer(0) } == 4)
        for refused in [
            error { _ = try reading.openWriter() }, error { try reading.confirmHold() },
            error { try reading.keepNote([1]) }, error { try reading.create { _ in } },
            error { try reading.settleUnknownCommit() },
        ] { #expect(refused?.code == .readOnly) }
        reader.close()
        // Its going must not have dropped the writer's locks.
        try writer.execute("INSERT INTO things VALUES (100, 'newer')")
        let shell = try ChildProcess("sqlite3", place.path, "SELECT count(*) FROM things; PRAGMA integrity_check")
        #expect(shell.line() == "5")
        #expect(shell.line() == "ok")
        reading.close()
    }

    @Test func `has a lock file that any content in it can't break`() throws {
        let engine = place.engine()
        _ = try engine.prepare()
        try write([0x1b, 0x5b, 0x32, 0x4a, 0xff, 0x00, 0x0a], to: place.path + ".lock")
        guard case .locked(let holder)? = error({ _ = try place.engine().prepare() })?.code else {
            Issue.record("the lock was free")
            return
        }
        #expect(holder == "another process")
        engine.close()
    }
}
