internal import Glibc
internal import MetastoreEngine
internal import MetastoreSQLite

/// A directory of a test's own, gone with it.
final class TemporaryPlace: Sendable {
    let directory: String
    /// Where the database of the test goes.
    var path: String { directory + "/metastore.db" }

    /// On a file system in memory where there is one, since most tests aren't about the disk; else, or when
    /// asked for, on
    /// the disk.
    init(onDisk: Bool = false) throws {
        let parent = !onDisk && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array((parent + "/metastore-test-XXXXXX").utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure(call: "mkdtemp", number: errno) }
        directory = String(cString: made)
    }

    deinit {
        for name in names(in: directory) {
            unlink(directory + "/" + name)
            rmdir(directory + "/" + name)
        }
        rmdir(directory)
    }

    func engine(_ options: EngineOptions = EngineOptions(), limits: SQLiteLimits = SQLiteLimits()) -> SQLiteEngine {
        SQLiteEngine(path: path, options: options, limits: limits)
    }

    func readOnlyEngine() -> SQLiteEngine {
        var options = EngineOptions()
        options.isReadOnly = true
        return engine(options)
    }

    /// A database with one table and so many rows, closed cleanly.
    func makeDatabase(rows: Int = 1) throws {
        let engine = engine()
        _ = try engine.prepare()
        try engine.create { connection in
            try connection.executeScript("CREATE TABLE things (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT")
            for id in 0..<rows { try connection.execute("INSERT INTO things VALUES (\(id), 'x')") }
        }
        engine.close()
    }

    struct Failure: Error {
        let call: String
        let number: Int32
    }
}

func names(in directory: String) -> [String] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
        let name = withUnsafePointer(to: &entry.pointee.d_name) {
            $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
        }
        if name != ".", name != ".." { names.append(name) }
    }
    return names.sorted()
}

/// All bytes of a file that nobody has open.
func contents(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw TemporaryPlace.Failure(call: "open", number: errno) }
    defer { close(descriptor) }
    var bytes = [UInt8](repeating: 0, count: Int(size(path) ?? 0))
    guard read(descriptor, &bytes, bytes.count) == bytes.count else {
        throw TemporaryPlace.Failure(call: "read", number: errno)
    }
    return bytes
}

func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    guard descriptor >= 0 else { throw TemporaryPlace.Failure(call: "open", number: errno) }
    defer { close(descriptor) }
    guard write(descriptor, bytes, bytes.count) == bytes.count else {
        throw TemporaryPlace.Failure(call: "write", number: errno)
    }
}

func size(_ path: String) -> Int? {
    var status = stat()
    return lstat(path, &status) == 0 ? Int(status.st_size) : nil
}

func mode(_ path: String) -> UInt32? {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o7777 : nil
}

func error(_ body: () throws -> Void) -> EngineError? {
    do {
        try body()
        return nil
    } catch {
        return error as? EngineError
    }
}
