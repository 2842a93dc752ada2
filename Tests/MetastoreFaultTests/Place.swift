internal import FaultLoad
internal import FaultSupport
internal import Glibc
internal import Metastore
internal import MetastoreEngine
internal import Testing

/// A directory of a test's own, unmounted and gone with it.
final class Place: Sendable {
    let directory: String
    /// Where the store of the test goes.
    var path: String { directory + "/store/metastore.db" }
    var store: String { directory + "/store" }

    /// In memory where there is some: flushes cost nothing there, whatever else keeps the disk busy. Kills lose no
    /// force
    /// by it, since a killed process loses no page it has written; and what is lost without flushes is tried on a file
    /// system of its own (``Disk``).
    init() throws {
        var room = statvfs()
        let isRoomy = statvfs("/dev/shm", &room) == 0 && Int(room.f_bavail) * Int(room.f_frsize) > 1 << 30
        let parent = isRoomy && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp"
        var template = Array("\(parent)/metastore-fault-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw Failure("mkdtemp") }
        directory = String(cString: made)
        guard mkdir(store, 0o700) == 0 else { throw Failure("mkdir") }
    }

    deinit {
        while umount2(store, Int32(MNT_DETACH)) == 0 {}
        try? run("rm", "-rf", directory)
    }

    /// All files of the store and their bytes. Nobody may have it open in this process.
    func files() throws -> [String: [UInt8]] {
        var found: [String: [UInt8]] = [:]
        for name in try names() where name != "metastore.db.lock" {
            found[name] = try contents(store + "/" + name)
        }
        return found
    }

    /// An empty log and an index may appear: SQLite makes them by looking.
    func isUnchanged(since before: [String: [UInt8]]) throws -> Bool {
        var after = try files()
        if before["metastore.db-wal"] == nil, after["metastore.db-wal"] == [] { after["metastore.db-wal"] = nil }
        after["metastore.db-shm"] = before["metastore.db-shm"]
        return after == before
    }

    func names() throws -> [String] {
        guard let stream = opendir(store) else { throw Failure("opendir") }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != "..", name != "lost+found" { names.append(name) }
        }
        return names.sorted()
    }

    /// A store with some requests in it, closed cleanly; returns what they were answered.
    @discardableResult
    func fill(_ count: Int = 5) async throws -> [(Request, Answer)] {
        let store = try await Metastore.open(.smallLog(path))
        var answered: [(Request, Answer)] = []
        for number in 0..<count {
            let request = Request(operation: OperationID().uuid, writer: 9, trials: number % 3)
            answered.append((request, try await store.perform(request)))
        }
        await store.close()
        return answered
    }
}

func contents(_ path: String) throws -> [UInt8] {
    let descriptor = open(path, O_RDONLY)
    guard descriptor >= 0 else { throw Failure("open \(path)") }
    defer { close(descriptor) }
    var (bytes, piece): ([UInt8], [UInt8]) = ([], [UInt8](repeating: 0, count: 1 << 20))
    while true {
        let got = read(descriptor, &piece, piece.count)
        guard got >= 0 else { throw Failure("read \(path)") }
        if got == 0 { return bytes }
        bytes += piece[..<got]
    }
}

func write(_ bytes: [UInt8], to path: String) throws {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw Failure("open \(path)") }
    defer { close(descriptor) }
    var written = 0
    while written < bytes.count {
        let put = bytes[written...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard put > 0 else { throw Failure("write \(path)") }
        written += put
    }
}

/// The typed error of an opening that must fail; nil, recorded as an issue, when it doesn't.
func refusal(
    _ source: EngineSource, _ options: StoreOptions = StoreOptions(), sourceLocation: SourceLocation = #_sourceLocation
) async -> StoreError? {
    do {
        let store = try await Metastore.open(source, options)
        await store.close()
        Issue.record("the store opened", sourceLocation: sourceLocation)
    } catch let error as StoreError {
        return error
    } catch {
        Issue.record("\(error) is no StoreError", sourceLocation: sourceLocation)
    }
    return nil
}

var readOnly: StoreOptions {
    var options = StoreOptions()
    options.engine.isReadOnly = true
    return options
}

var adopting: StoreOptions {
    var options = StoreOptions()
    options.history = .adopt
    options.copies = .adopt
    return options
}
